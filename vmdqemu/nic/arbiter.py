"""The transmit arbiter: which VPort's rings are served next, and for how much.

Theory of operation: a port is idle, in the ready circle, or held by its rate limit. The loop only wakes ports
(`ready`); the arbiter goes round the circle until a port's rings are found empty. Each visit tops the port up
by its quantum and lets it spend what it has. A frame's size is known only once it was read, so a port may
overdraw by its last frame; it pays that back before it sends again. Over time the shares are exact.

What is spent depends on the discipline: round robin counts wire frames, one a turn, so a superframe of n
segments takes n turns; deficit round robin counts octets by weight.

The line is one more account, which all that leaves on the wire draws on. Where a frame is headed, too, shows
only once it was read: a port whose last burst sent something there is taken to send more. While the line is
overdrawn, such a port is passed over, and keeps its place and its credit: on a busy line the shares are what
they always are, and a VM that sends to another VM goes on.

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
BUCKET_SECONDS = 0.005  # a limit lets out at once what it earns in this time
SURPRISE_OCTETS = 262_144  # of a burst that may turn out to be for the wire, at most
NO_LIMIT = 1 << 40  # octets


class Turn(NamedTuple):
    """What a port may send before the arbiter is asked again."""

    port: int
    reads: int
    octets: int  # without WIRE_OVERHEAD


class _Bucket:
    """What a rate lets out, in octets on the wire. Overdrawn, it is closed until that is paid back."""

    __slots__ = ("_filled_at", "_rate", "_size", "_tokens")

    def __init__(self, rate: float | None) -> None:
        """rate: octets a second, None for no limit."""
        self._rate = rate
        self._size = self._tokens = 0.0 if rate is None else rate * BUCKET_SECONDS
        self._filled_at = 0.0

    def fill(self, now: float) -> bool:
        """Earn tokens up to the bucket's size, unless it is in debt; whether it is not."""
        if self._rate is None:
            return True
        if now < self.solvent_at():
            return False
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        return True

    def take(self, octets: int) -> None:
        """Spend tokens."""
        if self._rate is not None:
            self._tokens -= octets

    @property
    def limited(self) -> bool:
        """Whether there is a rate at all."""
        return self._rate is not None

    @property
    def spendable(self) -> int:
        """Octets that may go now: at least one, so that every turn moves a frame."""
        return NO_LIMIT if self._rate is None else max(0, int(self._tokens)) + 1

    def solvent_at(self) -> float:
        """When the debt will have been paid back."""
        assert self._rate is not None
        return self._filled_at + max(0.0, -self._tokens) / self._rate


class _Port:
    """One port's account. `credit` is in octets (deficit) or wire frames (round robin)."""

    __slots__ = ("bucket", "credit", "number", "outbound", "quantum", "ready")

    def __init__(self, number: int, quantum: int, rate: float | None) -> None:
        self.number = number
        self.quantum = quantum
        self.bucket = _Bucket(rate)
        self.credit = 0
        self.ready = False  # in the circle or held
        self.outbound = False  # its last burst sent something to the wire


class Arbiter:
    """Shares one transmitter between ports. Owned by one worker."""

    def __init__(self, discipline: Discipline, line: float | None = None) -> None:
        """line: what the wire carries, in octets a second; None for no limit."""
        self._discipline = discipline
        self._line = _Bucket(line)
        self._surprise = SURPRISE_OCTETS if self._line.limited else NO_LIMIT
        self._ports: dict[int, _Port] = {}
        self._circle: deque[_Port] = deque()
        self._held: list[_Port] = []
        self._turn: _Port | None = None  # whose turn it is

    def add(self, number: int, weight: int = 1, rate: float | None = None) -> None:
        """Register a port. rate: wire octets a second, None for no limit."""
        quantum = 1 if self._discipline is Discipline.ROUND_ROBIN else QUANTUM_OCTETS * weight
        self._ports[number] = _Port(number, quantum, rate)

    def remove(self, number: int) -> None:
        """Forget a port. No ring of it is served any more."""
        self.withdraw(number)
        del self._ports[number]

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
        """Whose turn it is; None when every port is idle, held, or waits for the line."""
        if self._held:
            self._release(now)
        line_is_free = self._line.fill(now)
        passed = 0  # ports at the front that wait for the line
        while passed < len(self._circle):
            port = self._circle[passed]
            if port.outbound and not line_is_free:
                passed += 1
            elif not port.bucket.fill(now):
                self._circle.remove(port)
                self._held.append(port)
            elif self._may_send(port):
                self._turn = port
                return self._share(port)
            else:
                self._send_to_the_back(port)
        return None

    def spent(
        self, wire_frames: int, octets: int, line_octets: int = 0, *, empty: bool, tired: bool = False
    ) -> None:
        """Book a finished turn. empty: the port has no more frames; tired: it took too long.

        line_octets: of those that left on the wire, WIRE_OVERHEAD included. A tired port gives way with its
        credit kept, so that one VM's unknown flows cannot hold up the others.
        """
        port, self._turn = self._turn, None
        assert port is not None
        port.bucket.take(octets + WIRE_OVERHEAD * wire_frames)
        self._line.take(line_octets)
        if wire_frames:
            port.outbound = line_octets > 0
        if port.credit > 0:  # alone it had none, and owes nothing
            port.credit -= wire_frames if self._discipline is Discipline.ROUND_ROBIN else octets
        if empty:
            self._circle.remove(port)
            port.ready = False
            port.credit = min(port.credit, 0)
        elif port.credit <= 0 or tired:
            self._send_to_the_back(port)

    def wakes_at(self) -> float | None:
        """When a port that `next` passed over may send again; None when all are idle."""
        moments = [port.bucket.solvent_at() for port in self._held]
        if self._circle and self._line.limited:
            moments.append(self._line.solvent_at())
        return min(moments, default=None)

    def _may_send(self, port: _Port) -> bool:
        """Start or go on with a visit: earn a quantum. A port still in debt afterwards is passed over."""
        if len(self._circle) == 1:  # work conserving: nobody to share with
            port.credit = 0
            return True
        if port.credit <= 0:
            port.credit += port.quantum
        return port.credit > 0

    def _share(self, port: _Port) -> Turn:
        """What it may send now: by its own rate, by the line's, and by its credit where it has to share."""
        line = self._line.spendable if port.outbound else self._surprise
        octets = min(port.bucket.spendable, line)
        if port.credit <= 0:
            return Turn(port.number, BUDGET_FRAMES, octets)
        if self._discipline is Discipline.ROUND_ROBIN:
            return Turn(port.number, port.credit, octets)
        return Turn(port.number, BUDGET_FRAMES, min(port.credit, octets))

    def _send_to_the_back(self, port: _Port) -> None:
        self._circle.remove(port)
        self._circle.append(port)

    def _release(self, now: float) -> None:
        for port in [port for port in self._held if port.bucket.solvent_at() <= now]:
            self._held.remove(port)
            self._circle.append(port)
