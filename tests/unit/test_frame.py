"""Header parsing: whatever the octets, a Frame comes back, and a header that lies only narrows it."""

from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import tag
from tests.unit.crafted import MACS, PORTS, SEEDS, TCP_HEADER, ethernet, extension, ipv4, ipv6
from vmdqemu.nic import frame
from vmdqemu.nic.frame import NO_ETHERTYPE, Frame, FrameFault
from vmdqemu.nic.packet import (
    NO_PACKET,
    NO_PROTOCOL,
    PROTOCOL_DESTINATION_OPTIONS,
    PROTOCOL_GRE,
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    Packet,
)
from vmdqemu.nic.tunnel import VXLAN_PORT, Tunnels

LARGEST_FRAME = 9728
parse = partial(frame.parse, tunnels=Tunnels(VXLAN_PORT, nvgre=True))


def assert_coherent(seen: Frame) -> None:
    """What holds for the record of any octets."""
    short = seen.fault is FrameFault.TOO_SHORT
    assert (len(seen.destination), len(seen.source)) == ((0, 0) if short else (6, 6))
    assert (seen.vlan is None) == (seen.tags == 0)
    assert 0 <= seen.tags <= frame.MAX_TAGS
    assert 0 <= seen.priority <= 7
    assert (seen.ethertype == NO_ETHERTYPE) == (seen.fault is not None)
    assert_coherent_packet(seen)
    if seen.fault:
        assert seen.ip == 0
    if seen.inner is not None:
        assert seen.protocol in (PROTOCOL_UDP, PROTOCOL_GRE)
        assert not seen.fragment
        assert_coherent_packet(seen.inner)


def assert_coherent_packet(seen: Frame | Packet) -> None:
    assert len(seen.addresses) == {0: 0, 4: 8, 6: 32}[seen.ip]
    assert len(seen.ports) in (0, 4)
    if seen.ip == 0:
        assert (seen.protocol, seen.fragment) == (NO_PROTOCOL, False)
    if seen.ports:
        assert seen.protocol in (PROTOCOL_TCP, PROTOCOL_UDP)
        assert not seen.fragment


@given(st.binary(max_size=400), st.none() | st.integers(0, LARGEST_FRAME))
def test_any_octets_give_a_coherent_record(octets: bytes, length: int | None) -> None:
    assert_coherent(parse(octets, length))


@given(st.sampled_from(sorted(SEEDS)), st.data())
def test_a_mutated_frame_gives_a_coherent_record(name: str, data: st.DataObject) -> None:
    octets = bytearray(SEEDS[name])
    for offset in data.draw(st.lists(st.integers(0, len(octets) - 1), max_size=8)):
        octets[offset] = data.draw(st.integers(0, 255))
    assert_coherent(parse(octets[: data.draw(st.integers(0, len(octets)))]))


@pytest.mark.parametrize("name", SEEDS)
def test_any_one_wrong_octet_gives_a_coherent_record(name: str) -> None:
    for offset in range(len(SEEDS[name])):
        octets = bytearray(SEEDS[name])
        for value in (0x00, 0x01, 0x7F, 0x80, 0xFE, 0xFF, octets[offset] ^ 0x01, octets[offset] ^ 0x10):
            octets[offset] = value
            assert_coherent(parse(octets))


@pytest.mark.parametrize("name", SEEDS)
def test_a_truncated_frame_says_nothing_new(name: str) -> None:
    whole = parse(SEEDS[name])
    for octets in range(len(SEEDS[name])):
        for seen in (parse(SEEDS[name][:octets]), parse(SEEDS[name][:octets], whole.length)):
            assert_coherent(seen)
            assert seen.addresses in (b"", whole.addresses)
            assert seen.ports in (b"", whole.ports)
            assert seen.protocol in (NO_PROTOCOL, whole.protocol)
            assert_says_nothing_new(seen.inner, whole.inner)


def assert_says_nothing_new(seen: Packet | None, whole: Packet | None) -> None:
    """A tunnel that is cut off is none, or its inside cannot be read as far."""
    if whole is None or seen is None:
        assert seen is None
    else:
        assert seen in (NO_PACKET, whole, whole._replace(ports=b""))


@pytest.mark.parametrize("octets", [1514, LARGEST_FRAME, 65_549, 70_000])
@pytest.mark.parametrize("name", SEEDS)
def test_a_frame_and_its_head_give_the_same_record(name: str, octets: int) -> None:
    whole = SEEDS[name].ljust(octets, b"\xff")
    assert (
        parse(whole[: frame.HEADER_OCTETS], octets)
        == parse(whole)
        == parse(SEEDS[name])._replace(length=octets)
    )


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_octets_behind_the_frame_are_not_read(octets: bytes, behind: bytes) -> None:
    assert parse(octets + behind, len(octets)) == parse(octets)


@pytest.mark.parametrize("name", SEEDS)
def test_every_kind_of_buffer_gives_the_same_record(name: str) -> None:
    octets = SEEDS[name]
    seen = parse(memoryview(bytearray(octets)))
    assert seen == parse(bytearray(octets)) == parse(octets)
    assert isinstance(seen.addresses, bytes)
    hash(seen)  # nothing in it points into the caller's buffer


@pytest.mark.parametrize("octets", range(14))
def test_less_than_an_ethernet_header_is_too_short(octets: int) -> None:
    assert parse(ipv4()[:octets]) == Frame(octets, fault=FrameFault.TOO_SHORT)


@pytest.mark.parametrize("there", range(14, 18))
@pytest.mark.parametrize("outer", [b"", tag(7, 0, frame.ETHERTYPE_QINQ)])
def test_a_tag_without_the_ethertype_behind_is_truncated(outer: bytes, there: int) -> None:
    seen = parse((MACS + outer + tag(100) + ipv4()[12:])[: there + len(outer)])
    assert seen.fault is FrameFault.TRUNCATED_TAG
    assert (seen.destination, seen.source) == (MACS[:6], MACS[6:])
    assert (seen.vlan, seen.tags) == ((7, 1) if outer else (None, 0))


@pytest.mark.parametrize("tags", [tag(4095), tag(4095, 7), tag(4095) + tag(1), tag(1) + tag(4095)])
def test_vid_4095_is_reserved(tags: bytes) -> None:
    seen = parse(MACS + tags + ipv4()[12:])
    assert (seen.fault, seen.ip) == (FrameFault.RESERVED_VID, 0)


@pytest.mark.parametrize("vid", [0, 1, 4094])
@pytest.mark.parametrize("tpid", sorted(frame.TPIDS))
def test_a_tag_gives_its_vid_and_priority_and_hides_nothing(vid: int, tpid: int) -> None:
    for priority in range(8):
        for drop_eligible in (0, 0x1000):
            seen = parse(MACS + tag(vid | drop_eligible, priority, tpid) + ipv4()[12:])
            assert seen == parse(ipv4())._replace(length=len(ipv4()) + 4, vlan=vid, priority=priority, tags=1)


@pytest.mark.parametrize("height", range(1, 9))
def test_a_tower_of_tags_is_walked_two_high(height: int) -> None:
    tower = tag(1, 1, frame.ETHERTYPE_QINQ) + b"".join(tag(vid) for vid in range(2, height + 1))
    seen = parse(MACS + tower + ipv4()[12:])
    assert (seen.vlan, seen.priority, seen.tags, seen.fault) == (1, 1, min(height, 2), None)
    readable = height <= frame.MAX_TAGS
    assert (seen.ip, seen.ethertype) == ((4, 0x0800) if readable else (0, frame.ETHERTYPE_VLAN))


@pytest.mark.parametrize("ethertype", [0, 46, 0x05FF, 0x0806, 0x8808, 0x8847, 0x88CC, 0x9100, 0xFFFF])
def test_what_is_not_ip_is_judged_by_layer_2_alone(ethertype: int) -> None:
    seen = parse(ethernet(ethertype, ipv4()[14:]))
    assert (seen.ethertype, seen.tags, seen.fault) == (ethertype, 0, None)
    assert (seen.ip, seen.protocol, seen.addresses, seen.ports) == (0, NO_PROTOCOL, b"", b"")


@pytest.mark.parametrize(("units", "ports"), [(23, PORTS), (24, b""), (60, b"")])
def test_nothing_is_read_behind_256_octets(units: int, ports: bytes) -> None:
    octets = ipv6(extension(6, units, (units + 1) * 8) + TCP_HEADER, PROTOCOL_DESTINATION_OPTIONS)
    seen = parse(octets)
    assert (seen.ip, len(seen.addresses), seen.ports) == (6, 32, ports)
