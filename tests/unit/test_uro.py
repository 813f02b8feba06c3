"""UDP receive offload. Covers NDIS row O6."""

from collections import defaultdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.segments import HERE6, THERE6, ip, read, spoiled, tcp, udp
from vmdqemu.nic.uro import Unit, coalesce

V6: dict[str, Any] = {"source": THERE6, "destination": HERE6}
BOTH = pytest.mark.parametrize("family", [{}, V6], ids=["IPv4", "IPv6"])


def data(number: int, size: int = 100) -> bytes:
    return bytes((number,)) * size


def run(*numbers: int, **header: Any) -> list[bytes]:
    return [udp(data(number), **header) for number in numbers]


def counts(frames: list[bytes]) -> list[int]:
    return [unit.datagrams for unit in coalesce(frames)]


def udp_data(frame: bytes) -> bytes:
    return read(frame).payload[8:]


@BOTH
def test_datagrams_of_a_flow_become_one_unit(family: dict[str, Any]) -> None:
    (unit,) = coalesce([*run(1, 2, 3, **family), udp(data(4, 7), **family)])
    packet = read(unit.frame)
    assert (unit.datagrams, unit.size) == (4, 100)
    assert udp_data(unit.frame) == data(1) + data(2) + data(3) + data(4, 7)
    assert int.from_bytes(packet.payload[4:6], "big") == len(packet.payload)
    assert packet.payload[6:8] == b"\0\0"
    if not family:
        assert packet.header[10:12] == b"\0\0"


def test_a_bad_checksum_is_delivered_alone_between_two_units() -> None:
    """The page's own example: 1 and 2, then 3, then 4 and 5."""
    frames = run(1, 2, 3, 4, 5)
    frames[2] = spoiled(frames[2])
    units = coalesce(frames)
    assert [unit.datagrams for unit in units] == [2, 0, 2]
    assert units[1] == Unit(frames[2])


def test_flows_are_joined_side_by_side() -> None:
    """The page's own example: A, A, B, C, B, A become AAA, BB and C."""
    ports = {"A": (1, 9), "B": (2, 9), "C": (3, 9)}
    units = coalesce([udp(flow.encode() * 10, ports=ports[flow]) for flow in "AABCBA"])
    assert sorted(udp_data(unit.frame) for unit in units) == [b"A" * 30, b"B" * 20, b"C" * 10]


def test_a_shorter_datagram_ends_its_unit_and_a_longer_one_starts_the_next() -> None:
    sizes = [100, 100, 60, 100, 100, 120, 120]
    units = coalesce([udp(data(1, size)) for size in sizes])
    assert [(unit.datagrams, unit.size) for unit in units] == [(3, 100), (2, 100), (2, 120)]


@pytest.mark.parametrize(
    "other",
    [
        {"hops": 63},
        {"service": 0b100},
        {"service": 0b01},
        {"ip_flags": 0},
        {"vids": (10,)},
        {"ports": (5001, 53)},
        {"source": "10.0.0.3"},
    ],
    ids=str,
)
def test_headers_have_to_be_equal(other: dict[str, Any]) -> None:
    assert counts([*run(1, 2), *run(3, 4, **other)]) == [2, 2]


@pytest.mark.parametrize("other", [{"flow_label": 1}, {"hops": 1}, {"service": 1}], ids=str)
def test_headers_have_to_be_equal_in_ipv6(other: dict[str, Any]) -> None:
    assert counts([*run(1, 2, **V6), *run(3, 4, **V6, **other)]) == [2, 2]


@pytest.mark.parametrize(
    "alone",
    [
        udp(data(9), options=bytes(4)),
        udp(data(9))[:24] + b"\xde\xad" + udp(data(9))[26:],
        udp(b""),
        ip(b"\x13\x88\0\x35\0\x10\0\0" + data(9), 17),  # its length lies
        ip(b"rest of a datagram", 17, ip_flags=0x2000 | 5),
        ip(b"\x13\x88", 17),
    ],
    ids=["options", "bad header", "empty", "length", "fragment", "truncated"],
)
def test_what_may_not_be_joined_is_delivered_alone_in_its_place(alone: bytes) -> None:
    units = coalesce([*run(1, 2), alone, *run(3, 4)])
    assert [unit.datagrams for unit in units] == [2, 0, 2]
    assert units[1].frame == alone


def test_a_datagram_without_a_checksum_may_be_joined() -> None:
    assert counts([udp(data(1), check=False), udp(data(2))]) == [2]


def test_a_unit_is_no_longer_than_an_ip_datagram() -> None:
    units = coalesce([udp(bytes(30_000)) for _ in range(3)])
    assert [unit.datagrams for unit in units] == [2, 0]


def test_other_traffic_passes_through_as_it_is() -> None:
    others = [tcp(0, b"x"), b"", bytes(60), udp(b"one").ljust(60, b"\0")]
    assert [unit.frame for unit in coalesce(others)] == others


DATAGRAMS = st.builds(
    udp,
    st.sampled_from([b"", b"abcd", b"efgh", b"xy"]),
    ports=st.tuples(st.integers(1, 3), st.just(53)),
    hops=st.integers(63, 64),
    check=st.booleans(),
)
INPUT = st.lists(DATAGRAMS | DATAGRAMS.map(spoiled) | st.binary(max_size=60), max_size=30)


def datagrams(units: list[Unit]) -> dict[bytes, list[bytes]]:
    """What each flow's receiver gets, datagram by datagram."""
    found: dict[bytes, list[bytes]] = defaultdict(list)
    for unit in units:
        if len(unit.frame) >= 42 and unit.frame[12:14] == b"\x08\x00" and unit.frame[23] == 17:
            whole, size = udp_data(unit.frame), unit.size or 1 << 16
            found[unit.frame[34:38]] += [whole[at : at + size] for at in range(0, max(1, len(whole)), size)]
    return found


@given(INPUT)
def test_every_datagram_arrives_once_whole_and_in_order(frames: list[bytes]) -> None:
    units = coalesce(frames)
    assert datagrams(units) == datagrams([Unit(frame) for frame in frames])
    assert all(unit.frame in frames for unit in units if not unit.datagrams)
    assert sum(max(1, unit.datagrams) for unit in units) == len(frames)
