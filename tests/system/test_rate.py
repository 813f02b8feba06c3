"""A VM's rate limit holds for real TCP, superframes and all, and for that VM alone."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.system.harness import running
from tests.system.iperf import iperf3

pytestmark = pytest.mark.system

LAB = """
vm = [
  { name = "vm1", address = "10.0.0.1/24", rate = 100 },
  { name = "vm2", address = "10.0.0.2/24" },
  { name = "vm3", address = "10.0.0.3/24" },
  { name = "vm4", address = "10.0.0.4/24" },
]
"""


def test_a_rate_is_reached_and_kept_and_nobody_elses(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab, ThreadPoolExecutor() as beside:
        limited = beside.submit(iperf3, lab, "vm1", "vm2", "10.0.0.2", "-t", "3", "-O", "1")
        free = iperf3(lab, "vm3", "vm4", "10.0.0.4", "-t", "2")
        assert free["sum_received"]["bits_per_second"] > 500e6
        assert 80e6 < limited.result()["sum_received"]["bits_per_second"] < 100e6
        assert lab.port("vm1")["read_wire"] > 1.5 * lab.port("vm1")["reads"], "no superframes"
