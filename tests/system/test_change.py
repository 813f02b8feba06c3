"""Changing hands: owners change under numbered frames, and none is lost, doubled or out of order."""

import os
import signal
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from netns import namespace
from tests.system.harness import RunningLab, eventually, running
from vmdqemu.daemon import control, runtime
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

ETHERTYPE = 0x88B5
SO_RCVBUFFORCE = 33
MODES = ("vmq", "vmmq", "off", "vmmq", "vmq", "off")
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


def _call(lab: RunningLab, method: str, **params: object) -> Any:
    return control.call(runtime.path(lab.config.name, "sock"), method, params)


@contextmanager
def _link(lab: RunningLab, name: str, ifname: str) -> Iterator[socket.socket]:
    with namespace.entered(lab.ns(name)):
        link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
    link.bind((ifname, ETHERTYPE))
    link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
    link.setblocking(False)
    with link:
        yield link


def _numbers(link: socket.socket) -> list[int]:
    found = []
    while True:
        try:
            found.append(struct.unpack_from("!I", link.recv(2048), 14)[0])
        except BlockingIOError:
            return found


def test_numbered_frames_survive_every_change_of_owner(tmp_path: Path, full: bool) -> None:
    changes, burst = (1000 if full else 60), 40
    with running(LAB, tmp_path) as lab, _link(lab, "ext", "wire0") as outside:
        heads = [
            bytes.fromhex((lab.mac(f"vm{number}") + lab.mac("ext")).replace(":", "")) + b"\x88\xb5"
            for number in range(1, VMS + 1)
        ]
        with _link(lab, "vm1", "eth0") as vm1, _link(lab, "vm2", "eth0") as vm2:
            received: dict[int, list[int]] = {0: [], 1: []}
            for change in range(changes):
                for number in range(change * burst, (change + 1) * burst):
                    for head in heads:
                        outside.send(head + struct.pack("!I", number).ljust(46, b"\0"))
                if change % 3:
                    _call(lab, "mode.set", mode=MODES[change % len(MODES)])
                else:
                    _call(lab, "queue.set", queue=0, processor=change % 2)
                for vm, link in enumerate((vm1, vm2)):
                    received[vm] += _numbers(link)
            expected = list(range(changes * burst))
            for vm, link in enumerate((vm1, vm2)):
                _receive(link, received[vm], len(expected))
                assert received[vm] == expected
        assert lab.port("wire")["drops"] == {}
        assert lab.port("wire")["ring_overflow"] == 0


def _receive(link: socket.socket, received: list[int], count: int) -> None:
    """Wait for the rest of the numbers."""

    def complete() -> bool:
        received.extend(_numbers(link))
        return len(received) >= count

    eventually(complete, f"{count} frames")


def _goes_on(lab: RunningLab, name: str) -> None:
    """Wait until a VM was sent more."""
    before = lab.port(name)["writes"]
    eventually(lambda: lab.port(name)["writes"] > before + 100, f"{name} is sent data")


def test_a_connection_lives_through_every_mode(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        server = lab.start("vm1", "timeout", "20", "iperf3", "-s", "-1")
        eventually(lambda: "5201" in lab.run("vm1", "ss", "-Hltn"), "iperf3 listens")
        client = lab.start("ext", "timeout", "20", "iperf3", "-c", "10.0.0.1", "-t", "3")
        eventually(lambda: lab.port("vm1")["writes"] > 1000, "data flows")
        for mode in MODES:
            _call(lab, "mode.set", mode=mode)
            _goes_on(lab, "vm1")
        assert client.wait(20) == 0
        assert server.wait(20) == 0


def test_look_ups_end_where_the_adapter_sorts(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        lab.run("ext", "ping", "-c", "3", "-i", "0.05", "10.0.0.1")
        assert lab.port("wire")["lookups"] >= 3
        queues = _call(lab, "mode.set", mode="vmq")["queues"]
        assert [row["VmFriendlyName"] for row in queues] == ["", "vm1", "vm2", "vm3", "vm4"]
        before = lab.port("wire")["lookups"]
        lab.run("ext", "ping", "-c", "3", "-i", "0.05", "10.0.0.1")
        assert lab.port("wire")["lookups"] == before
        moved = _call(lab, "queue.set", queue=1, processor=1)["queues"]
        assert moved[1]["Processor"] == "0:1"
        lab.run("ext", "ping", "-c", "3", "-i", "0.05", "10.0.0.1")


def test_a_worker_that_dies_in_a_change_is_replaced_once_and_knows_the_new_tables(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        for kills, mode in enumerate(MODES[:4], start=1):
            pid = eventually(lambda: lab.worker("cpu0"), "processor 0 has a worker")
            os.kill(pid, signal.SIGKILL)
            _call(lab, "mode.set", mode=mode)
            lab.run("ext", "ping", "-c", "3", "-i", "0.05", "-W", "5", "10.0.0.1")
            status = lab.call("status")
            assert (status["crashes"], status["mode"]) == (kills, mode)


@pytest.mark.parametrize(
    ("method", "params", "cure"),
    [
        ("mode.set", {"mode": "fast"}, "use one of off, rss, vmq, vmmq"),
        ("queue.set", {"queue": 99, "processor": 0}, "no RX queue 99"),
        ("queue.set", {"queue": 0, "processor": 2}, "use 0 to 1"),
        ("queue.set", {"queue": 0, "processor": "one"}, "not a whole number"),
    ],
)
def test_a_wrong_change_is_refused_and_changes_nothing(
    method: str, params: dict[str, object], cure: str, tmp_path: Path
) -> None:
    with running(LAB, tmp_path) as lab:
        before = lab.call("queue.list")
        with pytest.raises(VmdqemuError, match=cure):
            _call(lab, method, **params)
        assert lab.call("queue.list") == before
