"""The baselines of VFs: a bridge, and a cable; one CPU takes in what a VM sends."""

import os

import pytest

from netns import namespace
from tests.system.command import Write
from vmdqemu.experiments import bare_lab, baselines
from vmdqemu.experiments.interrupts import Interrupts

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1", address = "10.0.0.1/24" }, { name = "vm2", address = "10.0.0.2/24" }]
[wire]
address = "10.0.0.254/24"
"""


@pytest.mark.parametrize(
    ("baseline", "ways", "receivers"),
    [
        (
            "bridge",
            [("vm1", "10.0.0.2"), ("ext", "10.0.0.1"), ("vm2", "10.0.0.254")],
            [("nic", "port1"), ("nic", "port2")],
        ),
        ("veth", [("vm1", "10.0.0.2"), ("vm2", "10.0.0.1")], [("vm2", "eth0"), ("vm1", "eth0")]),
    ],
)
def test_they_reach_each_other_and_receive_on_one_cpu(
    baseline: str, ways: list[tuple[str, str]], receivers: list[tuple[str, str]], write: Write
) -> None:
    file, cpus = write(LAB), sorted(os.sched_getaffinity(0))
    with Interrupts() as interrupts, bare_lab.running((baselines.MODULE, baseline), file.path, interrupts):
        for source, target in ways:
            namespace.run(f"{file.lab}-{source}", ["ping", "-c", "1", "-W", "2", target])
        for vm, (machine, ifname) in enumerate(receivers):
            setting = f"/sys/class/net/{ifname}/queues/rx-0/rps_cpus"
            mask = namespace.run(f"{file.lab}-{machine}", ["cat", setting]).stdout.strip().replace(",", "")
            assert int(mask, 16) == 1 << cpus[vm % len(cpus)], "the CPU that the VF of this VM would have"
    assert file.left == set()
