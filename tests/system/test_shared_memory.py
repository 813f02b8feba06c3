"""What lies in a VM's own memory, looked at from there: the VM's side of NDIS shared memory.

NDIS: security-issues-with-ndis-virtual-machine--vm--shared-memory.
"""

import mmap
import os
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

import pytest

from tests.system.frames import Ports, frame, ports, tag
from tests.system.harness import RunningLab, eventually, running, shared
from vmdqemu.datapath.arena import SLOT_OCTETS

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1" }, { name = "vm2", vlan = 5 }]
KEYWORDS
[adapter]
mode = "vmq"
lookahead = 128
shared_memory = SHARED
[wire]
"""
LOOKAHEAD: Final = 128
POISON: Final = b"\xee" * 4096
PAYLOAD: Final = random.Random(1).randbytes(1500)  # no two pieces of it are alike


def lab_text(shared: bool = True, keywords: str = "") -> str:
    return LAB.replace("SHARED", str(shared).lower()).replace("KEYWORDS", keywords)


lab = shared(lab_text())


class Memory:
    """All memory of all VMs, poisoned."""

    def __init__(self, arenas: list[mmap.mmap]) -> None:
        self._arenas = arenas
        self._slots = [
            (arena, slot) for arena in arenas for slot in range(0, len(arena), SLOT_OCTETS)
        ]  # one for each worker
        for arena, slot in self._slots:
            arena[slot : slot + len(POISON)] = POISON

    @property
    def is_untouched(self) -> bool:
        """Whether nobody has written anything."""
        return all(arena[slot : slot + len(POISON)] == POISON for arena, slot in self._slots)

    def has(self, octets: bytes) -> bool:
        """Whether they lie somewhere in it."""
        return any(octets in arena[slot : slot + len(POISON)] for arena, slot in self._slots)

    def begins_with(self, octets: bytes) -> bool:
        """Whether they lie where a worker's part begins."""
        return any(arena[slot : slot + len(octets)] == octets for arena, slot in self._slots)


def arenas(pid: int) -> list[Path]:
    """The VMs' memories that a process holds."""
    found = []
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # it was closed meanwhile
            if "vmdqemu-arena" in os.readlink(fd):
                found.append(fd)
    return found


@contextmanager
def poisoned(lab: RunningLab) -> Iterator[Memory]:
    with ExitStack() as stack:
        mapped = []
        for arena in arenas(lab.daemon.pid):
            fd = os.open(arena, os.O_RDWR)
            mapped.append(stack.enter_context(mmap.mmap(fd, 0)))
            os.close(fd)
        yield Memory(mapped)


def deliver(lab: RunningLab, there: Ports, octets: int) -> bytes:
    """Send vm1 a frame of so many octets, and wait for it."""
    whole = frame(lab.mac("vm1"), lab.mac("ext"), payload=PAYLOAD)[:octets]
    there.links["ext"].send(whole)
    there.links["vm1"].wait_for(whole)
    return whole


@pytest.mark.parametrize("octets", [60, 127, 128, 129, 600, 1514])
def test_the_header_is_the_hosts_and_the_rest_the_vms(lab: RunningLab, octets: int) -> None:
    """M1."""
    with ports(lab) as there, poisoned(lab) as memory:
        sent = deliver(lab, there, octets)
        assert not memory.has(sent[14:LOOKAHEAD])
        if octets > LOOKAHEAD:
            assert memory.begins_with(sent[LOOKAHEAD:])
        else:
            assert memory.is_untouched


def test_no_frame_of_another_vlan_is_ever_in_a_vms_memory(lab: RunningLab) -> None:
    """F20."""
    others: tuple[tuple[bytes, ...], ...] = ((), (tag(0),), (tag(6),))
    mac, source = lab.mac("vm2"), lab.mac("ext")
    with ports(lab) as there, poisoned(lab) as memory:
        there.links["ext"].send(*(frame(mac, source, *tags, payload=PAYLOAD) for tags in others))
        eventually(lambda: lab.port("wire")["drops"].get("wrong_vlan") == len(others), "they are dropped")
        assert memory.is_untouched
        there.links["ext"].send(frame(mac, source, tag(5), payload=PAYLOAD))
        there.links["vm2"].wait_for(frame(mac, source, payload=PAYLOAD))
        assert memory.has(PAYLOAD[LOOKAHEAD:])


@pytest.mark.parametrize(
    "text",
    [lab_text(shared=False), lab_text(keywords='keywords = { "*VMQVlanFiltering" = 0 }')],
    ids=["host memory", "no VLAN filtering"],
)
def test_what_the_host_received_is_copied_whole(text: str, tmp_path: Path) -> None:
    """M3, M4: an adapter that tests no VLAN may not write into a VM's memory, whatever was asked for."""
    text = text.replace(", vlan = 5", "")
    with running(text, tmp_path) as lab, ports(lab) as there:
        for octets in (60, 600):
            with poisoned(lab) as memory:
                sent = deliver(lab, there, octets)
                assert memory.has(sent)


def test_a_vms_memory_comes_and_goes_with_it(lab: RunningLab, full: bool) -> None:
    """M5."""

    def held() -> list[int]:
        workers = [worker["pid"] for worker in lab.call("status")["workers"]]
        mapped = [Path(f"/proc/{pid}/maps").read_text().count("vmdqemu-arena") for pid in workers]
        return [len(arenas(lab.daemon.pid)), *mapped]

    before = held()
    assert before[0] == 2
    for _ in range(300 if full else 5):
        lab.call("vm.add", tables='vm = [{ name = "vm3" }]')
        assert held() == [count + 1 for count in before]
        with ports(lab) as there, poisoned(lab) as memory:
            sent = deliver(lab, there, 600)
            assert memory.has(sent[LOOKAHEAD:])
        lab.call("vm.remove", vm="vm3")
        eventually(lambda: held() == before, "its memory is given back")
