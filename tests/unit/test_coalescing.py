"""Packet coalescing: which frames may wait, and when they have waited enough. Covers NDIS rows P1 to P6."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import GROUP, OUTSIDE, Vm, accept, adapter, mac, octets, packet, refuse
from vmdqemu.nic import coalescing
from vmdqemu.nic.adapter import ClearFilter, SetCoalescing, SetFilter, apply, compile_tables
from vmdqemu.nic.coalescing import (
    CAPACITY,
    LOW_WATER,
    MOST_DELAY,
    MOST_FILTERS,
    MOST_TESTS,
    Buffer,
    CoalescingFilter,
    read_test,
)
from vmdqemu.nic.frame import BROADCAST, parse
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.status import Status


def entry(*tests: str, delay: int = 100) -> CoalescingFilter:
    return CoalescingFilter(tuple(map(read_test, tests)), delay)


MDNS_TESTS = ("ethertype=0x0800", "ipv4-protocol=17", "udp-destination-port=5353")
MDNS = octets(
    GROUP, OUTSIDE, ethertype=0x0800, payload=packet("10.0.0.1", "224.0.0.251", ports=(5353, 5353))[1]
)
ARP_BODY = bytes.fromhex("0001080006040001") + mac(1) + bytes((10, 0, 0, 1)) + bytes(6) + bytes((10, 0, 0, 2))
ARP = octets(BROADCAST, OUTSIDE, ethertype=0x0806, payload=ARP_BODY)
OTHER = octets(BROADCAST, OUTSIDE)


def buffer(*filters: CoalescingFilter) -> Buffer:
    made = Buffer()
    assert not made.put_filters(dict(enumerate(filters, start=1)))
    return made


@pytest.mark.parametrize(
    ("tests", "frame", "matches"),
    [
        (MDNS_TESTS, MDNS, True),
        (MDNS_TESTS, ARP, False),
        ((*MDNS_TESTS[:2], "udp-destination-port=53"), MDNS, False),
        (("mac-destination=ff:ff:ff:ff:ff:ff",), ARP, True),
        (("mac-destination!=ff:ff:ff:ff:ff:ff",), ARP, False),
        (("mac-destination!=ff:ff:ff:ff:ff:ff",), MDNS, True),
        (("mac-destination=01:00:5e:00:00:00/ff:ff:ff:00:00:00",), MDNS, True),
        (("mac-destination=01:00:5e:00:00:00/ff:ff:ff:00:00:00",), ARP, False),
        (("packet-type=3",), ARP, True),
        (("packet-type=2",), MDNS, True),
        (("packet-type=1",), octets(mac(1), OUTSIDE), True),
        (("ethertype=0x0806", "arp-operation=1"), ARP, True),
        (("ethertype=0x0806", "arp-operation=2"), ARP, False),
        (("ethertype=0x0806", "arp-spa=10.0.0.1", "arp-tpa=10.0.0.2"), ARP, True),
        (("ethertype=0x0806", "arp-tpa!=10.0.0.2"), ARP, False),
        (("ethertype=0x0806", "arp-tpa=10.0.0.0/255.255.255.0"), ARP, True),
        (("ethertype=0x0806", "arp-tpa!=10.0.0.2"), MDNS, False),
        (("packet-type=2", "ipv6-protocol=17"), MDNS, False),
        (("packet-type=2", "arp-operation!=1"), MDNS, False),  # it has no such field
    ],
    ids=str,
)
def test_a_frame_matches_when_it_passes_every_test(
    tests: tuple[str, ...], frame: bytes, matches: bool
) -> None:
    held = entry(*tests)
    assert held.is_sound
    assert held.match(parse(frame), frame) == matches
    tagged = frame[:12] + b"\x81\x00\x00\x05" + frame[12:]
    assert held.match(parse(tagged), tagged) == matches


def test_the_first_frame_starts_the_timer_and_later_ones_do_not_restart_it() -> None:
    """P1: a frame each 20 ms, a delay of 100 ms: one interrupt, at 100 ms."""
    held = buffer(entry(*MDNS_TESTS, delay=100))
    interrupts = []
    for step in range(10):
        now = step * 0.02
        if held.is_due(now):
            interrupts.append((now, len(held.take())))
        assert held.receive(MDNS, now)
    assert interrupts == [(0.1, 5)]


def test_nothing_is_due_while_nothing_is_held() -> None:
    held = buffer(entry(*MDNS_TESTS))
    assert held.due is None
    assert not held.is_due(1e9)
    assert held.receive(MDNS, 0.0)
    assert held.take() == [MDNS]
    assert held.due is None
    assert held.take() == []


def test_a_frame_that_matches_no_filter_does_not_wait() -> None:
    """P2: the host processes what is held, then this one."""
    held = buffer(entry(*MDNS_TESTS))
    assert held.receive(MDNS, 0.0)
    assert not held.receive(OTHER, 0.0)
    assert not held.receive(b"\0" * 5, 0.0)
    assert held.take() == [MDNS]


def test_low_space_interrupts_before_it_runs_out() -> None:
    """P2."""
    held = buffer(entry(*MDNS_TESTS))
    for _ in range(CAPACITY - LOW_WATER):
        assert not held.is_due(0.0)
        assert held.receive(MDNS, 0.0)
    assert held.is_due(0.0)


def test_a_cleared_filter_interrupts_only_if_frames_of_it_are_held() -> None:
    """P2."""
    mdns, arp = entry(*MDNS_TESTS), entry("ethertype=0x0806")
    held = buffer(mdns, arp)
    assert held.receive(MDNS, 0.0)
    assert not held.put_filters({1: mdns})
    assert held.put_filters({})
    assert held.take() == [MDNS]
    assert not held.put_filters({})


@pytest.mark.parametrize(("first", "second", "due"), [(200, 50, 0.06), (50, 200, 0.05)])
def test_a_shorter_delay_sets_the_timer_and_a_longer_one_does_not(
    first: int, second: int, due: float
) -> None:
    """P3: filters of 200 and 50 ms in both orders, the second frame 10 ms behind the first."""
    held = buffer(entry(*MDNS_TESTS, delay=first), entry("ethertype=0x0806", delay=second))
    assert held.receive(MDNS, 0.0)
    assert held.receive(ARP, 0.01)
    assert held.due == pytest.approx(due)


def test_the_timer_is_not_set_later_by_a_shorter_filter_of_which_less_is_left() -> None:
    """P3: with 40 ms left a delay of 50 changes nothing."""
    held = buffer(entry(*MDNS_TESTS, delay=200), entry("ethertype=0x0806", delay=50))
    assert held.receive(MDNS, 0.0)
    assert held.receive(ARP, 0.16)
    assert held.due == pytest.approx(0.2)


@given(st.lists(st.tuples(st.sampled_from([MDNS, ARP, OTHER]), st.floats(0, 0.3)), max_size=100))
def test_every_frame_is_delivered_once_in_order_and_in_time(steps: list[tuple[bytes, float]]) -> None:
    held = buffer(entry(*MDNS_TESTS, delay=100), entry("ethertype=0x0806", delay=200))
    delivered: list[bytes] = []
    came: list[float] = []
    now = 0.0
    for number, (frame, pause) in enumerate(steps):
        if held.due is not None and held.due <= now + pause:  # the timer interrupts in between
            assert all(held.due <= at + 0.2 + 1e-9 for at in came)
            delivered, came = delivered + held.take(), []
        now += pause
        numbered = frame + bytes((number,))
        if held.receive(numbered, now):
            came.append(now)
        else:
            delivered, came = [*delivered, *held.take(), numbered], []
    delivered += held.take()
    assert delivered == [frame + bytes((number,)) for number, (frame, _) in enumerate(steps)]


SOUND = entry(*MDNS_TESTS)
UNSOUND: dict[str, Any] = {
    "no test": entry(),
    "no test of the MAC header": entry("ipv4-protocol=17"),
    "tests out of order": entry("ethertype=0x0800", "udp-destination-port=53", "ipv4-protocol=17"),
    "too many tests": entry(*["packet-type=2"] * (MOST_TESTS + 1)),
    "no delay": entry("packet-type=2", delay=0),
    "a delay too long": entry("packet-type=2", delay=MOST_DELAY + 1),
    "a value too wide": entry("mac-destination=0x1000000000000"),
}


@pytest.mark.parametrize("held", UNSOUND.values(), ids=UNSOUND)
def test_an_adapter_takes_no_unsound_filter(held: CoalescingFilter) -> None:
    """NDIS: specifying-a-packet-coalescing-receive-filter."""
    before = adapter(Vm(), mode=VMQ)
    assert refuse(before, SetCoalescing(held)) is Status.INVALID_PARAMETER


def test_a_filter_is_for_the_default_queue_alone() -> None:
    """P5."""
    before = adapter(Vm(), mode=VMQ)
    assert refuse(before, SetCoalescing(SOUND, queue=1)) is Status.INVALID_PARAMETER


def test_a_filter_is_numbered_among_all_filters_and_modified_in_place() -> None:
    """P6; filter numbers are unique over the adapter."""
    before = adapter(Vm(), mode=VMQ)
    made = apply(before, SetCoalescing(SOUND))
    assert (made.status, made.number) == (Status.SUCCESS, 2)  # 1 is the VM's
    more = apply(made.adapter, SetFilter(1, mac(9)))
    assert more.number == 3
    shorter = SOUND._replace(delay=5)
    modified = apply(more.adapter, SetCoalescing(shorter, filter=2))
    assert compile_tables(modified.adapter, 1).coalescing == {2: shorter}
    assert apply(more.adapter, SetCoalescing(shorter, filter=1)).status is Status.INVALID_PARAMETER
    cleared = accept(modified.adapter, ClearFilter(2))
    assert (cleared.coalescing, len(cleared.filters)) == ({}, 2)
    assert apply(cleared, ClearFilter(2)).status is Status.FILE_NOT_FOUND


def test_there_is_room_for_ten_filters() -> None:
    full = accept(adapter(Vm()), *[SetCoalescing(SOUND)] * MOST_FILTERS)
    assert apply(full, SetCoalescing(SOUND)).status is Status.RESOURCES
    assert apply(full, SetCoalescing(SOUND, filter=2)).status is Status.SUCCESS


@pytest.mark.parametrize("text", ["ethertype=0x806", "arp-tpa!=0xa000002", "packet-type=0x2/0x3"])
def test_a_test_is_spelled_as_it_is_written(text: str) -> None:
    assert read_test(text).spelled == text


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("ethertype", "write FIELD=VALUE"),
        ("colour=1", "one of mac-destination"),
        ("ethertype!=1/1", "write FIELD=VALUE"),
        ("ethertype=arp", "use a number"),
        ("arp-tpa=10.0.0.256", "use a number"),
        ("mac-destination=ff:ff", "use a number"),
        ("ethertype=1/x", "use a number"),
        ("", "write FIELD=VALUE"),
    ],
)
def test_what_is_no_test_is_refused_with_the_cure(text: str, cure: str) -> None:
    with pytest.raises(ValueError, match=cure):
        coalescing.read_test(text)
