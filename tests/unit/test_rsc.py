"""Receive segment coalescing. Covers NDIS rows O1 to O3 and Intel row 50; the examples are NDIS's own."""

from collections import defaultdict
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.segments import ACK, HERE6, PSH, THERE6, ip, read, spoiled, tcp, tcp_data, udp
from vmdqemu.nic import rsc
from vmdqemu.nic.rsc import INTEL_82599, Limits, Statistics, Unit, coalesce

SIZE = 100
SYN, RST, FIN, URG, ECE, CWR = 0x02, 0x04, 0x01, 0x20, 0x40, 0x80
V6: dict[str, Any] = {"source": THERE6, "destination": HERE6}
BOTH = pytest.mark.parametrize("family", [{}, V6], ids=["IPv4", "IPv6"])


def data(number: int) -> bytes:
    return bytes((number,)) * SIZE


def run(*numbers: int, **header: Any) -> list[bytes]:
    """Segments that follow each other."""
    return [tcp(number * SIZE, data(number), **header) for number in numbers]


def counts(frames: list[bytes], **options: Any) -> list[int]:
    """Segments in each unit; 0 for what was delivered alone."""
    return [unit.segments for unit in coalesce(frames, **options).units]


@BOTH
def test_successive_segments_become_one_unit(family: dict[str, Any]) -> None:
    """Example 1: 10 segments."""
    indication = coalesce(run(*range(10), **family))
    (unit,) = indication.units
    packet = read(unit.frame)
    assert unit.segments == 10
    assert tcp_data(unit.frame) == b"".join(map(data, range(10)))
    assert packet.sound
    assert packet.transport_sound
    assert indication.statistics == Statistics(packets=10, octets=10 * SIZE, events=1, aborts=0)


def test_an_exception_in_the_middle_makes_three_indications() -> None:
    """Example 2: five segments, a duplicate ACK with SACK, two segments."""
    sack = tcp(5 * SIZE, tcp_options=b"\x01\x01\x05\x0a" + bytes(8))
    indication = coalesce([*run(*range(5)), sack, *run(5, 6)])
    assert [unit.segments for unit in indication.units] == [5, 0, 2]
    assert indication.units[1] == Unit(sack)
    assert indication.statistics.aborts == 1


def test_window_updates_are_joined_and_not_counted() -> None:
    """Example 3: five segments and two window updates are one unit with the last window."""
    updates = [tcp(5 * SIZE, window=window) for window in (30_000, 60_000)]
    indication = coalesce([*run(*range(5)), *updates])
    (unit,) = indication.units
    assert unit.segments == 5
    assert read(unit.frame).payload[14:16] == (60_000).to_bytes(2, "big")
    assert indication.statistics == Statistics(packets=7, octets=5 * SIZE, events=1)


def test_acknowledgments_that_ride_on_data_are_joined() -> None:
    """Example 4: the unit has the last one."""
    (unit,) = coalesce([*run(0, 1, 2), *run(3, 4, ack=77)]).units
    assert unit.segments == 5
    assert read(unit.frame).payload[8:12] == (77).to_bytes(4, "big")


@BOTH
def test_headers_of_a_unit_are_brought_up_to_date(family: dict[str, Any]) -> None:
    """NDIS: updating-the-ip-headers-for-coalesced-segments; PSH is the OR of all."""
    first = tcp(0, data(0), hops=9, identification=7, flags=ACK | PSH, **family)
    (unit,) = coalesce([first, *run(1, hops=3, identification=8, window=555, **family)]).units
    packet = read(unit.frame)
    assert packet.hops == 3
    assert packet.payload[13] == ACK | PSH
    assert int.from_bytes(packet.payload[14:16], "big") == 555
    if not family:
        assert int.from_bytes(packet.header[4:6], "big") == 7


def test_the_latest_timestamp_is_kept_and_the_difference_told() -> None:
    stamps = [((1 << 32) - 1, 5), (3, 6), (3, 7)]
    frames = [tcp(n * SIZE, data(n), stamps=pair) for n, pair in enumerate(stamps)]
    (unit,) = coalesce(frames).units
    assert unit.timestamp_delta == 4
    assert read(unit.frame).payload[24:32] == b"\0\0\0\3\0\0\0\7"
    assert read(unit.frame).transport_sound


NEXT = 7  # behind segments 5 and 6


def next_one(**changed: Any) -> bytes:
    return tcp(NEXT * SIZE, data(NEXT), **changed)


SPOILERS = {
    "bad TCP checksum": spoiled(next_one()),
    "bad IP checksum": next_one()[:24] + b"\xde\xad" + next_one()[26:],
    "SYN": next_one(flags=ACK | SYN),
    "FIN": next_one(flags=ACK | FIN),
    "RST": next_one(flags=ACK | RST),
    "URG": next_one(flags=ACK | URG),
    "no ACK": next_one(flags=PSH),
    "another option": next_one(tcp_options=b"\x02\x04\x05\xb4"),
    "timestamps that begin": next_one(stamps=(1, 1)),
    "IPv4 options": next_one(options=b"\x01\x01\x01\x01"),
    "an IPv4 fragment": next_one(ip_flags=0x2000),
    "out of order": tcp(9 * SIZE, data(9)),
    "a retransmission": tcp(6 * SIZE, data(6)),
    "an old acknowledgment": next_one(ack=0),
    "a duplicate ACK": tcp(NEXT * SIZE),
    "a pure ACK": tcp(NEXT * SIZE, ack=2),
    "other services": next_one(service=0b100),
    "DF clear": next_one(ip_flags=0),
}


@pytest.mark.parametrize("spoiler", SPOILERS.values(), ids=SPOILERS)
def test_an_exception_is_delivered_alone_and_separates_units(spoiler: bytes) -> None:
    """NDIS exceptions 2 to 6 and the flowcharts."""
    indication = coalesce([*run(5, 6), spoiler, *run(NEXT, NEXT + 1)])
    assert [unit.segments for unit in indication.units] == [2, 0, 2]
    assert indication.units[1] == Unit(spoiler)
    assert indication.statistics.aborts == 1


def test_an_older_timestamp_is_an_exception() -> None:
    frames = [tcp(n * SIZE, data(n), stamps=(value, 1)) for n, value in enumerate((9, 10, 8, 11))]
    assert counts(frames) == [2, 0, 0]


@pytest.mark.parametrize("change", [{"service": 0b11}, {"flags": ACK | ECE}, {"flags": ACK | CWR}])
def test_a_change_of_congestion_marks_starts_the_next_unit(change: dict[str, Any]) -> None:
    """Exception 8: coalescing goes on with the segment that raised it."""
    indication = coalesce([*run(0, 1), *run(2, 3, **change), *run(4, 5)])
    assert [unit.segments for unit in indication.units] == [2, 2, 2]
    assert indication.statistics.aborts == 2


def test_a_unit_is_no_longer_than_an_ip_datagram() -> None:
    """Exception 7: no abort, and coalescing goes on with the segment that raised it."""
    size = 20_000
    frames = [tcp(number * size, bytes(size)) for number in range(5)]
    indication = coalesce(frames)
    assert [unit.segments for unit in indication.units] == [3, 2]
    assert indication.statistics.aborts == 0
    assert all(len(unit.frame) <= 65_535 + 14 for unit in indication.units)


def test_a_chip_joins_no_more_segments_than_its_descriptors() -> None:
    """Intel row 50: 10 segments are one delivery; 16 are the most."""
    assert counts(run(*range(10))) == [10]
    assert counts(run(*range(40))) == [16, 16, 8]
    assert counts(run(*range(5)), limits=Limits(segments=4, connections=1)) == [4, 0]


def test_connections_beyond_the_hardwares_are_not_joined() -> None:
    """Exception 1."""
    frames = [tcp(n * SIZE, data(n), ports=(port, 80)) for n, port in product((0, 1), (1, 2, 3))]
    indication = coalesce(frames, Limits(segments=16, connections=2))
    assert sorted(unit.segments for unit in indication.units) == [0, 0, 2, 2]
    assert indication.statistics.aborts == 2


def test_connections_are_joined_side_by_side() -> None:
    """Row O3: interleaved, none mixed."""
    frames = [
        tcp(n * SIZE, data(port), ports=(port, 80), vids=vids)
        for n, port, vids in product(range(3), (1, 2), ((), (10,)))
    ]
    units = coalesce(frames).units
    assert [unit.segments for unit in units] == [3] * 4
    assert all(len(set(tcp_data(unit.frame))) == 1 for unit in units)


def test_other_traffic_passes_through_as_it_is() -> None:
    others = [udp(b"datagram"), b"", b"\0" * 60, tcp(0).ljust(60, b"\0")]
    assert [unit.frame for unit in coalesce(others).units] == others


def test_nothing_is_joined_over_two_passes() -> None:
    assert counts(run(0)) + counts(run(1)) == [0, 0]


@pytest.mark.parametrize(("vswitch", "forwarding", "functions"), list(product((False, True), repeat=3)))
def test_hardware_coalesces_only_for_a_host_that_is_no_switch(
    vswitch: bool, forwarding: bool, functions: bool
) -> None:
    """Row O2."""
    allowed = rsc.is_allowed(vswitch=vswitch, forwarding=forwarding, virtual_functions=functions)
    assert allowed == (not (vswitch or forwarding or functions))


SEGMENTS = st.builds(
    tcp,
    st.integers(0, 6).map(lambda number: number * 4),
    st.sampled_from([b"", b"abcd", b"efgh"]),
    ack=st.integers(1, 2),
    flags=st.sampled_from([ACK, ACK, ACK, ACK | PSH, ACK | FIN, ACK | ECE]),
    window=st.integers(1, 2),
    ports=st.tuples(st.integers(1, 3), st.just(80)),
    stamps=st.none() | st.tuples(st.integers(1, 3), st.just(1)),
    hops=st.integers(1, 3),
    service=st.sampled_from([0, 0, 0b11]),
)
INPUT = st.lists(SEGMENTS | SEGMENTS.map(spoiled) | st.binary(max_size=60), max_size=30)
IN_ORDER = st.lists(st.integers(1, 3), max_size=40)


def streams(frames: list[bytes]) -> dict[bytes, bytes]:
    """What each connection's receiver gets, in order."""
    found: dict[bytes, bytes] = defaultdict(bytes)
    for frame in frames:
        if len(frame) > 54 and frame[12:14] == b"\x08\x00" and frame[23] == 6:
            found[frame[34:38]] += tcp_data(frame)
    return found


@given(INPUT)
def test_no_octet_is_lost_doubled_mixed_or_out_of_order(frames: list[bytes]) -> None:
    indication = coalesce(frames)
    units = [unit.frame for unit in indication.units]
    assert streams(units) == streams(frames)
    alone = [unit for unit in indication.units if not unit.segments]
    assert all(unit.frame in frames for unit in alone)
    joined = [unit for unit in indication.units if unit.segments]
    assert all(read(unit.frame).transport_sound and read(unit.frame).sound for unit in joined)
    assert len(alone) + indication.statistics.packets == len(frames)
    assert indication.statistics.events == len(joined)
    assert all(unit.segments <= INTEL_82599.segments for unit in joined)


@given(IN_ORDER)
def test_segments_in_order_are_joined_as_far_as_the_chip_can(ports: list[int]) -> None:
    sequence: dict[int, int] = defaultdict(int)
    frames = []
    for port in ports:
        frames.append(tcp(sequence[port], b"data", ports=(port, 80)))
        sequence[port] += 4
    full, rest = zip(*(divmod(ports.count(port), 16) for port in (1, 2, 3)), strict=True)
    assert len(coalesce(frames).units) == sum(full) + sum(bool(some) for some in rest)


def test_an_unreadable_fragment_overtakes_no_unit() -> None:
    fragment = ip(b"rest of a segment", 6, ip_flags=0x2000 | 5)
    frames = [*run(0, 1), fragment, *run(2, 3)]
    assert [unit.segments for unit in coalesce(frames).units] == [2, 0, 2]
