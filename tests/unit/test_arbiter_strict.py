"""Strict ports: served whenever they have a frame, before all others (82576: TXDCTL.PRIORITY)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.transmitter import BACKLOG, KINDS, TEN_GBIT, Transmitter
from vmdqemu.nic.disciplines import Discipline

EVERY_DISCIPLINE = pytest.mark.parametrize("discipline", Discipline)
KIND = st.sampled_from(sorted(KINDS))


@EVERY_DISCIPLINE
def test_a_strict_ports_frame_is_the_next_to_go(discipline: Discipline) -> None:
    sender = Transmitter(discipline)
    shared = sender.add("1514")
    sender.add("1514", 0, strict=True)
    sender.ports(10)
    assert shared.sent == 10, "one frame a turn, so that it has not long to wait"
    sender.refill(2, 1)
    assert sender.ports(3) == [2, 1, 1]


@EVERY_DISCIPLINE
def test_shared_ports_get_what_a_strict_one_leaves(discipline: Discipline) -> None:
    sender = Transmitter(discipline)
    strict = sender.add("1514", rate=0.9 * TEN_GBIT, strict=True)
    others = [sender.add("1514"), sender.add("1514")]
    sender.run_until(0.1)
    assert strict.wire_octets_sent == pytest.approx(0.09 * TEN_GBIT, rel=0.1)
    left = [ring.wire_octets_sent for ring in others]
    assert left == pytest.approx([(0.1 * TEN_GBIT - strict.wire_octets_sent) / 2] * 2, rel=0.05)


@EVERY_DISCIPLINE
def test_strict_ports_share_among_themselves(discipline: Discipline) -> None:
    sender = Transmitter(discipline)
    rings = [sender.add("1514", strict=True), sender.add("1514", strict=True), sender.add("60")]
    sender.run(1_000_000)
    assert rings[0].octets_sent == pytest.approx(rings[1].octets_sent, rel=0.05)
    assert rings[2].sent == 0


@given(
    st.sampled_from(Discipline),
    st.lists(st.tuples(KIND, st.booleans()), min_size=1, max_size=4),
    st.lists(st.none() | st.tuples(st.integers(1, 4), st.integers(1, 20)), max_size=60),
)
def test_nobody_else_has_a_turn_while_a_strict_port_has_a_frame(
    discipline: Discipline, ports: list[tuple[str, bool]], steps: list[tuple[int, int] | None]
) -> None:
    sender = Transmitter(discipline)
    strict = {port for port, (_, is_strict) in enumerate(ports, 1) if is_strict}
    for kind, is_strict in ports:
        sender.add(kind, 0, strict=is_strict)
    for arrival in steps:
        if arrival is None:
            has_frames = {port for port, ring in sender.rings.items() if ring.waiting}
            turn = sender.take()
            assert (turn is not None) == bool(has_frames)
            assert turn is None or not strict & has_frames or turn.port in strict
        elif arrival[0] in sender.rings:
            sender.refill(*arrival)


@EVERY_DISCIPLINE
def test_a_strict_port_that_waits_for_the_line_lets_a_vms_frame_past(discipline: Discipline) -> None:
    sender = Transmitter(discipline, wire=1000.0)
    sender.add("1514", strict=True, outbound=True)
    sender.add("1514")
    assert sender.ports(20) == [1, *[2] * 19], "the line is overdrawn after one"


@pytest.mark.parametrize("rate", [None, 1.0])
@EVERY_DISCIPLINE
def test_terms_change_while_frames_wait(discipline: Discipline, rate: float | None) -> None:
    """A held port comes free with its new rate."""
    sender = Transmitter(discipline)
    sender.add("1514", rate=rate)
    sender.add("1514")
    sender.ports(5)
    assert not sender.arbiter.preemptive
    sender.arbiter.put(1, strict=True)
    assert sender.arbiter.preemptive
    assert sender.ports(3) == [1, 1, 1]
    sender.arbiter.put(1, weight=2)
    assert not sender.arbiter.preemptive
    assert set(sender.ports(10)) == {1, 2}
    assert sender.rings[1].waiting < BACKLOG
