"""Changing hands: owners change under numbered frames, and none is lost, doubled or out of order."""

import os
import signal
from pathlib import Path

import pytest

from tests.system import numbered
from tests.system.harness import RunningLab, eventually, running, shared
from tests.system.iperf import sending
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

MODES = ("vmq", "vmmq", "rss", "vmmq", "vmdq", "off-nolookup", "vmdq", "off-nocopy", "vmq", "off")
VMS = 4
LAB = """
[adapter]
ring = 8192
[host]
processors = 2
[wire]
address = "10.0.0.254/24"
""" + "".join(
    f'[[vm]]\nname = "vm{number}"\naddress = "10.0.0.{number}/24"\nqueues = {1 + number % 2}\n'
    for number in range(1, VMS + 1)
)

lab = shared(LAB)


def test_numbered_frames_survive_every_change_of_owner(tmp_path: Path, full: bool) -> None:
    changes, burst = (1000 if full else 60), 40
    with running(LAB, tmp_path) as lab, numbered.link(lab, "ext", "wire0") as outside:
        with numbered.link(lab, "vm1", "eth0") as vm1, numbered.link(lab, "vm2", "eth0") as vm2:
            received: list[list[int]] = [[], []]
            for change in range(changes):
                with numbered.on_one_cpu():
                    for number in range(change * burst, (change + 1) * burst):
                        for vm in range(1, VMS + 1):
                            outside.send(numbered.frame(lab, f"vm{vm}", number))
                if change % 3:
                    lab.call("mode.set", mode=MODES[change % len(MODES)])
                else:
                    queues = lab.call("queue.list")["queues"]
                    queue = queues[change % len(queues)]["QueueID"]
                    lab.call("queue.set", queue=queue, processor=change // 3 % 2)
                for link, seen in zip((vm1, vm2), received, strict=True):
                    seen += numbered.read(link)
            expected = list(range(changes * burst))
            for link, seen in zip((vm1, vm2), received, strict=True):
                numbered.receive(link, seen, len(expected))
                assert seen == expected
        assert lab.port("wire")["drops"] == {}
        assert lab.port("wire")["ring_overflow"] == 0


def _goes_on(lab: RunningLab, name: str) -> None:
    """Wait until a VM was sent more."""
    before = lab.port(name)["writes"]
    eventually(lambda: lab.port(name)["writes"] > before + 100, f"{name} is sent data")


def test_a_connection_lives_through_every_mode(lab: RunningLab) -> None:
    """iperf3 has one connection, and none after it."""
    with sending(lab, ("ext",), "vm1", "10.0.0.1"):
        for mode in MODES:
            _goes_on(lab, "vm1")
            lab.call("mode.set", mode=mode)
        _goes_on(lab, "vm1")


def test_look_ups_end_where_the_adapter_sorts(lab: RunningLab) -> None:
    lab.run("ext", "ping", "-c", "3", "-i", "0.05", "10.0.0.1")
    lab.assert_law()  # ping does not wait for a late answer, nor does it know what is still looked up
    assert lab.port("wire")["lookups"] >= 3
    queues = lab.call("mode.set", mode="vmq")["queues"]
    assert [row["VmFriendlyName"] for row in queues] == ["", "vm1", "vm2", "vm3", "vm4"]
    before = lab.port("wire")["lookups"]
    lab.run("ext", "ping", "-c", "3", "-i", "0.05", "10.0.0.1")
    lab.assert_law()
    assert lab.port("wire")["lookups"] == before
    moved = lab.call("queue.set", queue=1, processor=1)["queues"]
    assert moved[1]["Processor"] == "0:1"
    lab.run("ext", "ping", "-c", "3", "-i", "0.05", "10.0.0.1")
    lab.call("mode.set", mode="off")


def test_a_worker_that_dies_in_a_change_is_replaced_once_and_knows_the_new_tables(
    tmp_path: Path, full: bool
) -> None:
    with running(LAB, tmp_path) as lab:
        for kills, mode in enumerate(MODES[: 4 if full else 2], start=1):
            pid = eventually(lambda: lab.worker("cpu0"), "processor 0 has a worker")
            os.kill(pid, signal.SIGKILL)
            lab.call("mode.set", mode=mode)
            lab.run("ext", "ping", "-c", "3", "-i", "0.05", "-W", "20", "10.0.0.1")
            status = lab.call("status")
            assert (status["crashes"], status["mode"]) == (kills, mode)


@pytest.mark.parametrize(
    ("method", "params", "cure"),
    [
        ("mode.set", {"mode": "fast"}, "use one of off, rss, vmdq, vmq, vmmq"),
        ("queue.set", {"queue": 99, "processor": 0}, "no RX queue 99"),
        ("queue.set", {"queue": 0, "processor": 2}, "use 0 to 1"),
        ("queue.set", {"queue": 0, "processor": "one"}, "not a whole number"),
    ],
)
def test_a_wrong_change_is_refused_and_changes_nothing(
    method: str, params: dict[str, object], cure: str, lab: RunningLab
) -> None:
    before = lab.call("queue.list")
    with pytest.raises(VmdqemuError, match=cure):
        lab.call(method, **params)
    assert lab.call("queue.list") == before


def test_a_running_host_has_the_modes_of_its_release(tmp_path: Path) -> None:
    with running(LAB.replace("[host]", '[host]\nrelease = "2012r2"'), tmp_path) as lab:
        assert lab.call("status")["mode"] == "vmq"
        with pytest.raises(VmdqemuError, match='"vmmq" is unknown to release "2012r2"'):
            lab.call("mode.set", mode="vmmq")
        lab.call("mode.set", mode="off")
        assert lab.call("status")["mode"] == "off"
