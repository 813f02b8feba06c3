"""The line: what leaves on the wire shares its rate as it shares turns, and nobody else waits for it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transmitter import BACKLOG, KINDS, TEN_GBIT, Transmitter, assert_it_wakes_as_it_said
from vmdqemu.nic.arbiter import SURPRISE_OCTETS, Turn
from vmdqemu.nic.disciplines import BUDGET_FRAMES, Discipline
from vmdqemu.nic.rate_limit import BUCKET_SECONDS, NO_LIMIT

RATE = 100e6 / 8  # of the wire, octets a second
DEFICIT, ROUND_ROBIN = Discipline.DEFICIT, Discipline.ROUND_ROBIN
EVERY_DISCIPLINE = pytest.mark.parametrize("discipline", Discipline)
MIXES = [["60"] * 3, ["1514"] * 3, ["65000"] * 3, ["60", "1514", "65000"]]


def line_octets(sender: Transmitter) -> int:
    """What went out on the wire so far, with its overhead."""
    return sum(ring.wire_octets_sent for ring in sender.rings.values() if ring.outbound)


@pytest.mark.parametrize("late", [0.0, 0.004], ids=["on time", "late"])
@pytest.mark.parametrize("kinds", MIXES, ids="-".join)
@EVERY_DISCIPLINE
def test_the_line_is_full_and_never_above_its_rate(
    discipline: Discipline, kinds: list[str], late: float
) -> None:
    sender = Transmitter(discipline, wire=RATE)
    for kind in kinds:
        sender.add(kind, outbound=True)
    sender.run_until(0.2, late)
    a_surprise_each = len(kinds) * (SURPRISE_OCTETS + 70_000)
    before = sender.now, line_octets(sender)
    assert before[1] <= RATE * (before[0] + BUCKET_SECONDS) + a_surprise_each
    sender.run_until(0.7, late)
    assert line_octets(sender) - before[1] == pytest.approx(RATE * (sender.now - before[0]), rel=0.02)


@pytest.mark.parametrize("kinds", MIXES, ids="-".join)
def test_on_a_busy_line_deficit_shares_octets_by_weight(kinds: list[str]) -> None:
    sender = Transmitter(DEFICIT, wire=RATE)
    rings = [
        sender.add(kind, weight=weight, outbound=True) for kind, weight in zip(kinds, (1, 2, 4), strict=True)
    ]
    sender.run_until(1.0)
    shares = [ring.octets_sent / sender.octets_sent for ring in rings]
    assert shares == pytest.approx([1 / 7, 2 / 7, 4 / 7], rel=0.05)


def test_on_a_busy_line_round_robin_shares_wire_frames() -> None:
    sender = Transmitter(ROUND_ROBIN, wire=RATE)
    rings = [sender.add(kind, outbound=True) for kind in KINDS]
    sender.run_until(1.0)
    shares = [ring.wire_frames_sent for ring in rings]
    assert shares == pytest.approx([sum(shares) / 3] * 3, rel=0.01)


@EVERY_DISCIPLINE
def test_a_port_that_sends_to_a_vm_goes_on_while_the_line_is_busy(discipline: Discipline) -> None:
    sender = Transmitter(discipline, wire=RATE)
    for _ in range(3):
        sender.add("65000", outbound=True)
    inward = sender.add("65000")
    sender.run_until(1.0)
    assert line_octets(sender) == pytest.approx(RATE, rel=0.01)
    assert inward.wire_octets_sent == pytest.approx(TEN_GBIT - RATE, rel=0.01)


@EVERY_DISCIPLINE
def test_ports_that_wait_for_the_line_do_not_use_up_a_rate_of_their_own(discipline: Discipline) -> None:
    sender = Transmitter(discipline, wire=RATE)
    limited = sender.add("1514", rate=RATE / 10, outbound=True)
    sender.add("1514", outbound=True)
    sender.run_until(1.0)
    assert limited.wire_octets_sent == pytest.approx(RATE / 10, rel=0.02)
    assert line_octets(sender) == pytest.approx(RATE, rel=0.01)


def test_a_port_that_was_never_seen_to_use_the_line_may_surprise_it_by_so_much() -> None:
    sender = Transmitter(DEFICIT, wire=RATE)
    sender.add("65000", outbound=True)
    assert sender.take() == Turn(1, BUDGET_FRAMES, SURPRISE_OCTETS)
    wakes_at = sender.arbiter.wakes_at()
    assert wakes_at is not None
    turn = sender.arbiter.next(wakes_at)
    assert turn is not None
    assert turn.octets <= RATE * BUCKET_SECONDS


def test_without_a_line_nothing_is_held_back() -> None:
    sender = Transmitter(DEFICIT)
    sender.add("65000", outbound=True)
    assert sender.take() == sender.take() == Turn(1, BUDGET_FRAMES, NO_LIMIT)


def test_a_port_that_turns_to_a_vm_is_free_again() -> None:
    sender = Transmitter(DEFICIT, line=float("inf"), wire=RATE)
    ring = sender.add("65000", outbound=True)
    while sender.take():
        pass
    ring.outbound = False
    wakes_at = sender.arbiter.wakes_at()
    assert wakes_at is not None
    sender.now = wakes_at
    assert all(sender.take() for _ in range(1000))


@given(st.sampled_from(sorted(KINDS)), st.floats(1e3, 1e8), st.floats(0.0, 1e8), st.sampled_from(Discipline))
def test_the_line_is_free_when_it_was_said_and_not_before(
    kind: str, rate: float, start: float, discipline: Discipline
) -> None:
    sender = Transmitter(discipline, line=float("inf"), now=start, wire=rate)
    sender.add(kind, outbound=True)
    sender.add("1514", outbound=True)
    assert_it_wakes_as_it_said(sender)


@given(
    st.sampled_from(Discipline),
    st.lists(
        st.tuples(st.sampled_from(sorted(KINDS)), st.integers(0, 200), st.booleans()), min_size=1, max_size=5
    ),
)
def test_every_frame_is_sent_once(discipline: Discipline, ports: list[tuple[str, int, bool]]) -> None:
    sender = Transmitter(discipline, wire=RATE)
    rings = [sender.add(kind, frames, outbound=outbound) for kind, frames, outbound in ports]
    while any(ring.waiting for ring in rings):
        if sender.take() is None:
            wakes_at = sender.arbiter.wakes_at()
            assert wakes_at is not None
            sender.now = wakes_at
    assert [ring.sent for ring in rings] == [frames for _, frames, _ in ports]
    assert sender.take() is None
    assert sender.arbiter.wakes_at() is None


@EVERY_DISCIPLINE
def test_a_port_that_is_withdrawn_while_it_waits_for_the_line_is_forgotten(discipline: Discipline) -> None:
    sender = Transmitter(discipline, line=float("inf"), wire=RATE)
    sender.add("65000", BACKLOG, outbound=True)
    while sender.take():
        pass
    sender.arbiter.withdraw(1)
    assert sender.arbiter.wakes_at() is None
