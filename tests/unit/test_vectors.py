"""MSI-X vectors on a virtual clock. Covers NDIS row C1 and Intel rows 55 to 57."""

from itertools import pairwise, product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import OUTSIDE, mac, packet, parsed
from vmdqemu.nic import frame as frames
from vmdqemu.nic.frame import ETHERTYPE_ARP, Frame
from vmdqemu.nic.moderation import OFF, UNITS, Moderation
from vmdqemu.nic.packet import PROTOCOL_TCP, PROTOCOL_UDP
from vmdqemu.nic.vectors import (
    ACK,
    CREDIT_STEP,
    MOST_CREDITS,
    NOT_URGENT,
    PSH,
    SYN,
    Interrupt,
    LowLatency,
    Urgency,
    Vectors,
    by_processor,
    ivar,
)

LARGEST = Moderation(UNITS["82599"].most)
INTERVAL = LARGEST.interval * 1e-9
PLAIN = parsed(mac(1), OUTSIDE)


def tcp(port: int, *, protocol: int = PROTOCOL_TCP, vids: tuple[int, ...] = ()) -> Frame:
    ethertype, payload = packet("10.0.0.1", "10.0.0.2", protocol, (4000, port))
    return parsed(mac(1), OUTSIDE, vids, ethertype=ethertype, payload=payload)


def vectors(urgency: Urgency = NOT_URGENT, moderation: Moderation = LARGEST) -> Vectors:
    """Queues 0 and 1 on vector 0, queue 2 on vector 1."""
    return Vectors({0: 0, 1: 0, 2: 1}, {0: moderation, 1: moderation}, urgency)


def busy(urgency: Urgency = NOT_URGENT) -> Vectors:
    """Both vectors have just interrupted."""
    made = vectors(urgency)
    assert made.receive(0, PLAIN, 0.0)
    assert made.receive(2, PLAIN, 0.0)
    return made


def test_an_event_of_an_idle_vector_interrupts_at_once_and_the_next_ones_together() -> None:
    made = vectors()
    assert made.receive(0, PLAIN, 1.0) == Interrupt(1.0, 0, frozenset({0}))
    assert made.receive(1, PLAIN, 1.0) is None
    assert made.receive(0, PLAIN, 1.0 + INTERVAL / 2) is None
    assert made.advance(1.0 + INTERVAL / 2) == []
    assert made.due() == pytest.approx(1.0 + INTERVAL)
    (raised,) = made.advance(2.0)
    assert raised == Interrupt(1.0 + INTERVAL, 0, frozenset({0, 1}))
    assert made.due() is None
    assert made.receive(0, PLAIN, 2.0)  # a whole interval passed


def test_a_vector_does_not_wait_for_another() -> None:
    made = vectors()
    assert made.receive(0, PLAIN, 0.0)
    assert made.receive(2, PLAIN, 0.0) == Interrupt(0.0, 1, frozenset({2}))


def test_without_moderation_every_frame_interrupts() -> None:
    made = vectors(moderation=OFF)
    assert all(made.receive(0, PLAIN, 0.0) for _ in range(10))


def test_a_frame_of_the_low_latency_port_interrupts_and_another_waits() -> None:
    """Intel row 56."""
    made = busy(Urgency((LowLatency(port=5001),)))
    assert made.receive(0, tcp(5002), 1e-6) is None
    assert made.receive(0, tcp(5001), 2e-6) == Interrupt(2e-6, 0, frozenset({0}))
    assert made.receive(0, tcp(5002), 3e-6) is None
    assert made.due() == pytest.approx(2e-6 + INTERVAL)  # the counter was restarted


@pytest.mark.parametrize(
    ("urgency", "match", "other"),
    [
        (LowLatency(port=80), (tcp(80), 0), (tcp(80, protocol=PROTOCOL_UDP), 0)),
        (LowLatency(flags=PSH), (tcp(80), PSH | ACK), (tcp(80), ACK)),
        (LowLatency(flags=SYN), (tcp(80), SYN), (tcp(80), ACK)),
        (LowLatency(flags=PSH), (tcp(80), PSH), (tcp(80, protocol=PROTOCOL_UDP), PSH)),
        (LowLatency(below=60), (PLAIN._replace(length=59), 0), (PLAIN._replace(length=60), 0)),
        (LowLatency(below=61), (PLAIN._replace(length=64, tags=1), 0), (PLAIN._replace(length=64), 0)),
        (LowLatency(ethertype=ETHERTYPE_ARP), (PLAIN._replace(ethertype=ETHERTYPE_ARP), 0), (PLAIN, 0)),
        (LowLatency(port=80, flags=PSH), (tcp(80), PSH), (tcp(81), PSH)),
        (LowLatency(port=80, below=100), (tcp(80), 0), (tcp(80)._replace(length=100), 0)),
    ],
)
def test_a_filter_matches_all_that_it_is_given(
    urgency: LowLatency, match: tuple[Frame, int], other: tuple[Frame, int]
) -> None:
    made = busy(Urgency((urgency,)))
    assert made.receive(0, *other[:1], 1e-6, other[1]) is None
    assert made.receive(0, *match[:1], 1e-6, match[1])


def test_a_tag_of_enough_priority_interrupts_at_once() -> None:
    made = busy(Urgency(priority=5))
    tagged = tcp(80, vids=(10,))
    assert made.receive(0, tagged._replace(priority=4), 1e-6) is None
    assert made.receive(0, PLAIN._replace(priority=7), 1e-6) is None  # no tag
    assert made.receive(0, tagged._replace(priority=5), 1e-6)


def test_a_bad_frame_never_hurries() -> None:
    broken = frames.parse(b"\0" * 10)
    assert busy(Urgency((LowLatency(),))).receive(0, broken, 1e-6) is None


def test_used_up_credits_make_a_frame_wait_until_one_is_earned() -> None:
    """Intel row 56, I210 7.3.6.1: at most 31, and one more each so many steps of 4 us."""
    steps = 25
    made = busy(Urgency((LowLatency(port=5001),), credit_steps=steps))
    raised = [made.receive(0, tcp(5001), 1e-6) for _ in range(MOST_CREDITS + 5)]
    assert [bool(interrupt) for interrupt in raised] == [True] * MOST_CREDITS + [False] * 5
    assert made.receive(0, tcp(5001), 1e-6 + steps * CREDIT_STEP * 0.9) is None
    assert made.receive(0, tcp(5001), 1e-6 + steps * CREDIT_STEP * 1.1)
    assert made.receive(0, tcp(5001), 1e-6 + steps * CREDIT_STEP * 1.2) is None


def test_credits_are_a_vectors_own() -> None:
    made = busy(Urgency((LowLatency(),), credit_steps=1))
    for _ in range(MOST_CREDITS + 1):
        made.receive(0, PLAIN, 0.0)
    assert made.receive(0, PLAIN, 0.0) is None
    assert made.receive(2, PLAIN, 0.0)


def test_causes_of_a_masked_vector_stay_pending_and_fire_when_it_is_unmasked() -> None:
    made = vectors()
    made.mask(0)
    assert made.receive(0, PLAIN, 0.0) is None
    assert made.receive(1, PLAIN, 1.0) is None
    assert made.due() is None
    assert made.advance(5.0) == []
    assert made.unmask(0, 6.0) == Interrupt(6.0, 0, frozenset({0, 1}))
    assert made.unmask(0, 7.0) is None
    made.mask(0)
    made.receive(0, PLAIN, 6.0 + INTERVAL / 2)
    assert made.unmask(0, 6.0 + INTERVAL / 2) is None  # its interval is not over
    assert len(made.advance(7.0)) == 1


def test_a_queue_that_moves_leaves_nothing_behind() -> None:
    """Intel row 57."""
    made = busy()
    assert made.receive(0, PLAIN, 1e-6) is None
    made.move(0, 1)
    assert made.receive(0, PLAIN, 2e-6) is None
    raised = made.advance(1.0)
    assert sorted((interrupt.vector, *interrupt.queues) for interrupt in raised) == [(0, 0), (1, 0)]


TIMES = st.lists(st.floats(0, 0.02), max_size=50).map(sorted)


@given(TIMES, st.lists(st.sampled_from([0, 1, 2]), min_size=50, max_size=50))
def test_no_frame_is_forgotten_and_no_vector_interrupts_twice_in_an_interval(
    times: list[float], queues: list[int]
) -> None:
    made = vectors()
    raised: list[Interrupt] = []
    events = list(zip(times, queues, strict=False))
    for now, queue in events:
        raised += made.advance(now)
        if interrupt := made.receive(queue, PLAIN, now):
            raised.append(interrupt)
    raised += made.advance(1.0)
    assert made.due() is None
    for number in (0, 1):
        at = [interrupt.at for interrupt in raised if interrupt.vector == number]
        assert all(later - earlier >= INTERVAL * 0.999 for earlier, later in pairwise(at))
    for now, queue in events:
        served = [interrupt.at for interrupt in raised if queue in interrupt.queues]
        assert any(now <= at <= now + INTERVAL * 1.001 for at in served)


def test_queues_of_one_processor_share_a_vector() -> None:
    """NDIS row C1: no more vectors than processors; moving one away splits it off."""
    placement = {queue: queue % 4 for queue in range(8)}
    shared = by_processor(placement)
    assert len(set(shared.values())) == 4
    assert shared[0] == shared[4] != shared[1]
    moved = by_processor({**placement, 4: 5})
    assert moved[0] != moved[4]
    assert {queue: moved[queue] for queue in range(4)} == {queue: shared[queue] for queue in range(4)}


@pytest.mark.parametrize(
    ("chip", "queue", "transmit", "entry"),
    [
        ("82599", 0, False, (0, 0)),
        ("82599", 0, True, (0, 8)),
        ("82599", 3, False, (1, 16)),
        ("82599", 127, True, (63, 24)),
        ("82576", 2, False, (2, 0)),
        ("82576", 10, False, (2, 16)),
        ("82576", 15, True, (7, 24)),
        ("82598", 5, False, (1, 8)),
        ("82598", 0, True, (16, 0)),
    ],
)
def test_a_queues_vector_is_written_where_its_chip_has_it(
    chip: str, queue: int, transmit: bool, entry: tuple[int, int]
) -> None:
    found = ivar(chip, queue, transmit=transmit)
    assert found == entry
    assert found.encode(3) == 0x83


@pytest.mark.parametrize(("chip", "queues"), [("82576", 16), ("82599", 128), ("82598", 32)])
def test_no_two_queues_share_an_entry(chip: str, queues: int) -> None:
    entries = [ivar(chip, queue, transmit=sends) for queue, sends in product(range(queues), (False, True))]
    assert len(set(entries)) == 2 * queues


def test_an_unknown_chip_is_refused_with_the_cure() -> None:
    with pytest.raises(ValueError, match="use 82576, 82598 or 82599"):
        ivar("i210", 0)
