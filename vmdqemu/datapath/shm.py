"""Counters in shared memory: cells of 64 bits, [worker][row][counter], one writer a worker's block.

A cell only grows. It belongs to a role, not to a process: a worker that replaces another goes on where
it stopped. Readers add the workers' blocks up.
"""

import mmap
import os
from typing import Final, NamedTuple

from vmdqemu.datapath.inbox import INBOX
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
    inboxes: int = 0  # of the processors

    @property
    def block(self) -> int:
        """Cells of one worker."""
        return self._ring_rows * len(RING_COLUMNS) + self.queues * len(QUEUE_COLUMNS)

    def ring_cell(self, worker: int, port: int, ring: int) -> int:
        """The first cell of a ring's row; the inboxes' are behind the ports'."""
        before = sum(self.rings) if port == INBOX else sum(self.rings[:port])
        return worker * self.block + (before + ring) * len(RING_COLUMNS)

    def queue_cell(self, worker: int, queue: int) -> int:
        """The first cell of an RX queue's row."""
        row = self._ring_rows * len(RING_COLUMNS) + queue * len(QUEUE_COLUMNS)
        return worker * self.block + row

    def rings_of(self, port: int) -> range:
        """A port's rings."""
        return range(self.inboxes if port == INBOX else self.rings[port])

    @property
    def octets(self) -> int:
        """Size of the memory."""
        return max(1, self.workers * self.block) * _CELL_OCTETS

    @property
    def _ring_rows(self) -> int:
        return sum(self.rings) + self.inboxes


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
        rows = [self.ring(port, ring) for ring in self.layout.rings_of(port)]
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
