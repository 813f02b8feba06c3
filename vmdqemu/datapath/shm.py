"""Counters in shared memory: cells of 64 bits, [worker][row][counter], one writer a worker's block.

A cell only grows. It belongs to a role, not to a process: a worker that replaces another goes on where
it stopped. Readers add the workers' blocks up.
"""

import mmap
import os
from typing import Final, NamedTuple

from vmdqemu.nic.counters import DropReason, QueueCounter, RingCounter

RING_COLUMNS: Final = (*RingCounter, *DropReason)
QUEUE_COLUMNS: Final = tuple(QueueCounter)
RING_OFFSET: Final = {column: offset for offset, column in enumerate(RING_COLUMNS)}
QUEUE_OFFSET: Final = {column: offset for offset, column in enumerate(QUEUE_COLUMNS)}

_CELL_OCTETS = 8


class Layout(NamedTuple):
    """Where each counter is."""

    workers: int
    rings: tuple[int, ...]  # rings of each port; port 0 is the wire
    queues: int  # RX queues of the adapter

    @property
    def block(self) -> int:
        """Cells of one worker."""
        return sum(self.rings) * len(RING_COLUMNS) + self.queues * len(QUEUE_COLUMNS)

    def ring_cell(self, worker: int, port: int, ring: int) -> int:
        """The first cell of a ring's row."""
        return worker * self.block + (sum(self.rings[:port]) + ring) * len(RING_COLUMNS)

    def queue_cell(self, worker: int, queue: int) -> int:
        """The first cell of an RX queue's row."""
        row = sum(self.rings) * len(RING_COLUMNS) + queue * len(QUEUE_COLUMNS)
        return worker * self.block + row

    @property
    def octets(self) -> int:
        """Size of the memory."""
        return max(1, self.workers * self.block) * _CELL_OCTETS


def create(layout: Layout) -> int:
    """Make the memory, all zero; a file descriptor that lives as long as somebody holds it."""
    fd = os.memfd_create("vmdqemu-counters", os.MFD_CLOEXEC)
    os.ftruncate(fd, layout.octets)
    return fd


def cells(fd: int) -> memoryview:
    """Map the memory as unsigned 64-bit cells."""
    return memoryview(mmap.mmap(fd, 0)).cast("Q")


class Counters(NamedTuple):
    """A reader's view: all workers added up."""

    layout: Layout
    cells: memoryview

    def ring(self, port: int, ring: int) -> dict[str, int]:
        """A ring's row by counter name."""
        return self._sum(RING_COLUMNS, [self.layout.ring_cell(w, port, ring) for w in self._workers])

    def port(self, port: int) -> dict[str, int]:
        """A port's rings added up."""
        rows = [self.ring(port, ring) for ring in range(self.layout.rings[port])]
        return {str(column): sum(row[column] for row in rows) for column in RING_COLUMNS}

    def queue(self, queue: int) -> dict[str, int]:
        """An RX queue's row by counter name."""
        return self._sum(QUEUE_COLUMNS, [self.layout.queue_cell(w, queue) for w in self._workers])

    @property
    def _workers(self) -> range:
        return range(self.layout.workers)

    def _sum(self, columns: tuple[str, ...], rows: list[int]) -> dict[str, int]:
        return {
            str(column): sum(self.cells[row + offset] for row in rows)
            for offset, column in enumerate(columns)
        }
