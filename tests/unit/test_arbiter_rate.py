"""The arbiter's rate limits: octets on the wire, over any second, and no spinning in between."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transmitter import KINDS, TEN_GBIT, Ring, Transmitter, assert_it_wakes_as_it_said
from vmdqemu.nic.arbiter import WIRE_OVERHEAD
from vmdqemu.nic.disciplines import BUDGET_FRAMES, Discipline
from vmdqemu.nic.rate_limit import BUCKET_SECONDS

MBIT = 1e6 / 8
LATE = pytest.mark.parametrize("late", [0.0, 0.004], ids=["on time", "late"])


def on_the_wire(ring: Ring) -> int:
    """Octets of one of its frames."""
    return ring.octets + WIRE_OVERHEAD * ring.segments


@LATE
@pytest.mark.parametrize("discipline", Discipline)
@pytest.mark.parametrize(
    ("kind", "mbit"),
    [("60", 10), ("60", 50), ("1514", 10), ("1514", 1000), ("65000", 100), ("65000", 5000)],
)
def test_a_rate_limit_holds_over_a_second(
    discipline: Discipline, kind: str, mbit: float, late: float
) -> None:
    sender = Transmitter(discipline)
    ring = sender.add(kind, rate=mbit * MBIT)
    sender.run_until(1.0, late)
    assert ring.wire_octets_sent == pytest.approx(mbit * MBIT, rel=0.02)


def test_a_gigabit_carries_81274_full_frames_a_second() -> None:
    """1518 octets with FCS, 8 of preamble and a gap of 12: 1538 (IEEE 802.3 4.4.2)."""
    sender = Transmitter(Discipline.DEFICIT)
    ring = sender.add("1514", rate=1000 * MBIT)
    sender.run_until(1.0)
    before = ring.sent
    sender.run_until(2.0)
    assert ring.sent - before == pytest.approx(1e9 / 8 / 1538, abs=2)


@LATE
def test_the_others_take_what_a_limited_port_leaves(late: float) -> None:
    """A limited queue looks empty to the others (X550 7.2.1.2.3)."""
    sender = Transmitter(Discipline.DEFICIT)
    limited = sender.add("1514", rate=500 * MBIT)
    others = [sender.add("1514", weight=weight) for weight in (1, 3)]
    sender.run_until(1.0, late)
    assert limited.wire_octets_sent == pytest.approx(500 * MBIT, rel=0.02)
    assert [ring.wire_octets_sent for ring in others] == pytest.approx(
        [(TEN_GBIT - 500 * MBIT) * share for share in (1 / 4, 3 / 4)], rel=0.02
    )


def test_a_limit_above_its_share_does_not_raise_it() -> None:
    sender = Transmitter(Discipline.DEFICIT)
    rings = [sender.add("1514", rate=9000 * MBIT), sender.add("1514")]
    sender.run_until(0.2)
    assert rings[0].octets_sent == pytest.approx(rings[1].octets_sent, rel=0.02)


@pytest.mark.parametrize("kind", KINDS)
def test_after_a_pause_a_port_bursts_what_its_bucket_holds(kind: str) -> None:
    rate = 1000 * MBIT
    sender = Transmitter(Discipline.DEFICIT, line=float("inf"))
    ring = sender.add(kind, rate=rate)
    for pause in (0.0, 3600.0, BUCKET_SECONDS):
        before = ring.wire_octets_sent
        sender.now += pause
        while sender.take():
            pass
        burst = ring.wire_octets_sent - before
        a_turn_too_much = BUDGET_FRAMES * WIRE_OVERHEAD + on_the_wire(ring)
        assert burst == pytest.approx(rate * BUCKET_SECONDS, abs=a_turn_too_much)


@given(
    st.sampled_from(sorted(KINDS)),
    st.floats(1e3, 12.5e9),
    st.floats(0.0, 1e8),
    st.sampled_from(Discipline),
)
def test_a_held_port_may_send_when_it_was_said_and_not_before(
    kind: str, rate: float, start: float, discipline: Discipline
) -> None:
    sender = Transmitter(discipline, line=float("inf"), now=start)
    sender.add(kind, rate=rate)
    assert_it_wakes_as_it_said(sender)


def test_the_first_held_port_to_come_free_wakes_the_loop() -> None:
    sender = Transmitter(Discipline.ROUND_ROBIN, line=float("inf"))
    assert sender.arbiter.wakes_at() is None
    sender.add("1514", rate=10 * MBIT)
    sender.add("1514", rate=1000 * MBIT)
    while sender.take():
        pass
    wakes_at = sender.arbiter.wakes_at()
    assert wakes_at is not None
    sender.now = wakes_at
    assert sender.ports(1) == [2]


def test_being_ready_again_does_not_free_a_held_port() -> None:
    sender = Transmitter(Discipline.DEFICIT, line=float("inf"))
    sender.add("1514", rate=10 * MBIT)
    while sender.take():
        pass
    sender.refill(1)
    assert sender.take() is None
