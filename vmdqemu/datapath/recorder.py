"""What an observer sees: copies of the frames that a worker reads, in memory that both have mapped.

    0   records written so far                     one 64-bit cell, written last
    64  records, all of one size, the newest over the oldest:
        time  generation  octets read  octets kept  port  ring  the octets, vnet header first

Nobody waits for an observer: one that reads too slowly finds records overwritten, and knows how many. While
nobody observes, a ring is read without any of this. A superframe is one record.
"""

import mmap
import os
import time
from collections.abc import Callable
from struct import Struct
from typing import Any, Final, NamedTuple

from vmdqemu.datapath.vnet import VNET_OCTETS, Buffer

MEMORY_OCTETS: Final = 4 << 20  # of each worker; the kernel gives it none before it is written to
MOST_OCTETS: Final = 1 << 17  # of a frame: as many as a pump can read

_FIRST = 64  # where the records begin
_HEAD = Struct("=QIIIHH")  # of a record: time in ns, the others as above

Into = Buffer | tuple[Buffer, ...]  # where a frame is read to, in parts where it does not lie in one piece
Read = Callable[[Any], int | None]


def make_memory() -> int:
    """The memory of one worker, all zero; a file descriptor."""
    fd = os.memfd_create("vmdqemu-recorder", os.MFD_CLOEXEC)
    os.ftruncate(fd, MEMORY_OCTETS)
    return fd


def map_memory(fd: int) -> memoryview:
    """Map it to write to it."""
    return memoryview(mmap.mmap(fd, MEMORY_OCTETS))


class _Layout(NamedTuple):
    """Where each record is."""

    size: int  # of a record
    slots: int

    @classmethod
    def of(cls, snaplen: int) -> "_Layout":
        """For frames of which so many octets are kept."""
        size = -(-(_HEAD.size + VNET_OCTETS + snaplen) // 8) * 8
        return cls(size, (MEMORY_OCTETS - _FIRST) // size)

    def start(self, number: int) -> int:
        """The first octet of a record."""
        return _FIRST + number % self.slots * self.size


class Recorder:
    """Writes the records of one worker."""

    def __init__(self, memory: memoryview, snaplen: int, generation: int) -> None:
        """snaplen: octets kept of a frame, at most MOST_OCTETS; generation: of the tables in effect."""
        self.generation = generation
        self._memory = memory
        self._written = memory[:8].cast("Q")
        self._layout = _Layout.of(snaplen)
        self._most = VNET_OCTETS + snaplen

    def around(self, read: Read, port: int, ring: int) -> Read:
        """Read a ring as `read` does, and keep a record of every frame."""

        def recorded(into: Into) -> int | None:
            length = read(into)
            if length is not None:
                self._record(into, length, port, ring)
            return length

        return recorded

    def _record(self, into: Into, length: int, port: int, ring: int) -> None:
        number = self._written[0]
        start = self._layout.start(number)
        kept = min(length, self._most)
        parts = into if isinstance(into, tuple) else (into,)
        head = b"".join(part[:kept] for part in parts)[:kept]
        about = time.time_ns(), self.generation, length, len(head), port, ring
        _HEAD.pack_into(self._memory, start, *about)
        self._memory[start + _HEAD.size : start + _HEAD.size + len(head)] = head
        self._written[0] = number + 1


class Record(NamedTuple):
    """One frame as a worker read it."""

    time_ns: int  # since 1970
    generation: int  # of the tables that ruled on it
    length: int  # octets of the frame
    port: int
    ring: int
    octets: bytes  # the vnet header, and as much of the frame as was kept


class Reader:
    """Reads the records of one worker, from now on."""

    def __init__(self, memory: memoryview, snaplen: int, first: int | None = None) -> None:
        """snaplen: as the recorder was told; first: the record to begin with, if it is not the next."""
        self.lost = 0  # records that were overwritten before they were read
        self._memory = memory
        self._written = memory[:8].cast("Q")
        self._layout = _Layout.of(snaplen)
        self._most = VNET_OCTETS + snaplen
        self._next = self._written[0] if first is None else first

    def read(self) -> list[Record]:
        """The records that came since the last call. Whatever lies in the memory, it gives a list of them."""
        written = self._written[0]
        first = max(self._next, written - self._layout.slots)
        records = []
        for number in range(first, written):
            record = self._copy(number)
            if self._written[0] - number < self._layout.slots:  # or it may be overwritten by now
                records.append(record)
        self.lost += max(0, written - self._next) - len(records)
        self._next = max(written, self._next)
        return records

    def _copy(self, number: int) -> Record:
        start = self._layout.start(number)
        time_ns, generation, length, kept, port, ring = _HEAD.unpack_from(self._memory, start)
        length = min(max(length, VNET_OCTETS), MOST_OCTETS)
        kept = min(kept, length, self._most)
        octets = bytes(self._memory[start + _HEAD.size : start + _HEAD.size + kept])
        return Record(time_ns, generation, length - VNET_OCTETS, port, ring, octets)
