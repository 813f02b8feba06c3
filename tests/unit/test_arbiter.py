"""The transmit arbiter: shares, rate limits, and that nobody pays for a port that has nothing to send."""

from collections.abc import Iterable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.nic.arbiter import (
    BUCKET_SECONDS,
    BUDGET_FRAMES,
    QUANTUM_OCTETS,
    WIRE_OVERHEAD,
    Arbiter,
    Discipline,
    Turn,
)

DEFICIT, ROUND_ROBIN = Discipline.DEFICIT, Discipline.ROUND_ROBIN
TEN_GBIT = 10e9 / 8
BACKLOG = 10**9


@dataclass(slots=True)
class Ring:
    """A port's ring, full of frames of one size."""

    octets: int  # of one frame
    segments: int = 1  # wire frames that it stands for
    waiting: int = BACKLOG
    sent: int = 0

    @property
    def octets_sent(self) -> int:
        return self.sent * self.octets

    @property
    def wire_frames_sent(self) -> int:
        return self.sent * self.segments

    @property
    def wire_octets_sent(self) -> int:
        return self.octets_sent + WIRE_OVERHEAD * self.wire_frames_sent


def small(waiting: int = BACKLOG) -> Ring:
    return Ring(60, waiting=waiting)


def full(waiting: int = BACKLOG) -> Ring:
    return Ring(1514, waiting=waiting)


def superframe(waiting: int = BACKLOG) -> Ring:
    return Ring(65_000, 45, waiting)


KINDS = {"60": small, "1514": full, "65000": superframe}


class Transmitter:
    """Reads rings as the arbiter says and sends at line rate; its clock is the line."""

    def __init__(self, discipline: Discipline, line: float = TEN_GBIT, now: float = 0.0) -> None:
        self.arbiter = Arbiter(discipline)
        self.rings: dict[int, Ring] = {}
        self.line = line
        self.now = now

    def add(self, ring: Ring, weight: int = 1, rate: float | None = None) -> Ring:
        """A port, ready if its ring has frames."""
        port = len(self.rings) + 1
        self.rings[port] = ring
        self.arbiter.add(port, weight, rate)
        if ring.waiting:
            self.arbiter.ready(port)
        return ring

    def refill(self, port: int, frames: int) -> None:
        self.rings[port].waiting += frames
        self.arbiter.ready(port)

    def read(self, turn: Turn) -> tuple[int, int, bool]:
        """A burst: frames until the ring is empty or the turn is used up."""
        ring, reads = self.rings[turn.port], 0
        while ring.waiting > reads and reads < turn.reads and reads * ring.octets < turn.octets:
            reads += 1
        ring.waiting -= reads
        ring.sent += reads
        return reads * ring.segments, reads * ring.octets, not ring.waiting

    def take(self, *, tired: bool = False) -> Turn | None:
        """One turn; None if no port may send now."""
        turn = self.arbiter.next(self.now)
        if turn is not None:
            wire_frames, octets, empty = self.read(turn)
            self.now += (octets + WIRE_OVERHEAD * wire_frames) / self.line
            self.arbiter.spent(wire_frames, octets, empty=empty, tired=tired)
        return turn

    def run(self, octets: int) -> None:
        """Send at least so many octets."""
        until = sum(ring.octets_sent for ring in self.rings.values()) + octets
        while sum(ring.octets_sent for ring in self.rings.values()) < until:
            assert self.take() is not None

    def run_until(self, then: float) -> None:
        """Send for a time, sleeping while every port is held."""
        while self.now < then:
            if self.take() is None:
                wakes_at = self.arbiter.wakes_at()
                assert wakes_at is not None
                self.now = min(wakes_at, then)


def jain(shares: Iterable[float]) -> float:
    """Jain's fairness index: 1 if all are equal, 1/n if one has everything."""
    listed = list(shares)
    return sum(listed) ** 2 / (len(listed) * sum(share**2 for share in listed))


def test_deficit_gives_every_port_the_same_octets_whatever_its_frames() -> None:
    sender = Transmitter(DEFICIT)
    rings = [sender.add(kind()) for kind in KINDS.values()]
    sender.run(30_000_000)
    assert jain(ring.octets_sent for ring in rings) >= 0.9999


@pytest.mark.parametrize("kinds", [["60"] * 3, ["1514"] * 3, ["65000"] * 3, list(KINDS), list(KINDS)[::-1]], ids=str)
def test_deficit_gives_octets_by_weight(kinds: list[str]) -> None:
    sender = Transmitter(DEFICIT)
    rings = [sender.add(KINDS[kind](), weight) for kind, weight in zip(kinds, (1, 2, 4), strict=True)]
    sender.run(30_000_000)
    total = sum(ring.octets_sent for ring in rings)
    assert [ring.octets_sent / total for ring in rings] == pytest.approx([1 / 7, 2 / 7, 4 / 7], rel=0.05)


def test_round_robin_gives_every_port_the_same_wire_frames() -> None:
    sender = Transmitter(ROUND_ROBIN)
    rings = [sender.add(kind()) for kind in KINDS.values()]
    sender.run(30_000_000)
    shares = [ring.wire_frames_sent for ring in rings]
    assert shares == pytest.approx([sum(shares) / 3] * 3, rel=0.05)


def test_round_robin_takes_one_frame_a_turn() -> None:
    sender = Transmitter(ROUND_ROBIN)
    for ring in (small(), full(), small()):
        sender.add(ring)
    turns = [sender.take() for _ in range(9)]
    assert [turn and turn.port for turn in turns] == [1, 2, 3] * 3
    assert [ring.sent for ring in sender.rings.values()] == [3, 3, 3]


def test_round_robin_lets_a_superframe_wait_a_turn_for_each_of_its_segments() -> None:
    sender = Transmitter(ROUND_ROBIN)
    big, little = sender.add(superframe()), sender.add(small())
    sender.take()
    while big.sent == 1:
        sender.take()
    assert little.sent == 45


FRAMES = st.sampled_from(list(KINDS.values()))
PORTS = st.lists(st.tuples(FRAMES, st.sampled_from([1, 2, 4, 100])), min_size=2, max_size=5)


@given(PORTS, st.integers(1, 20))
def test_deficit_shares_differ_by_a_turn_and_a_frame_at_most(
    ports: list[tuple[type[Ring], int]], rounds: int
) -> None:
    """Shreedhar and Varghese, theorem 1, for ports that always have frames, at any moment."""
    sender = Transmitter(DEFICIT)
    shares = [(sender.add(kind(), weight), weight) for kind, weight in ports]
    for _ in range(rounds):
        sender.run(100_000)
        for ring, weight in shares:
            for other, its_weight in shares:
                ahead = ring.octets_sent / weight - other.octets_sent / its_weight
                assert ahead <= QUANTUM_OCTETS + ring.octets / weight + other.octets / its_weight


@given(st.lists(FRAMES, min_size=2, max_size=5), st.integers(1, 500))
def test_round_robin_shares_differ_by_a_frame_at_most(kinds: list[type[Ring]], turns: int) -> None:
    sender = Transmitter(ROUND_ROBIN)
    rings = [sender.add(kind()) for kind in kinds]
    for _ in range(turns):
        sender.take()
    for ring in rings:
        for other in rings:
            assert ring.wire_frames_sent - other.wire_frames_sent <= 1 + ring.segments + other.segments


@given(PORTS, st.sampled_from(Discipline))
def test_nobody_starves(ports: list[tuple[type[Ring], int]], discipline: Discipline) -> None:
    """Until the heaviest debt is paid back, the others have some turns each, never without end."""
    sender = Transmitter(discipline)
    for kind, weight in ports:
        sender.add(kind(), weight)
    longest = BUDGET_FRAMES * len(ports) * 45
    since = dict.fromkeys(sender.rings, 0)
    for _ in range(1000):
        turn = sender.take()
        assert turn is not None
        since = {port: 0 if port == turn.port else turns + 1 for port, turns in since.items()}
        assert max(since.values()) <= longest


@given(st.lists(st.tuples(FRAMES, st.integers(0, 200)), min_size=1, max_size=5), st.sampled_from(Discipline))
def test_every_frame_is_sent_and_none_twice(
    ports: list[tuple[type[Ring], int]], discipline: Discipline
) -> None:
    sender = Transmitter(discipline)
    for kind, frames in ports:
        sender.add(kind(frames))
    while sender.take() is not None:
        pass
    assert [(ring.sent, ring.waiting) for ring in sender.rings.values()] == [(frames, 0) for _, frames in ports]


@given(
    st.sampled_from(Discipline),
    st.lists(FRAMES, min_size=1, max_size=4),
    st.lists(st.tuples(st.integers(1, 4), st.integers(1, 100)) | st.none(), max_size=60),
)
def test_the_line_rests_only_when_every_ring_is_empty(
    discipline: Discipline, kinds: list[type[Ring]], steps: list[tuple[int, int] | None]
) -> None:
    """Work conserving (X550 7.2.1.2.3), however frames arrive."""
    sender = Transmitter(discipline)
    for kind in kinds:
        sender.add(kind(0))
    for step in steps:
        if step is None:
            waiting = any(ring.waiting for ring in sender.rings.values())
            assert (sender.take() is not None) == waiting
        else:
            sender.refill(min(step[0], len(kinds)), step[1])


@pytest.mark.parametrize("discipline", Discipline)
def test_idle_ports_change_nothing(discipline: Discipline) -> None:
    few, many = Transmitter(discipline), Transmitter(discipline)
    for sender in (few, many):
        for kind in KINDS.values():
            sender.add(kind(100))
    for _ in range(50):
        many.add(small(0), rate=1.0)
    assert [few.take() for _ in range(1000)] == [many.take() for _ in range(1000)]


def test_a_port_alone_gets_as_much_as_one_visit_may_take() -> None:
    sender = Transmitter(ROUND_ROBIN)
    ring = sender.add(superframe())
    assert sender.take() == Turn(1, BUDGET_FRAMES, sender.arbiter.next(0.0).octets)  # type: ignore[union-attr]
    assert ring.sent == BUDGET_FRAMES
