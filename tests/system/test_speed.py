"""An emulated processor gets its share of a CPU and no more, and a wire carries what its rate allows."""

import json
import time
from pathlib import Path

import pytest

from tests.system.command import refused, vmdqemu
from tests.system.harness import RunningLab, eventually, running, shared
from tests.system.iperf import sending
from tests.system.rates import PATIENCE, assert_limit, in_some_window, measured, of_wire

pytestmark = pytest.mark.system

LAB = """
[adapter]
mode = "vmq"
[host]
speed = {speed}
[wire]
address = "10.0.0.254/24"
rate = {rate}
[[vm]]
name = "vm1"
address = "10.0.0.1/24"
"""
lab = shared(LAB.format(speed=0.05, rate=10_000))


def _cpu_seconds(pid: int | None) -> float:
    """Source: Linux Documentation/scheduler/sched-stats.rst. A worker has one thread."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def _share(lab: RunningLab) -> float:
    """Of a CPU, that processor 0 uses in a second. Its clock goes for longer: it is no less than was used."""
    pid = lab.worker("cpu0")
    started, used = time.monotonic(), _cpu_seconds(pid)
    eventually(lambda: time.monotonic() >= started + 1, "a second is over")
    used = _cpu_seconds(pid) - used
    return used / (time.monotonic() - started)


def _assert_share(lab: RunningLab, speed: float) -> None:
    """A machine that stands still makes a second's share smaller, and none larger."""

    def is_used() -> bool:
        share = _share(lab)
        assert share < 1.2 * speed
        return share > 0.5 * speed

    eventually(is_used, "it uses its share", PATIENCE)


def test_a_processor_uses_no_more_than_its_share_nor_than_the_next_one(lab: RunningLab) -> None:
    with sending(lab, ("ext",), "vm1", "10.0.0.1"):
        _assert_share(lab, 0.05)
        in_some_window(lambda: measured(of_wire(lab, "rx"), 10e6), lambda rate: rate > 10e6, "data flows")
        shown = vmdqemu("processor", "set", "--speed", "0.15", "--lab", lab.config.name, "-j")
        assert [row["speed"] for row in json.loads(shown.stdout)["processors"]] == [0.15]
        _assert_share(lab, 0.15)


def test_a_speed_that_no_processor_can_have_is_refused(lab: RunningLab) -> None:
    done = vmdqemu("processor", "set", "--speed", "1.5", "--lab", lab.config.name)
    assert refused(done, 2) == "speed: 1.5 is not a share of a CPU; use 0.01 to 1\n"


def test_the_wire_carries_what_a_cable_would(tmp_path: Path) -> None:
    with running(LAB.format(speed=1.0, rate=500), tmp_path) as lab, sending(lab, ("ext",), "vm1", "10.0.0.1"):
        assert_limit(of_wire(lab, "rx"), 500e6, least=0.5, most=1.05)
