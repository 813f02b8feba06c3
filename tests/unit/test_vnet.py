"""The vnet header: a superframe is as many wire frames as the kernel will cut, and offsets follow a tag."""

import struct

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.unit.pumping import ECN, NEEDS_CSUM, TCPV4, TCPV6, UDP_L4, vnet
from vmdqemu.datapath.vnet import Segments, head_with_tag, head_without_tag, segments

ETHERNET, TAG, IPV4, IPV6, TCP, UDP = 14, 4, 20, 40, 20, 8
HEADERS = st.binary(min_size=10, max_size=10)


def superframe(gso_type: int, network: int, transport: int, payload: int, gso_size: int) -> bytearray:
    """Only what is measured is filled in; network: octets in front of the transport header."""
    header = vnet(gso_type, gso_size=gso_size, csum_start=network, flags=NEEDS_CSUM)
    frame = bytearray(network + transport + payload)
    if gso_type & ~ECN != UDP_L4:
        frame[network + 12] = transport // 4 << 4
    return bytearray(header) + frame


@pytest.mark.parametrize(
    ("gso_type", "network", "transport"),
    [
        (TCPV4, ETHERNET + IPV4, TCP),
        (TCPV4 | ECN, ETHERNET + IPV4, TCP + 12),
        (TCPV4, ETHERNET + TAG + IPV4, TCP + 12),
        (TCPV6, ETHERNET + IPV6, TCP + 12),
        (UDP_L4, ETHERNET + IPV4, UDP),
        (UDP_L4, ETHERNET + TAG + IPV6, UDP),
    ],
)
@pytest.mark.parametrize(("payload", "frames"), [(1, 1), (1448, 1), (1449, 2), (2896, 2), (62264, 43)])
def test_a_superframe_is_cut_into_full_segments_and_a_rest_each_with_the_header(
    gso_type: int, network: int, transport: int, payload: int, frames: int
) -> None:
    buffer = superframe(gso_type, network, transport, payload, 1448)
    header = network + transport
    assert segments(buffer, len(buffer)) == Segments(frames, header, header + min(1448, payload))


@pytest.mark.parametrize(
    "header",
    [
        vnet(TCPV4, gso_size=0, csum_start=34),
        vnet(TCPV4, gso_size=1448, csum_start=0xFFFF),
        vnet(UDP_L4, gso_size=1448, csum_start=100),
    ],
)
def test_a_header_that_lies_stands_for_one_frame_of_its_length(header: bytes) -> None:
    assert segments(bytearray(header + bytes(100)), 110) == Segments(1, 0, 100)


@given(HEADERS, st.integers(14, 300), st.binary(max_size=300))
def test_segments_of_any_octets_hold_the_whole_frame(header: bytes, length: int, rest: bytes) -> None:
    buffer = bytearray(header + rest.ljust(400, b"\x50"))
    found = segments(buffer, 10 + length)
    assert found.frames >= 1
    assert found.longest <= length
    assert found.frames * found.longest >= length


def moved(before: bytes, after: bytes) -> tuple[int, ...]:
    """By how much each field of the vnet header changed."""
    layout = struct.Struct("<BBHHHH")
    return tuple(b - a for a, b in zip(layout.unpack(before), layout.unpack(after), strict=True))


def test_offsets_from_the_frames_start_move_with_a_tag_and_csum_offset_does_not() -> None:
    header = vnet(TCPV4, hdr_len=66, gso_size=1448, csum_start=34, csum_offset=16, flags=NEEDS_CSUM)
    frame = bytearray(header + bytes(range(12)) + b"\x08\x00rest")
    tagged = head_with_tag(frame, 0x123)
    assert moved(header, tagged[:10]) == (0, 0, 4, 0, 4, 0)
    assert tagged[10:] == bytes(range(12)) + b"\x81\x00\x01\x23"
    assert moved(header, head_without_tag(frame)[:10]) == (0, 0, -4, 0, -4, 0)
    assert head_without_tag(frame)[10:] == bytes(range(12))


def test_a_checksum_to_fill_in_moves_without_a_superframe() -> None:
    header = vnet(csum_start=34, csum_offset=6, flags=NEEDS_CSUM)
    assert moved(header, head_with_tag(bytearray(header + bytes(20)), 1)[:10]) == (0, 0, 0, 0, 4, 0)


def test_a_frame_without_offloads_keeps_a_header_of_zeros() -> None:
    frame = bytearray(bytes(10) + bytes(60))
    assert head_with_tag(frame, 7)[:10] == head_without_tag(frame)[:10] == bytes(10)


@pytest.mark.parametrize("hdr_len", [1, 0xFFFF])
def test_a_hint_that_does_not_fit_keeps_the_checksum_right(hdr_len: int) -> None:
    """The kernel cuts its hdr_len to 16 bits (virtio_net_hdr_from_skb), and takes it as a hint."""
    header = vnet(TCPV4, hdr_len=hdr_len, csum_start=34, flags=NEEDS_CSUM)
    frame = bytearray(header + bytes(20))
    assert moved(header, head_with_tag(frame, 1)[:10])[4] == 4
    assert moved(header, head_without_tag(frame)[:10])[4] == -4


@given(HEADERS)
@example(b"\xff" * 10)
@example(vnet(csum_start=0xFFFF, flags=NEEDS_CSUM))
@example(vnet(csum_start=1, flags=NEEDS_CSUM))
def test_any_header_can_be_moved_and_a_lie_stays_as_it_is(header: bytes) -> None:
    frame = bytearray(header + bytes(20))
    for by, head in ((4, head_with_tag(frame, 1)), (-4, head_without_tag(frame))):
        change = moved(header, head[:10])
        assert change[:2] == (0, 0)
        assert change[3] == change[5] == 0
        assert change[4] in (0, by)
