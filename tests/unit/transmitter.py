"""A transmitter to try the arbiter with: rings full of frames, and a line whose speed is the clock."""

from collections.abc import Callable
from dataclasses import dataclass

from vmdqemu.nic.arbiter import WIRE_OVERHEAD, Arbiter, Turn
from vmdqemu.nic.disciplines import Discipline

TEN_GBIT = 10e9 / 8  # octets a second
BACKLOG = 10**9


@dataclass(slots=True)
class Ring:
    """A port's ring, with frames of one size."""

    octets: int  # of one frame
    segments: int = 1  # wire frames that it stands for
    waiting: int = BACKLOG
    sent: int = 0
    outbound: bool = False  # its frames are for the wire

    @property
    def octets_sent(self) -> int:
        """Without WIRE_OVERHEAD."""
        return self.sent * self.octets

    @property
    def wire_frames_sent(self) -> int:
        """What round robin counts."""
        return self.sent * self.segments

    @property
    def wire_octets_sent(self) -> int:
        """What a rate limit counts."""
        return self.octets_sent + WIRE_OVERHEAD * self.wire_frames_sent


Kind = Callable[[int], Ring]  # a ring with so many frames
KINDS: dict[str, Kind] = {
    "60": lambda waiting: Ring(60, 1, waiting),
    "1514": lambda waiting: Ring(1514, 1, waiting),
    "65000": lambda waiting: Ring(65_000, 45, waiting),
}


class Transmitter:
    """Reads rings as the arbiter says, frame by frame as the pump does."""

    def __init__(
        self, discipline: Discipline, line: float = TEN_GBIT, now: float = 0.0, wire: float | None = None
    ) -> None:
        """line: octets a second that it moves; wire: that leave on the wire. now: where the clock starts."""
        self.arbiter = Arbiter(discipline, wire)
        self.rings: dict[int, Ring] = {}
        self.line = line
        self.now = now

    def add(
        self,
        kind: str,
        waiting: int = BACKLOG,
        weight: int = 1,
        rate: float | None = None,
        outbound: bool = False,
        strict: bool = False,
    ) -> Ring:
        """A port, numbered from 1."""
        port, ring = len(self.rings) + 1, KINDS[kind](0)
        ring.outbound = outbound
        self.rings[port] = ring
        self.arbiter.put(port, weight, rate, strict=strict)
        if waiting:
            self.refill(port, waiting)
        return ring

    def refill(self, port: int, frames: int = BACKLOG) -> None:
        """Frames arrive in a ring."""
        self.rings[port].waiting += frames
        self.arbiter.ready(port)

    def send(self, turn: Turn, *, tired: bool = False) -> None:
        """Use a turn up: a frame goes as long as some of the turn is left."""
        ring = self.rings[turn.port]
        reads = min(ring.waiting, turn.reads, -(-turn.octets // ring.octets))
        ring.waiting -= reads
        ring.sent += reads
        wire_frames, octets = reads * ring.segments, reads * ring.octets
        wire_octets = octets + WIRE_OVERHEAD * wire_frames
        self.now += wire_octets / self.line
        line_octets = wire_octets if ring.outbound else 0
        self.arbiter.spent(wire_frames, octets, line_octets, empty=not ring.waiting, tired=tired)

    def take(self) -> Turn | None:
        """One turn, used up; None if no port may send now."""
        turn = self.arbiter.next(self.now)
        if turn is not None:
            self.send(turn)
        return turn

    def ports(self, turns: int) -> list[int]:
        """The ports of the next turns."""
        return [turn.port for _ in range(turns) if (turn := self.take())]

    def run(self, octets: int) -> None:
        """Send at least so many octets, of ports that always have some."""
        until = self.octets_sent + octets
        while self.octets_sent < until:
            assert self.take() is not None

    def run_until(self, then: float, late: float = 0.0) -> None:
        """Send for a time, asleep while every port is held. late: seconds that each sleep lasts too long."""
        while self.now < then:
            if self.take() is None:
                wakes_at = self.arbiter.wakes_at()
                assert wakes_at is not None
                assert wakes_at > self.now
                self.now = wakes_at + late

    @property
    def octets_sent(self) -> int:
        """By all ports."""
        return sum(ring.octets_sent for ring in self.rings.values())


def assert_it_wakes_as_it_said(sender: Transmitter) -> None:
    """A frame that is held may go when the arbiter said so and not before, time and again."""
    for _ in range(20):
        while sender.take():
            pass
        wakes_at = sender.arbiter.wakes_at()
        assert wakes_at is not None
        assert wakes_at > sender.now
        halfway = (sender.now + wakes_at) / 2
        assert halfway == wakes_at or sender.arbiter.next(halfway) is None
        assert sender.arbiter.wakes_at() == wakes_at
        sender.now = wakes_at
        assert sender.take() is not None
