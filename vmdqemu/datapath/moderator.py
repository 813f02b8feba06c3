"""The moderator: counts the interrupts of RX queues, and masks a queue between two of them.

An RX queue's interrupt is the edge that its ring gives the worker. Where it is moderated the edge is a single
one: the ring says nothing more, whatever arrives, until it was read empty and its interval has passed. Then
it is unmasked, and speaks at once if something waits. A queue without moderation is never masked.
"""

import heapq
import select
import time
from typing import Final

from vmdqemu.datapath.action import Rings
from vmdqemu.datapath.pump import Pump, Spent
from vmdqemu.datapath.shm import QUEUE_OFFSET
from vmdqemu.datapath.timer import Timer
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.counters import QueueCounter
from vmdqemu.nic.moderation import OFF, Moderation, Throttle
from vmdqemu.nic.tables import Tables

EDGES: Final = select.EPOLLIN | select.EPOLLET
ONE_EDGE: Final = EDGES | select.EPOLLONESHOT

_INTERRUPTS = QUEUE_OFFSET[QueueCounter.INTERRUPTS]


class _Vector:
    """The interrupt of one RX queue."""

    __slots__ = ("cell", "fd", "moderation", "throttle")

    def __init__(self, fd: int, cell: int) -> None:
        self.fd = fd
        self.cell = cell  # its counter
        self.moderation = OFF
        self.throttle: Throttle | None = None  # None: never masked


class Moderator:
    """Moderates the RX queues that one worker serves."""

    def __init__(self, edges: select.epoll, timer: Timer) -> None:
        """edges: the set that the rings are in."""
        self._edges = edges
        self._timer = timer
        self._vectors: dict[int, _Vector] = {}  # by RX queue
        self._masked: list[tuple[float, int]] = []  # heap: when to unmask which descriptor

    def start(self, pump: Pump, fd: int, tables: Tables, rings: Rings) -> None:
        """Take a pump's ring into the set. Only RX queues have interrupts."""
        self._edges.register(fd, EDGES)
        if pump.port == WIRE:
            self._cells = rings.cells
            cell = rings.layout.queue_cell(rings.worker, pump.ring) + _INTERRUPTS
            vector = self._vectors[pump.ring] = _Vector(fd, cell)
            self._set(vector, tables.moderation.get(pump.ring, OFF))

    def forget(self, pump: Pump) -> None:
        """Its ring is not in the set any more."""
        if pump.port == WIRE:
            self._unlist(self._vectors.pop(pump.ring))

    def put_tables(self, tables: Tables) -> None:
        """Moderate by these from now on."""
        for queue, vector in self._vectors.items():
            self._set(vector, tables.moderation.get(queue, OFF))

    def interrupted(self, pump: Pump) -> None:
        """A ring that nobody was reading has frames."""
        if pump.port != WIRE:
            return
        vector = self._vectors[pump.ring]
        self._cells[vector.cell] += 1
        if vector.throttle is not None:
            vector.throttle.fire(time.monotonic())

    def served(self, pump: Pump, spent: Spent) -> None:
        """A burst was read from a ring."""
        if pump.port != WIRE:
            return
        vector = self._vectors[pump.ring]
        if vector.throttle is None:
            return
        vector.throttle.carried(spent.octets)
        if spent.empty:
            self._unmask_at(vector.throttle.due, vector.fd)

    def on_timer(self) -> None:
        """Intervals have passed."""
        self._timer.clear()
        now = time.monotonic()
        while self._masked and self._masked[0][0] <= now:
            _, fd = heapq.heappop(self._masked)
            self._edges.modify(fd, ONE_EDGE)
        if self._masked:
            self._timer.set(self._masked[0][0])

    def _set(self, vector: _Vector, moderation: Moderation) -> None:
        """Change what a vector is told to do; unmasked, it starts anew."""
        if moderation == vector.moderation:
            return
        vector.moderation = moderation
        vector.throttle = None if moderation == OFF else Throttle(moderation)
        self._unlist(vector)
        self._edges.modify(vector.fd, EDGES if vector.throttle is None else ONE_EDGE)

    def _unmask_at(self, due: float, fd: int) -> None:
        if due <= time.monotonic():
            self._edges.modify(fd, ONE_EDGE)
            return
        heapq.heappush(self._masked, (due, fd))
        if self._masked[0] == (due, fd):
            self._timer.set(due)

    def _unlist(self, vector: _Vector) -> None:
        self._masked = [entry for entry in self._masked if entry[1] != vector.fd]
        heapq.heapify(self._masked)
