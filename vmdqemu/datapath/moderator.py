"""The moderator: counts the interrupts of RX queues, and masks a queue between two of them.

An RX queue's interrupt is the edge that its ring gives the worker. Where it is moderated the edge is a single
one: the ring says nothing more, whatever arrives, until it was read empty and its interval has passed. Then
it is unmasked, and speaks at once if something waits. A queue without moderation is never masked.

Frames of the default queue that may wait (packet coalescing) cause no interrupt until their timer ends or
there is another one: all queues that a worker serves share its processor's vector.
"""

import heapq
import io
import select
import time
from collections.abc import Callable
from typing import Final

from vmdqemu.datapath.action import Rings
from vmdqemu.datapath.coalescer import Coalescer, Read
from vmdqemu.datapath.edges import Edges
from vmdqemu.datapath.pump import Pump, Spent
from vmdqemu.datapath.shm import QUEUE_OFFSET
from vmdqemu.datapath.timer import Timer
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.counters import QueueCounter
from vmdqemu.nic.moderation import OFF, Moderation, Throttle
from vmdqemu.nic.tables import DEFAULT_QUEUE, Tables

EDGES: Final = select.EPOLLIN | select.EPOLLET
ONE_EDGE: Final = EDGES | select.EPOLLONESHOT

_INTERRUPTS = QUEUE_OFFSET[QueueCounter.INTERRUPTS]
_COALESCED = QUEUE_OFFSET[QueueCounter.COALESCED]


class _Vector:
    """The interrupt of one RX queue."""

    __slots__ = ("coalescer", "fd", "moderation", "row", "throttle")

    def __init__(self, fd: int, row: int) -> None:
        self.fd = fd
        self.row = row  # of its counters
        self.moderation = OFF
        self.throttle: Throttle | None = None  # None: never masked
        self.coalescer: Coalescer | None = None  # None: every frame interrupts


class Moderator:
    """Moderates the RX queues that one worker serves."""

    def __init__(self, edges: Edges, timer: Timer, wake: Callable[[int], None]) -> None:
        """edges: the set that the rings are in; wake: the host is to read this ring."""
        self._edges = edges
        self._timer = timer
        self._wake = wake
        self._vectors: dict[int, _Vector] = {}  # by RX queue
        self._masked: list[tuple[float, int]] = []  # heap: when to unmask which descriptor

    def start(self, port: int, ring: int, tables: Tables, rings: Rings) -> None:
        """Take a ring into the set. Only RX queues have interrupts."""
        fd = rings.fds[port, ring]
        self._edges.register(fd, EDGES)
        if port == WIRE:
            self._cells = rings.cells
            vector = self._vectors[ring] = _Vector(fd, rings.layout.queue_cell(rings.worker, ring))
            self._put(ring, vector, tables)

    def reader(self, port: int, ring: int) -> Read | None:
        """What a pump is to read a ring by; None: as it is."""
        return self._vectors[ring].coalescer if port == WIRE and ring in self._vectors else None

    def forget(self, pump: Pump) -> int:
        """Its ring is not in the set any more. How many frames are held: the pump reads them first."""
        if pump.port != WIRE:
            return 0
        vector = self._vectors.pop(pump.ring)
        self._unlist(vector)
        return 0 if vector.coalescer is None else vector.coalescer.release()

    def put_tables(self, tables: Tables) -> None:
        """Moderate and coalesce by these from now on."""
        for queue, vector in self._vectors.items():
            self._put(queue, vector, tables)

    def interrupts(self, pump: Pump) -> bool:
        """A ring that nobody was reading has frames; whether the host is to read it."""
        if pump.port != WIRE:
            return True
        vector = self._vectors[pump.ring]
        if vector.coalescer is not None and not self._absorb(vector, vector.coalescer):
            return False
        self._raise(vector)
        if pump.ring != DEFAULT_QUEUE:
            self._release()
        return True

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
        """Intervals have passed, or frames have waited long enough."""
        self._timer.clear()
        now = time.monotonic()
        while self._masked and self._masked[0][0] <= now:
            _, fd = heapq.heappop(self._masked)
            self._edges.modify(fd, ONE_EDGE)
        due = self._coalescing_due
        if due is not None and due <= now:
            self._raise(self._vectors[DEFAULT_QUEUE])
            self._release()
        self._set_timer()

    @property
    def _coalescing_due(self) -> float | None:
        vector = self._vectors.get(DEFAULT_QUEUE)
        return None if vector is None or vector.coalescer is None else vector.coalescer.due

    def _raise(self, vector: _Vector) -> None:
        """An interrupt: counted, and the counter restarts."""
        self._cells[vector.row + _INTERRUPTS] += 1
        if vector.throttle is not None:
            vector.throttle.fire(time.monotonic())

    def _put(self, queue: int, vector: _Vector, tables: Tables) -> None:
        self._set(vector, tables.moderation.get(queue, OFF))
        if queue == DEFAULT_QUEUE and (tables.coalescing or vector.coalescer is not None):
            self._coalesce(vector, tables)

    def _set(self, vector: _Vector, moderation: Moderation) -> None:
        """Change what a vector is told to do; unmasked, it starts anew."""
        if moderation == vector.moderation:
            return
        vector.moderation = moderation
        vector.throttle = None if moderation == OFF else Throttle(moderation)
        self._unlist(vector)
        self._edges.modify(vector.fd, EDGES if vector.throttle is None else ONE_EDGE)

    def _coalesce(self, vector: _Vector, tables: Tables) -> None:
        """Hold by other filters. The ring is read through the buffer from the first filter on."""
        if vector.coalescer is None:
            vector.coalescer = Coalescer(io.FileIO(vector.fd, "r", closefd=False).readinto)
        if vector.coalescer.put_filters(tables.coalescing):
            self._raise(vector)
            self._release()

    def _absorb(self, vector: _Vector, coalescer: Coalescer) -> bool:
        """Whether what arrived interrupts the host; if not, it is held, and the ring goes on speaking."""
        before = coalescer.held
        interrupts = coalescer.absorb(time.monotonic())
        self._cells[vector.row + _COALESCED] += coalescer.held - before
        if interrupts:
            coalescer.release()
            return True
        if vector.throttle is not None:
            self._edges.modify(vector.fd, ONE_EDGE)
        self._set_timer()
        return False

    def _release(self) -> None:
        """Have the host read what is held, if anything is and the default queue is ours."""
        vector = self._vectors.get(DEFAULT_QUEUE)
        if vector is not None and vector.coalescer is not None and vector.coalescer.release():
            self._wake(vector.fd)

    def _unmask_at(self, due: float, fd: int) -> None:
        if due <= time.monotonic():
            self._edges.modify(fd, ONE_EDGE)
            return
        heapq.heappush(self._masked, (due, fd))
        if self._masked[0] == (due, fd):
            self._set_timer()

    def _set_timer(self) -> None:
        """For whatever comes first."""
        moments = [moment for moment, _ in self._masked[:1]]
        if (due := self._coalescing_due) is not None:
            moments.append(due)
        if moments:
            self._timer.set(min(moments))

    def _unlist(self, vector: _Vector) -> None:
        self._masked = [entry for entry in self._masked if entry[1] != vector.fd]
        heapq.heapify(self._masked)
