"""Numbered frames: what was sent is told from what arrived, one by one."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from netns import namespace
from tests.system.harness import RunningLab, eventually

ETHERTYPE: Final = 0x88B5
SO_RCVBUFFORCE: Final = 33


@contextmanager
def link(lab: RunningLab, name: str, ifname: str) -> Iterator[socket.socket]:
    """A packet socket on an interface of a VM or of ext; it takes numbered frames only."""
    with namespace.entered(lab.ns(name)):
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
    end.bind((ifname, ETHERTYPE))
    end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
    end.setblocking(False)
    with end:
        yield end


def stay_on_one_cpu() -> None:
    """For the calling thread: a cable has a backlog on each CPU, and what lies in two comes in any order."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


@contextmanager
def on_one_cpu() -> Iterator[None]:
    """The same for a block."""
    before = os.sched_getaffinity(0)
    stay_on_one_cpu()
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def read(end: socket.socket) -> list[int]:
    """What has arrived."""
    found = []
    while True:
        try:
            found.append(struct.unpack_from("!I", end.recv(2048), 14)[0])
        except BlockingIOError:
            return found


def frame(lab: RunningLab, to: str, number: int, sender: str = "ext") -> bytes:
    """One to a VM."""
    head = bytes.fromhex((lab.mac(to) + lab.mac(sender)).replace(":", ""))
    return head + struct.pack("!HI", ETHERTYPE, number).ljust(48, b"\0")


def receive(end: socket.socket, received: list[int], count: int) -> None:
    """Wait for the rest of the numbers."""

    def complete() -> bool:
        received.extend(read(end))
        return len(received) >= count

    eventually(complete, f"{count} frames")
