"""Arenas: the memory that a VM receives into. The VM may read and rewrite all of it at any moment.

One memfd a VM, a slot for each worker: a worker has one frame in hand at a time, and no two write to one
place. What somebody decides by must not lie there
(NDIS: security-issues-with-ndis-virtual-machine--vm--shared-memory).
"""

import fcntl
import mmap
import os
from collections.abc import Iterable
from typing import Final

SLOT_OCTETS: Final = 1 << 17  # the largest superframe is 64 KiB and its headers

_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


def create(workers: int) -> int:
    """Make a VM's memory; a file descriptor that lives as long as somebody holds it.

    Its size is sealed: a VM that cut it off would kill every worker that has it mapped.
    """
    fd = os.memfd_create("vmdqemu-arena", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(fd, workers * SLOT_OCTETS)
    fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
    return fd


def memory(fd: int) -> memoryview:
    """Map all of it."""
    return memoryview(mmap.mmap(fd, 0))


def slot(memory: memoryview, worker: int) -> memoryview:
    """A worker's part of it."""
    return memory[worker * SLOT_OCTETS : (worker + 1) * SLOT_OCTETS]


def copy_into(slot: memoryview, parts: Iterable[bytes | memoryview]) -> memoryview:
    """Copy the parts of a frame into a slot, one behind the other; where it lies now."""
    end = 0
    for part in parts:
        start, end = end, end + len(part)
        slot[start:end] = part
    return slot[:end]
