"""Header parsing: whatever the octets, a Frame comes back, and a header that lies only narrows it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.nic import frame
from vmdqemu.nic.frame import NO_ETHERTYPE, NO_PROTOCOL, Frame, FrameFault, parse

MACS = bytes.fromhex("02000000000b02000000000a")
PORTS = struct.pack("!HH", 40000, 5001)
TCP_HEADER = PORTS + bytes(16)
LARGEST_FRAME = 9728


def ethernet(ethertype: int, payload: bytes = b"", tags: bytes = b"") -> bytes:
    return MACS + tags + struct.pack("!H", ethertype) + payload


def tag(vid: int, priority: int = 0, tpid: int = frame.ETHERTYPE_VLAN) -> bytes:
    return struct.pack("!HH", tpid, priority << 13 | vid)


def ipv4(payload: bytes = TCP_HEADER, /, **fields: int) -> bytes:
    """A frame with an IPv4 header whose fields may lie."""
    version, ihl = fields.get("version", 4), fields.get("ihl", 5)
    total_length = fields.get("total_length", 20 + len(payload))
    flags_offset, protocol = fields.get("flags_offset", 0), fields.get("protocol", frame.PROTOCOL_TCP)
    header = struct.pack("!BxHxxHxBxx", version << 4 | ihl, total_length, flags_offset, protocol)
    return ethernet(frame.ETHERTYPE_IPV4, header + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + payload)


def ipv6(payload: bytes = TCP_HEADER, next_header: int = frame.PROTOCOL_TCP, /, **fields: int) -> bytes:
    """A frame with an IPv6 header whose fields may lie; `payload` starts with the extension headers."""
    payload_length = fields.get("payload_length", len(payload))
    header = struct.pack("!BxxxHBx", fields.get("version", 6) << 4, payload_length, next_header)
    return ethernet(frame.ETHERTYPE_IPV6, header + bytes(range(32)) + payload)


def extension(next_header: int, units: int = 0, octets: int = 8) -> bytes:
    return bytes([next_header, units]) + bytes(octets - 2)


SEEDS = {
    "ipv4 tcp": ipv4(),
    "ipv4 options": ipv4(bytes(40) + TCP_HEADER, ihl=15, total_length=80),
    "ipv4 fragment": ipv4(flags_offset=0x2000),
    "ipv6 tcp": ipv6(),
    "ipv6 hop-by-hop, routing, tcp": ipv6(extension(43) + extension(6) + TCP_HEADER, 0),
    "ipv6 authentication, udp": ipv6(extension(17, 4, 24) + TCP_HEADER, frame.PROTOCOL_AH),
    "ipv6 fragment": ipv6(extension(6) + TCP_HEADER, frame.PROTOCOL_FRAGMENT),
    "qinq ipv4": MACS + tag(7, 5, frame.ETHERTYPE_QINQ) + tag(100) + ipv4()[12:],
    "arp": ethernet(frame.ETHERTYPE_ARP, bytes(46)),
}


def assert_coherent(seen: Frame) -> None:
    """What holds for the record of any octets."""
    short = seen.fault is FrameFault.TOO_SHORT
    assert (len(seen.destination), len(seen.source)) == ((0, 0) if short else (6, 6))
    assert (seen.vlan is None) == (seen.tags == 0)
    assert 0 <= seen.tags <= frame.MAX_TAGS
    assert 0 <= seen.priority <= 7
    assert (seen.ethertype == NO_ETHERTYPE) == (seen.fault is not None)
    assert len(seen.addresses) == {0: 0, 4: 8, 6: 32}[seen.ip]
    assert len(seen.ports) in (0, 4)
    if seen.fault or seen.ip == 0:
        assert (seen.ip, seen.protocol, seen.fragment) == (0, NO_PROTOCOL, False)
    if seen.ports:
        assert seen.protocol in (frame.PROTOCOL_TCP, frame.PROTOCOL_UDP)
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


@pytest.mark.parametrize(
    "lie",
    [{"version": version} for version in range(16) if version != 4]
    + [{"ihl": ihl} for ihl in (0, 1, 4, 11, 15)]  # 11 and 15 reach behind the frame
    + [{"total_length": octets} for octets in (0, 19, 41, 0xFFFF)]  # the frame holds 40
    + [{"ihl": 6, "total_length": 23}],
)
def test_an_ipv4_header_that_lies_is_not_read(lie: dict[str, int]) -> None:
    seen = parse(ipv4(**lie))
    assert (seen.ip, seen.protocol, seen.addresses, seen.ports) == (0, NO_PROTOCOL, b"", b"")
    assert (seen.ethertype, seen.fault) == (frame.ETHERTYPE_IPV4, None)


@pytest.mark.parametrize("ihl", range(5, 16))
def test_ipv4_options_are_skipped(ihl: int) -> None:
    options = b"\xee" * ((ihl - 5) * 4)
    assert parse(ipv4(options + TCP_HEADER, ihl=ihl)).ports == PORTS


@pytest.mark.parametrize("flags_offset", [0x2000, 0x2001, 0x0001, 0x1FFF, 0x3FFF])
@pytest.mark.parametrize("protocol", [frame.PROTOCOL_TCP, frame.PROTOCOL_UDP])
def test_an_ipv4_fragment_first_or_later_has_no_ports(flags_offset: int, protocol: int) -> None:
    seen = parse(ipv4(flags_offset=flags_offset, protocol=protocol))
    assert (seen.ip, seen.fragment, seen.protocol, seen.ports) == (4, True, protocol, b"")


@pytest.mark.parametrize("flags_offset", [0x4000, 0x8000, 0xC000])
def test_do_not_fragment_is_no_fragment(flags_offset: int) -> None:
    seen = parse(ipv4(flags_offset=flags_offset))
    assert (seen.fragment, seen.ports) == (False, PORTS)


def test_only_tcp_and_udp_have_ports_and_0_is_a_protocol() -> None:
    for protocol in range(256):
        seen = parse(ipv4(protocol=protocol))
        assert seen.protocol == protocol
        assert seen.ports == (PORTS if protocol in (6, 17) else b"")


@pytest.mark.parametrize("octets", range(6))
def test_ports_need_four_octets_inside_the_packet_and_padding_is_not_inside(octets: int) -> None:
    ports = PORTS if octets >= 4 else b""
    for packet in (ipv4(TCP_HEADER[:octets]), ipv6(TCP_HEADER[:octets])):
        assert parse(packet).ports == ports
        assert parse(packet + b"\xee" * 30).ports == ports


@pytest.mark.parametrize(
    "lie", [{"version": 4}, {"version": 0}, {"payload_length": 21}, {"payload_length": 0xFFFF}]
)
def test_an_ipv6_header_that_lies_is_not_read(lie: dict[str, int]) -> None:
    seen = parse(ipv6(**lie))
    assert (seen.ip, seen.protocol, seen.addresses, seen.fault) == (0, NO_PROTOCOL, b"", None)


def test_a_jumbogram_has_addresses_only() -> None:
    seen = parse(ipv6(extension(6) + TCP_HEADER, frame.PROTOCOL_HOP_BY_HOP, payload_length=0))
    assert (seen.ip, seen.protocol, seen.ports) == (6, NO_PROTOCOL, b"")


@pytest.mark.parametrize("headers", range(13))
def test_at_most_eight_extension_headers_are_walked(headers: int) -> None:
    kinds = [*[0, 43, 60, 60, 43, 0, 60, 43, 60, 60, 60, 60][:headers], frame.PROTOCOL_UDP]
    seen = parse(ipv6(b"".join(extension(kind) for kind in kinds[1:]) + TCP_HEADER, kinds[0]))
    assert (seen.protocol, seen.ports) == ((17, PORTS) if headers <= 8 else (NO_PROTOCOL, b""))


@pytest.mark.parametrize(("units", "ports"), [(23, PORTS), (24, b""), (60, b"")])
def test_nothing_is_read_behind_256_octets(units: int, ports: bytes) -> None:
    octets = ipv6(extension(6, units, (units + 1) * 8) + TCP_HEADER, frame.PROTOCOL_DESTINATION_OPTIONS)
    seen = parse(octets)
    assert (seen.ip, len(seen.addresses), seen.ports) == (6, 32, ports)


@pytest.mark.parametrize(("units", "octets"), [(1, 12), (4, 24), (7, 36)])
def test_the_authentication_header_counts_in_four_octets(units: int, octets: int) -> None:
    seen = parse(ipv6(extension(6, units, octets) + TCP_HEADER, frame.PROTOCOL_AH))
    assert (seen.protocol, seen.ports) == (frame.PROTOCOL_TCP, PORTS)


@pytest.mark.parametrize("offset_more", [0x0000, 0x0001, 0x0008, 0x0009, 0xFFF8])
def test_an_ipv6_fragment_atomic_ones_included_has_no_ports(offset_more: int) -> None:
    fragment = struct.pack("!BxHL", frame.PROTOCOL_TCP, offset_more, 0x1234)
    seen = parse(ipv6(extension(44) + fragment + TCP_HEADER, frame.PROTOCOL_DESTINATION_OPTIONS))
    assert (seen.fragment, seen.protocol, seen.ports) == (True, frame.PROTOCOL_TCP, b"")


@pytest.mark.parametrize("protocol", [frame.PROTOCOL_ESP, frame.PROTOCOL_NO_NEXT_HEADER, 58, 135, 255])
def test_what_is_no_extension_header_ends_the_walk(protocol: int) -> None:
    seen = parse(ipv6(extension(protocol) + TCP_HEADER, frame.PROTOCOL_ROUTING))
    assert (seen.ip, seen.protocol, seen.ports) == (6, protocol, b"")


@pytest.mark.parametrize("kind", sorted(frame.EXTENSIONS))
@pytest.mark.parametrize("octets", range(8))
def test_a_truncated_extension_header_leaves_the_addresses(kind: int, octets: int) -> None:
    seen = parse(ipv6(extension(6)[:octets], kind))
    assert (seen.ip, seen.protocol, seen.fragment, seen.ports) == (6, NO_PROTOCOL, False, b"")


@pytest.mark.parametrize("kind", sorted(frame.EXTENSIONS))
def test_an_extension_header_may_be_all_there_is(kind: int) -> None:
    seen = parse(ipv6(extension(6), kind))
    assert (seen.ip, seen.protocol, seen.ports) == (6, frame.PROTOCOL_TCP, b"")


@pytest.mark.parametrize("kind", sorted(frame.EXTENSIONS - {frame.PROTOCOL_FRAGMENT}))
def test_an_extension_header_of_greatest_length_ends_the_walk(kind: int) -> None:
    seen = parse(ipv6(extension(6, 255) + bytes(3000), kind))
    assert (seen.ip, seen.protocol, seen.ports) == (6, NO_PROTOCOL, b"")
