"""The transmit arbiter: which VPort's rings are served next, and for how much.

Theory of operation: a port is idle, in its circle, or held by its rate limit. The loop only wakes ports
(`ready`); the arbiter goes round the circle until a port's rings are found empty. Who in the circle is next,
and for how much, is its discipline's matter (nic/disciplines.py). Strict ports have a circle of their own,
which is served first: whenever one of them has a frame, that is the next to go (82576: TXDCTL.PRIORITY).

The line is one more account, which all that leaves on the wire draws on. Where a frame is headed shows only
once it was read: a port whose last burst sent something there is taken to send more. While the line is
overdrawn, such a port is passed over, and keeps its place and its credit: on a busy line the shares are what
they always are, and a VM that sends to another VM goes on.

Sources: Intel VMDq (round robin over the transmit queues, no head-of-line blocking); X550 7.2.1.2.3 (a queue
held by its limit looks empty to the others; work conserving). Time is passed in, in seconds.
"""

from collections import deque
from itertools import islice
from typing import NamedTuple

from vmdqemu.nic.disciplines import BUDGET_FRAMES, RULES, Account, Discipline
from vmdqemu.nic.rate_limit import NO_LIMIT, Bucket

WIRE_OVERHEAD = 24  # octets: preamble and start 8, FCS 4, inter-frame gap 12 (IEEE 802.3 4.4.2)
SURPRISE_OCTETS = 262_144  # of a burst that may turn out to be for the wire, at most


class Turn(NamedTuple):
    """What a port may send before the arbiter is asked again."""

    port: int
    reads: int
    octets: int  # without WIRE_OVERHEAD


class _Port:
    """One port's accounts."""

    __slots__ = ("account", "bucket", "circle", "number", "outbound", "ready")

    def __init__(self, number: int, circle: "_Circle", account: Account, bucket: Bucket) -> None:
        self.number = number
        self.circle = circle
        self.account = account
        self.bucket = bucket
        self.ready = False  # in its circle or held
        self.outbound = False  # its last burst sent something to the wire


class _Circle:
    """Ports that share turns, the next one first, and how many rounds of refills there have been."""

    __slots__ = ("ports", "round")

    def __init__(self) -> None:
        self.ports: deque[_Port] = deque()
        self.round = 0

    def refill(self, waiting: int) -> None:
        """Refills until one has credit. Those that wait for the line, at the front, get none meanwhile."""
        rounds = min(port.account.missing for port in islice(self.ports, waiting, None))
        self.round += rounds
        for port in islice(self.ports, waiting):
            port.account.skip(rounds)

    def send_to_the_back(self, port: _Port) -> None:
        """The others first."""
        self.ports.remove(port)
        self.ports.append(port)


class Arbiter:
    """Shares one transmitter between ports. Owned by one worker."""

    def __init__(self, discipline: Discipline, line: float | None = None) -> None:
        """line: what the wire carries, in octets a second; None for no limit."""
        self._rule = RULES[discipline]
        self._line = Bucket(line)
        self._surprise = SURPRISE_OCTETS if self._line.limited else NO_LIMIT
        self._ports: dict[int, _Port] = {}
        self._strict, self._shared = _Circle(), _Circle()
        self._held: list[_Port] = []
        self._turn: tuple[_Port, bool] | None = None  # whose turn it is, and whether nobody else wanted it
        self.preemptive = False  # there are strict ports: look for their frames before every turn

    def put(self, number: int, weight: int = 1, rate: float | None = None, *, strict: bool = False) -> None:
        """Register a port, or change its terms. rate: wire octets a second, None for no limit."""
        known = self._ports.get(number)
        was_ready = known is not None and known.ready
        if was_ready:
            self.withdraw(number)
        circle = self._strict if strict else self._shared
        account = Account(self._rule, weight, circle.round)
        self._ports[number] = _Port(number, circle, account, Bucket(rate))
        self.preemptive = any(port.circle is self._strict for port in self._ports.values())
        if was_ready:
            self.ready(number)

    def remove(self, number: int) -> None:
        """Forget a port. No ring of it is served any more."""
        self.withdraw(number)
        del self._ports[number]

    def ready(self, number: int) -> None:
        """A ring of the port has frames. Calling it again changes nothing."""
        port = self._ports[number]
        if not port.ready:
            port.ready = True
            port.circle.ports.append(port)

    def withdraw(self, number: int) -> None:
        """The port has no rings with frames any more; it keeps what it owes."""
        port = self._ports[number]
        if port.ready:
            port.ready = False
            (port.circle.ports if port in port.circle.ports else self._held).remove(port)

    def next(self, now: float) -> Turn | None:
        """Whose turn it is; None when every port is idle, held, or waits for the line."""
        if self._held:
            self._release(now)
        line_is_free = self._line.fill(now)
        port = self._first(self._strict, now, line_is_free) or self._first(self._shared, now, line_is_free)
        return None if port is None else self._share(port)

    def spent(
        self, wire_frames: int, octets: int, line_octets: int = 0, *, empty: bool, tired: bool = False
    ) -> None:
        """Book a finished turn. empty: the port has no more frames; tired: it took too long.

        line_octets: of those that left on the wire, WIRE_OVERHEAD included. A tired port gives up the rest of
        its credit: else all others, who have spent theirs, would wait for one VM's unknown flows.
        """
        assert self._turn is not None
        (port, alone), self._turn = self._turn, None
        port.bucket.take(octets + WIRE_OVERHEAD * wire_frames)
        self._line.take(line_octets)
        if wire_frames:
            port.outbound = line_octets > 0
        port.account.spend(wire_frames, octets)
        if tired:
            port.account.give_up()
        if alone:  # it had its refills whenever it needed one, and owes nobody anything
            port.circle.round += port.account.missing
        if empty:
            port.circle.ports.remove(port)
            port.ready = False
        elif alone or tired or self._rule.frames == 1 or port.account.credit <= 0:
            port.circle.send_to_the_back(port)

    def wakes_at(self) -> float | None:
        """When a port that `next` passed over may send again; None when all are idle."""
        moments = [port.bucket.solvent_at() for port in self._held]
        if self._line.limited and (self._strict.ports or self._shared.ports):
            moments.append(self._line.solvent_at())
        return min(moments, default=None)

    def _first(self, circle: _Circle, now: float, line_is_free: bool) -> _Port | None:
        """The next in the circle that may send and has credit. When all have spent theirs, there is more."""
        ports = circle.ports
        waiting = 0  # ports at the front that wait for the line
        broke = None  # the first that had no credit
        while waiting < len(ports):
            port = ports[waiting]
            if port.outbound and not line_is_free:
                waiting += 1
            elif not port.bucket.fill(now):
                ports.remove(port)
                self._held.append(port)
            elif port.account.has_credit(circle.round):
                return port
            elif port is broke:
                circle.refill(waiting)
                broke = None
            else:
                broke = broke or port
                circle.send_to_the_back(port)
        return None

    def _share(self, port: _Port) -> Turn:
        """What it may send now: by its own rate, by the line's, and by its credit where it has to share."""
        alone = len(port.circle.ports) == 1  # work conserving: nobody to share with
        self._turn = port, alone
        octets = min(port.bucket.spendable, self._line.spendable if port.outbound else self._surprise)
        reads = BUDGET_FRAMES if alone else self._rule.frames
        if self.preemptive and port.circle is self._shared:
            reads = 1
        if alone or self._rule.by_frames:
            return Turn(port.number, reads, octets)
        return Turn(port.number, reads, min(port.account.credit, octets))

    def _release(self, now: float) -> None:
        for port in [port for port in self._held if port.bucket.solvent_at() <= now]:
            self._held.remove(port)
            port.circle.ports.append(port)
