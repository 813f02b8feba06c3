"""Arenas: a VM's memory has a slot for each worker, and nobody can make it smaller."""

import mmap
import os

import pytest

from vmdqemu.datapath import arena
from vmdqemu.datapath.arena import SLOT_OCTETS, copy_into


def test_what_a_worker_puts_in_its_slot_is_what_the_vm_sees_there_and_nowhere_else() -> None:
    fd = arena.create(workers=3)
    slots = [arena.slot(arena.memory(fd), worker) for worker in range(3)]
    slots[1][:5] = b"hello"
    with mmap.mmap(fd, 0) as seen:
        assert len(seen) == 3 * SLOT_OCTETS
        assert seen[SLOT_OCTETS : SLOT_OCTETS + 5] == b"hello"
        assert bytes(slots[0]) == bytes(slots[2]) == bytes(SLOT_OCTETS)
    os.close(fd)


@pytest.mark.parametrize("octets", [0, 4 * SLOT_OCTETS])
def test_its_owner_cannot_cut_it_off_under_a_workers_hands(octets: int) -> None:
    fd = arena.create(workers=2)
    with pytest.raises(PermissionError):
        os.ftruncate(fd, octets)
    os.close(fd)


def test_the_parts_of_a_frame_lie_one_behind_the_other() -> None:
    slot = memoryview(bytearray(b"........"))
    assert bytes(copy_into(slot, (b"ab", memoryview(b"cde"), b""))) == b"abcde"
    assert bytes(slot) == b"abcde..."
