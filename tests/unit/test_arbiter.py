"""The transmit arbiter: who gets which share, and that nobody pays for a port that has nothing to send."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transmitter import BACKLOG, KINDS, Ring, Transmitter
from vmdqemu.nic.arbiter import Arbiter, Turn
from vmdqemu.nic.disciplines import BUDGET_FRAMES, QUANTUM_OCTETS, Discipline
from vmdqemu.nic.rate_limit import NO_LIMIT

DEFICIT, ROUND_ROBIN = Discipline.DEFICIT, Discipline.ROUND_ROBIN
KIND = st.sampled_from(sorted(KINDS))
WEIGHTED = st.lists(st.tuples(KIND, st.sampled_from([1, 2, 4, 100])), min_size=2, max_size=5)
DISCIPLINE = st.sampled_from(Discipline)
EVERY_DISCIPLINE = pytest.mark.parametrize("discipline", Discipline)


def jain(shares: list[int]) -> float:
    """Jain's fairness index: 1 if all are equal, 1/n if one has everything."""
    return sum(shares) ** 2 / (len(shares) * sum(share**2 for share in shares))


def test_deficit_gives_every_port_the_same_octets_whatever_its_frames() -> None:
    sender = Transmitter(DEFICIT)
    rings = [sender.add(kind) for kind in KINDS]
    sender.run(30_000_000)
    assert jain([ring.octets_sent for ring in rings]) >= 0.999


@pytest.mark.parametrize("kinds", [*([kind] * 3 for kind in KINDS), *permutations(KINDS)], ids="-".join)
def test_deficit_gives_octets_by_weight(kinds: list[str]) -> None:
    sender = Transmitter(DEFICIT)
    rings = [sender.add(kind, weight=weight) for kind, weight in zip(kinds, (1, 2, 4), strict=True)]
    sender.run(30_000_000)
    shares = [ring.octets_sent / sender.octets_sent for ring in rings]
    assert shares == pytest.approx([1 / 7, 2 / 7, 4 / 7], rel=0.05)


def test_round_robin_gives_every_port_the_same_wire_frames() -> None:
    sender = Transmitter(ROUND_ROBIN)
    rings = [sender.add(kind) for kind in KINDS]
    sender.run(30_000_000)
    shares = [ring.wire_frames_sent for ring in rings]
    assert shares == pytest.approx([sum(shares) / 3] * 3, rel=0.01)


def test_round_robin_takes_one_frame_a_turn() -> None:
    sender = Transmitter(ROUND_ROBIN)
    rings = [sender.add(kind) for kind in ("60", "1514", "60")]
    assert sender.ports(9) == [1, 2, 3] * 3
    assert [ring.sent for ring in rings] == [3, 3, 3]


def test_in_round_robin_a_superframe_uses_a_turn_for_each_of_its_segments() -> None:
    sender = Transmitter(ROUND_ROBIN)
    sender.add("65000")
    sender.add("60")
    assert sender.ports(92) == [1, *[2] * 45] * 2


def lead(ring: Ring, weight: int, other: Ring, its_weight: int) -> float:
    return ring.octets_sent / weight - other.octets_sent / its_weight


@given(WEIGHTED, st.integers(1, 20))
def test_deficit_shares_are_never_more_than_a_turn_and_a_frame_apart(
    ports: list[tuple[str, int]], steps: int
) -> None:
    """Shreedhar and Varghese, theorem 1: for ports that always have frames, at any moment."""
    sender = Transmitter(DEFICIT)
    shares = [(sender.add(kind, weight=weight), weight) for kind, weight in ports]
    for _ in range(steps):
        sender.run(100_000)
        for ring, weight in shares:
            for other, its_weight in shares:
                a_frame_each = ring.octets / weight + other.octets / its_weight
                assert lead(ring, weight, other, its_weight) <= QUANTUM_OCTETS + a_frame_each


@given(st.lists(KIND, min_size=2, max_size=5), st.integers(1, 500))
def test_round_robin_shares_are_never_more_than_a_frame_apart(kinds: list[str], turns: int) -> None:
    sender = Transmitter(ROUND_ROBIN)
    rings = [sender.add(kind) for kind in kinds]
    sender.ports(turns)
    for ring in rings:
        for other in rings:
            assert ring.wire_frames_sent - other.wire_frames_sent <= ring.segments + other.segments


@given(WEIGHTED)
def test_nobody_starves(ports: list[tuple[str, int]]) -> None:
    """While a port pays its last frame back, each other port gets no more than its quantum in every round."""
    sender = Transmitter(DEFICIT)
    rings = {number: sender.add(kind, weight=weight) for number, (kind, weight) in enumerate(ports, start=1)}
    weights = {number: weight for number, (_, weight) in enumerate(ports, start=1)}
    since = dict.fromkeys(rings, 0)
    for _ in range(500):
        before = sender.octets_sent
        (port,) = sender.ports(1)
        since = {other: waited + sender.octets_sent - before for other, waited in since.items()} | {port: 0}
        for waiting, ring in rings.items():
            rounds = -(-ring.octets // (QUANTUM_OCTETS * weights[waiting])) + 1
            others = (rounds * QUANTUM_OCTETS * weights[o] + rings[o].octets for o in rings if o != waiting)
            assert since[waiting] <= sum(others)


@given(DISCIPLINE, st.lists(st.tuples(KIND, st.integers(0, 200)), min_size=1, max_size=5))
def test_every_frame_is_sent_once(discipline: Discipline, ports: list[tuple[str, int]]) -> None:
    sender = Transmitter(discipline)
    rings = [sender.add(kind, frames) for kind, frames in ports]
    while sender.take():
        pass
    assert [ring.sent for ring in rings] == [frames for _, frames in ports]


@given(
    DISCIPLINE,
    st.lists(KIND, min_size=4, max_size=4),
    st.lists(st.none() | st.tuples(st.integers(1, 4), st.integers(1, 100)), max_size=60),
)
def test_the_line_rests_only_when_every_ring_is_empty(
    discipline: Discipline, kinds: list[str], steps: list[tuple[int, int] | None]
) -> None:
    """Work conserving (X550 7.2.1.2.3), however frames arrive."""
    sender = Transmitter(discipline)
    rings = [sender.add(kind, 0) for kind in kinds]
    for arrival in steps:
        if arrival is not None:
            sender.refill(*arrival)
        else:
            waiting = any(ring.waiting for ring in rings)
            assert (sender.take() is not None) == waiting


@EVERY_DISCIPLINE
def test_idle_ports_change_nothing(discipline: Discipline) -> None:
    few, many = Transmitter(discipline), Transmitter(discipline)
    for sender in (few, many):
        for kind in KINDS:
            sender.add(kind, 100)
    for _ in range(50):
        many.add("60", 0, rate=1.0)
    assert [few.take() for _ in range(1000)] == [many.take() for _ in range(1000)]


@EVERY_DISCIPLINE
def test_a_port_alone_gets_all_that_one_visit_may_take(discipline: Discipline) -> None:
    sender = Transmitter(discipline)
    sender.add("60")
    sender.add("60", 0)
    assert sender.take() == sender.take() == Turn(1, BUDGET_FRAMES, NO_LIMIT)


@EVERY_DISCIPLINE
def test_a_port_that_is_said_to_be_ready_again_gets_no_second_place(discipline: Discipline) -> None:
    sender = Transmitter(discipline)
    sender.add("1514")
    sender.add("1514")
    for _ in range(3):
        sender.arbiter.ready(1)
    assert sender.ports(4) == [1, 2, 1, 2]


@EVERY_DISCIPLINE
def test_what_a_port_sent_while_alone_is_not_held_against_it(discipline: Discipline) -> None:
    sender = Transmitter(discipline)
    sender.add("65000")
    sender.add("1514", 0)
    sender.ports(10)
    turn = sender.arbiter.next(sender.now)
    assert turn is not None
    sender.refill(2)  # comes in while port 1 has its turn
    sender.send(turn)
    assert sender.ports(2) == [2, 1]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("frames", [1, 7, 300])
def test_a_port_that_comes_back_brings_no_credit_and_one_frame_of_debt_at_most(
    kind: str, frames: int
) -> None:
    sender = Transmitter(DEFICIT)
    rings = [sender.add(kind, frames), sender.add("1514"), sender.add("65000")]
    while rings[0].waiting:
        sender.take()
    sender.run(1_000_000)
    sender.refill(1)
    before = [ring.octets_sent for ring in rings]
    sender.run(3_000_000)
    gained = [ring.octets_sent - was for ring, was in zip(rings, before, strict=True)]
    for other in (1, 2):
        a_frame_each = rings[0].octets + rings[other].octets
        assert gained[0] - gained[other] <= QUANTUM_OCTETS + a_frame_each
        assert gained[other] - gained[0] <= QUANTUM_OCTETS + a_frame_each + rings[0].octets


def test_a_tired_port_gives_way_and_has_no_more_until_the_next_refill() -> None:
    sender = Transmitter(DEFICIT)
    sender.add("1514", 3)
    sender.add("1514")
    turn = sender.arbiter.next(0.0)
    assert turn == Turn(1, BUDGET_FRAMES, QUANTUM_OCTETS)
    sender.rings[1].waiting = BACKLOG
    sender.send(turn._replace(reads=3), tired=True)
    assert sender.ports(1) == [2]
    assert sender.arbiter.next(0.0) == Turn(1, BUDGET_FRAMES, QUANTUM_OCTETS)


@EVERY_DISCIPLINE
def test_a_port_that_is_always_tired_shares_with_one_that_never_is(discipline: Discipline) -> None:
    sender = Transmitter(discipline)
    tired, other = sender.add("60"), sender.add("60")
    for _ in range(1000):
        turn = sender.arbiter.next(sender.now)
        assert turn is not None
        sender.send(turn._replace(reads=min(turn.reads, 8)) if turn.port == 1 else turn, tired=turn.port == 1)
    assert 0 < tired.sent <= other.sent
    if discipline is DEFICIT:  # nobody waits for the credit that a tired one has left
        assert tired.sent * QUANTUM_OCTETS <= 1.1 * other.sent * 8 * 60


@EVERY_DISCIPLINE
@pytest.mark.parametrize("rate", [None, 1.0])
def test_a_port_that_is_removed_gets_no_turn_and_its_number_begins_anew(
    discipline: Discipline, rate: float | None
) -> None:
    arbiter = Arbiter(discipline)
    arbiter.put(1, rate=rate)
    arbiter.put(2)
    arbiter.ready(1)
    turn = arbiter.next(0.0)
    assert turn is not None
    assert turn.port == 1
    arbiter.spent(10, 15_000, empty=False)
    arbiter.ready(2)
    arbiter.next(0.0)
    arbiter.remove(1)
    turn = arbiter.next(0.0)
    assert turn is not None
    assert turn.port == 2
    arbiter.spent(1, 60, empty=True)
    assert (arbiter.next(1e9), arbiter.wakes_at()) == (None, None)
    arbiter.put(1)
    arbiter.ready(1)
    assert arbiter.next(0.0) == Turn(1, BUDGET_FRAMES, NO_LIMIT)
