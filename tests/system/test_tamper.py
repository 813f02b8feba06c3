"""Shared memory under attack: the VM rewrites its memory all the time, and what was decided by stays."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from tests.system import numbered
from tests.system.harness import RunningLab, eventually, running
from vmdqemu.datapath.arena import SLOT_OCTETS
from vmdqemu.datapath.vnet import FRAME

pytestmark = pytest.mark.system

FRAMES: Final = 2000
MOST_FRAMES: Final = 400_000  # sent until the attack is seen to reach what the VM may change
ROUND: Final = 100  # sent at once
OCTETS: Final = 600
LOOKAHEAD: Final = 128
SOURCE: Final = slice(6, 12)
LAB = """
[adapter]
mode = "vmq"
lookahead = {lookahead}
[wire]
address = "10.0.0.254/24"
[[vm]]
name = "vm1"
address = "10.0.0.1/24"
"""

# Writes a forged source address where a frame's would be, in every slot of a memfd, until it is ended.
ATTACK = """
import mmap, sys
memory = mmap.mmap(int(sys.argv[1]), 0)
places = range(int(sys.argv[3]), len(memory), int(sys.argv[2]))
print("attacking", flush=True)
while True:
    for place in places:
        memory[place : place + 6] = b"\\x06\\x66\\x66\\x66\\x66\\x66"
"""


def arena_of_the_vm(lab: RunningLab) -> int:
    """A descriptor of the VM's memory, as the daemon holds it."""
    held = Path(f"/proc/{lab.daemon.pid}/fd")
    found = [fd for fd in held.iterdir() if "vmdqemu-arena" in os.readlink(fd)]
    return os.open(found[0], os.O_RDWR)


@contextmanager
def attacked(memory: int) -> Iterator[None]:
    argv = [sys.executable, "-c", ATTACK, str(memory), str(SLOT_OCTETS), str(FRAME + SOURCE.start)]
    with subprocess.Popen(argv, pass_fds=(memory,), stdout=subprocess.PIPE, text=True) as attacker:
        os.sched_setaffinity(attacker.pid, {max(os.sched_getaffinity(0))})  # processor 0 has the first one
        try:
            assert attacker.stdout is not None
            assert attacker.stdout.readline() == "attacking\n"
            yield
        finally:
            attacker.kill()


def complete(end: socket.socket, arrived: list[bytes], count: int) -> bool:
    """Take what has arrived; whether that is all by now."""
    while True:
        try:
            arrived.append(end.recv(2 * OCTETS))
        except BlockingIOError:
            return len(arrived) >= count


def under_attack(lookahead: int, tmp_path: Path, *, reached: slice) -> tuple[bytes, list[bytes]]:
    """The frame that was sent over and over, and what arrived until the attack had reached a part of it."""
    with (
        running(LAB.format(lookahead=lookahead), tmp_path) as lab,
        numbered.link(lab, "ext", "wire0") as outside,
        numbered.link(lab, "vm1", "eth0") as vm1,
        attacked(arena_of_the_vm(lab)),
    ):
        sent = numbered.frame(lab, "vm1", 0).ljust(OCTETS, b"\x11")
        arrived: list[bytes] = []
        while len(arrived) < FRAMES or all(frame[reached] == sent[reached] for frame in arrived):
            expected = len(arrived) + ROUND
            assert expected <= MOST_FRAMES, "the attack reaches nothing"
            for _ in range(ROUND):
                outside.send(sent)
            eventually(partial(complete, vm1, arrived, expected), "a round arrived")
    return sent, arrived


def test_no_header_that_was_decided_by_is_ever_changed(tmp_path: Path) -> None:
    sent, arrived = under_attack(LOOKAHEAD, tmp_path, reached=slice(LOOKAHEAD, OCTETS))
    assert {frame[:LOOKAHEAD] for frame in arrived} == {sent[:LOOKAHEAD]}


def test_without_a_lookahead_the_vm_forges_headers(tmp_path: Path) -> None:
    """The control: the attack does what it is meant to do."""
    sent, arrived = under_attack(0, tmp_path, reached=SOURCE)
    assert any(frame[SOURCE] != sent[SOURCE] for frame in arrived)
