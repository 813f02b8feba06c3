"""An emulated processor gets its share of a CPU and no more, and a wire carries what its rate allows."""

import json
import os
import time
from pathlib import Path

import pytest

from tests.system.command import refused, vmdqemu
from tests.system.harness import RunningLab, eventually, running, shared

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
TICK = 1 / os.sysconf("SC_CLK_TCK")


def _cpu_seconds(pid: int | None) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")")[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK


def _receive(lab: RunningLab, seconds: int) -> tuple[float, float]:
    """Bits a second of TCP from ext to vm1, and the share of a CPU that processor 0 used meanwhile."""
    server = lab.start("vm1", "timeout", "20", "iperf3", "-s", "-1")
    eventually(lambda: "5201" in lab.run("vm1", "ss", "-Hltn"), "iperf3 listens")
    client = lab.start(
        "ext", "timeout", "20", "iperf3", "-c", "10.0.0.1", "-t", str(seconds), "-J", stdout=-1
    )
    eventually(lambda: lab.port("vm1")["writes"] > 100, "data flows")
    pid = lab.worker("cpu0")
    started, used = time.monotonic(), _cpu_seconds(pid)
    shown, _ = client.communicate(timeout=30)
    share = (_cpu_seconds(pid) - used) / (time.monotonic() - started)
    assert server.wait(10) == 0
    return json.loads(shown)["end"]["sum_received"]["bits_per_second"], share


def test_a_processor_uses_no_more_than_its_share_nor_than_the_next_one(lab: RunningLab) -> None:
    """In ticks of a hundredth of a second and on a shared machine."""
    bits, share = _receive(lab, seconds=2)
    assert 0.02 < share < 0.075
    assert bits > 10e6
    shown = vmdqemu("processor", "set", "--speed", "0.15", "--lab", lab.config.name, "-j")
    assert [row["speed"] for row in json.loads(shown.stdout)["processors"]] == [0.15]
    _, share = _receive(lab, seconds=2)
    assert 0.06 < share < 0.225


def test_a_speed_that_no_processor_can_have_is_refused(lab: RunningLab) -> None:
    done = vmdqemu("processor", "set", "--speed", "1.5", "--lab", lab.config.name)
    assert refused(done, 2) == "speed: 1.5 is not a share of a CPU; use 0.01 to 1\n"


def test_the_wire_carries_what_a_cable_would(tmp_path: Path) -> None:
    with running(LAB.format(speed=1.0, rate=500), tmp_path) as lab:
        bits, _ = _receive(lab, seconds=2)
        assert 250e6 < bits < 475e6  # a cable of 500 Mbit/s carries 470.7 of TCP with timestamps
