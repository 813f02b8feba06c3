"""The transmit arbiter: which VPort's rings are served next, and for how much.

Theory of operation: a port is idle, in the ready circle, or held by its rate limit. The loop only wakes ports
(`ready`); the arbiter goes round the circle until a port's rings are found empty. Each visit tops the port up
by its quantum and lets it spend what it has. A frame's size is known only once it was read, so a port may
overdraw by its last frame; it pays that back before it sends again. Over time the shares are exact.

What is spent depends on the discipline: round robin counts wire frames, one a turn, so a superframe of n
segments takes n turns; deficit round robin counts octets by weight.

Sources: Intel VMDq (round robin over the transmit queues, no head-of-line blocking); X550 7.2.1.2.3 (between
pools: weights, work conserving, "a TSO packet counts frame by frame"); Shreedhar and Varghese, Deficit Round
Robin. Time is passed in, in seconds.
"""

from collections import deque
from enum import Enum
from typing import NamedTuple

WIRE_OVERHEAD = 24  # octets: preamble and start 8, FCS 4, inter-frame gap 12 (IEEE 802.3 4.4.2)


class Discipline(Enum):
    """How turns are shared between ports."""

    ROUND_ROBIN = "round-robin"
    DEFICIT = "deficit"


QUANTUM_OCTETS = 16_384  # a turn of weight 1; a superframe takes up to four
BUDGET_FRAMES = 64  # reads in one visit at most, so that nobody waits long for his turn
BUCKET_SECONDS = 0.005  # a rate-limited port may burst what it earns in this time
NO_LIMIT = 1 << 40  # octets


class Turn(NamedTuple):
    """What a port may send before the arbiter is asked again."""

    port: int
    reads: int
    octets: int  # without WIRE_OVERHEAD


class _Port:
    """One port's account. `credit` is in octets (deficit) or wire frames (round robin)."""

    __slots__ = ("bucket", "credit", "filled_at", "number", "quantum", "rate", "ready", "tokens")

    def __init__(self, number: int, quantum: int, rate: float | None) -> None:
        self.number = number
        self.quantum = quantum
        self.rate = rate  # wire octets a second
        self.bucket = 0.0 if rate is None else rate * BUCKET_SECONDS
        self.tokens = self.bucket
        self.filled_at = 0.0
        self.credit = 0
        self.ready = False  # in the circle or held

    def fill(self, now: float) -> bool:
        """Earn tokens up to the bucket; whether the port is out of debt."""
        if self.rate is None:
            return True
        solvent = self.solvent_at() <= now
        self.tokens = min(self.bucket, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        return solvent

    @property
    def spendable(self) -> int:
        """Octets that the rate limit lets out now: at least one, so that every turn moves a frame."""
        return NO_LIMIT if self.rate is None else max(0, int(self.tokens)) + 1

    def solvent_at(self) -> float:
        """When the tokens will have been paid back."""
        assert self.rate is not None
        return self.filled_at + max(0.0, -self.tokens) / self.rate


class Arbiter:
    """Shares one transmitter between ports. Owned by one worker."""

    def __init__(self, discipline: Discipline) -> None:
        self._discipline = discipline
        self._ports: dict[int, _Port] = {}
        self._circle: deque[_Port] = deque()
        self._held: list[_Port] = []

    def add(self, number: int, weight: int = 1, rate: float | None = None) -> None:
        """Register a port. rate: wire octets a second, None for no limit."""
        quantum = 1 if self._discipline is Discipline.ROUND_ROBIN else QUANTUM_OCTETS * weight
        self._ports[number] = _Port(number, quantum, rate)

    def ready(self, number: int) -> None:
        """A ring of the port has frames. Calling it again changes nothing."""
        port = self._ports[number]
        if not port.ready:
            port.ready = True
            self._circle.append(port)

    def withdraw(self, number: int) -> None:
        """The port has no rings with frames any more; it keeps what it owes."""
        port = self._ports[number]
        if port.ready:
            port.ready = False
            (self._circle if port in self._circle else self._held).remove(port)

    def next(self, now: float) -> Turn | None:
        """Whose turn it is; None when every port is idle or held."""
        self._release(now)
        while self._circle:
            port = self._circle[0]
            if not port.fill(now):
                self._held.append(self._circle.popleft())
            elif len(self._circle) == 1:  # work conserving: nobody to share with
                port.credit = 0
                return Turn(port.number, BUDGET_FRAMES, port.spendable)
            elif port.credit > 0 or self._top_up(port):
                return self._share(port)
        return None

    def spent(self, wire_frames: int, octets: int, *, empty: bool, tired: bool = False) -> None:
        """Book a finished turn. empty: the port has no more frames; tired: it took too long.

        A tired port gives way with its credit kept, so that one VM's unknown flows cannot hold up the others.
        """
        port = self._circle[0]
        if port.rate is not None:
            port.tokens -= octets + WIRE_OVERHEAD * wire_frames
        if port.credit > 0:  # alone it had none, and owes nothing
            port.credit -= wire_frames if self._discipline is Discipline.ROUND_ROBIN else octets
        if empty:
            self._circle.popleft()
            port.ready = False
            port.credit = min(port.credit, 0)
        elif port.credit <= 0 or tired:
            self._circle.rotate(-1)

    def wakes_at(self) -> float | None:
        """When a held port may send again; None when none is held."""
        return min((port.solvent_at() for port in self._held), default=None)

    def _top_up(self, port: _Port) -> bool:
        """Start a visit: earn a quantum. A port still in debt afterwards is passed over."""
        port.credit += port.quantum
        if port.credit > 0:
            return True
        self._circle.rotate(-1)
        return False

    def _share(self, port: _Port) -> Turn:
        if self._discipline is Discipline.ROUND_ROBIN:
            return Turn(port.number, port.credit, port.spendable)
        return Turn(port.number, BUDGET_FRAMES, min(port.credit, port.spendable))

    def _release(self, now: float) -> None:
        for port in [port for port in self._held if port.solvent_at() <= now]:
            self._held.remove(port)
            self._circle.append(port)
