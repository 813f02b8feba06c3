"""What an operator takes away under traffic is reported, counted, and nobody else's trouble."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.system.flood import Flood, flooding
from tests.system.harness import RunningLab, eventually, running

pytestmark = pytest.mark.system

LAB = """
vm = [
  { name = "vm1", address = "10.0.0.1/24" },
  { name = "vm2", address = "10.0.0.2/24" },
  { name = "vm3", address = "10.0.0.3/24" },
  { name = "vm4", address = "10.0.0.4/24" },
]
"""
SHARE = 0.2  # of a processor, at most


def gone(lab: RunningLab) -> list[str]:
    """VMs whose device was removed."""
    status = lab.call("status")
    return [vm["name"] for vm in status["vms"] if vm["port"] in status["gone"]]


def processor_share(pid: int, seconds: float = 1.0) -> float:
    """What a process used of a processor for a while."""

    def used() -> float:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")  # utime, stime: proc(5)

    before, start = used(), time.monotonic()
    eventually(lambda: time.monotonic() >= start + seconds, "the time is over")
    return (used() - before) / (time.monotonic() - start)


def ping(lab: RunningLab, vm: str, address: str) -> None:
    """Three answers."""
    lab.run(vm, "ping", "-c", "3", "-i", "0.01", "-w", "10", address)


@pytest.mark.parametrize("whose", ["the sender's", "the receiver's"])
def test_a_removed_link_is_reported_and_costs_nobody_anything(whose: str, tmp_path: Path) -> None:
    victim = "vm1" if whose == "the sender's" else "vm2"
    with running(LAB, tmp_path) as lab:
        worker = lab.worker("nic")
        assert worker is not None
        with flooding(lab, {"vm1": Flood("small", "vm2", rate=20_000)}):
            eventually(lambda: lab.port("vm2")["writes"] > 1000, "frames flow")
            lab.run(victim, "ip", "link", "del", "eth0")
            eventually(lambda: victim in gone(lab), f"{victim} is reported")
            ping(lab, "vm3", "10.0.0.4")
        assert gone(lab) == [victim]
        assert processor_share(worker) < SHARE
        ping(lab, "vm4", "10.0.0.3")
        assert lab.worker("nic") == worker
        os.kill(worker, signal.SIGKILL)  # who comes next is told nothing of it
        eventually(lambda: lab.worker("nic") not in (None, worker), "the worker is replaced")
        ping(lab, "vm4", "10.0.0.3")
        assert gone(lab) == [victim]


def test_frames_to_a_link_that_is_down_are_counted_and_flow_again(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab, flooding(lab, {"vm1": Flood("small", "vm2", rate=5_000)}):
        eventually(lambda: lab.port("vm2")["writes"] > 100, "frames flow")
        lab.run("vm2", "ip", "link", "set", "eth0", "down")
        eventually(lambda: lab.port("vm1")["drops"].get("egress_down", 0) > 100, "the drops are counted")
        written = lab.port("vm2")["writes"]
        ping(lab, "vm3", "10.0.0.4")
        lab.run("vm2", "ip", "link", "set", "eth0", "up")
        eventually(lambda: lab.port("vm2")["writes"] > written + 100, "frames flow again")
        assert set(lab.port("vm1")["drops"]) == {"egress_down"}
        assert not gone(lab)


def test_a_deleted_namespace_is_nobody_elses_trouble(tmp_path: Path) -> None:
    """It lives on without a name, as long as the lab holds its TAP."""
    with running(LAB, tmp_path) as lab:
        with flooding(lab, {"vm1": Flood("small", "vm2", rate=20_000)}):
            eventually(lambda: lab.port("vm2")["writes"] > 1000, "frames flow")
            subprocess.run(["ip", "netns", "del", lab.ns("vm2")], check=True)
            ping(lab, "vm3", "10.0.0.4")
        worker = lab.worker("nic")
        assert worker is not None
        assert processor_share(worker) < SHARE
