"""Counters in shared memory: cells of 64 bits, [worker][row][counter], one writer a worker's block.

A cell only grows. It belongs to a role, not to a process: a worker that replaces another goes on where
it stopped. Readers add the workers' blocks up. A port's number may be given to another VM: the books of the
first one are closed, and those of the second begin at zero, though the cells go on.
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

Row = dict[str, int]  # by counter name


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


class Counters:
    """A reader's view: all workers added up."""

    def __init__(self, layout: Layout, cells: memoryview) -> None:
        self.layout = layout
        self.cells = cells
        self._closed: dict[tuple[int, int], Row] = {}  # by port and ring: what former owners counted

    def ring(self, port: int, ring: int) -> Row:
        """A ring's row by counter name."""
        row, closed = self._row(port, ring), self._closed.get((port, ring), {})
        return {column: count - closed.get(column, 0) for column, count in row.items()}

    def port(self, port: int, rings: int) -> Row:
        """A port's first rings added up."""
        return _added([self.ring(port, ring) for ring in range(rings)])

    def close_books(self, port: int, rings: int) -> None:
        """The port's owner is gone: whoever is given its number begins at zero."""
        for ring in range(rings):
            self._closed[port, ring] = self._row(port, ring)

    @property
    def closed_books(self) -> Row:
        """What all former owners counted, added up."""
        return _added(list(self._closed.values()))

    def _row(self, port: int, ring: int) -> Row:
        return self._sum(RING_COLUMNS, [self.layout.ring_cell(w, port, ring) for w in self._workers])

    def cell(self, port: int, ring: int, counter: RingCounter | DropReason) -> int:
        """One of a ring's counters, over all its owners."""
        offset = RING_OFFSET[counter]
        return sum(self.cells[self.layout.ring_cell(w, port, ring) + offset] for w in self._workers)

    def queue(self, queue: int) -> Row:
        """An RX queue's row by counter name."""
        return self._sum(QUEUE_COLUMNS, [self.layout.queue_cell(w, queue) for w in self._workers])

    @property
    def _workers(self) -> range:
        return range(self.layout.workers)

    def _sum(self, columns: tuple[str, ...], rows: list[int]) -> Row:
        return {
            str(column): sum(self.cells[row + offset] for row in rows)
            for offset, column in enumerate(columns)
        }


def _added(rows: list[Row]) -> Row:
    return {str(column): sum(row[column] for row in rows) for column in RING_COLUMNS}
