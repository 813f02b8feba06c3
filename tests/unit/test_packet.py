"""IP headers: options and extension headers are skipped, fragments have no ports, lies are not read."""

import struct

import pytest

from tests.unit.crafted import (
    HOME,
    PORTS,
    ROUTED,
    TCP_HEADER,
    extension,
    home_address,
    ipv4,
    ipv6,
    options,
    routing_type_2,
)
from vmdqemu.nic import frame, packet
from vmdqemu.nic.frame import parse
from vmdqemu.nic.packet import NO_PROTOCOL


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
@pytest.mark.parametrize("protocol", [packet.PROTOCOL_TCP, packet.PROTOCOL_UDP])
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
    for sent in (ipv4(TCP_HEADER[:octets]), ipv6(TCP_HEADER[:octets])):
        assert parse(sent).ports == ports
        assert parse(sent + b"\xee" * 30).ports == ports


@pytest.mark.parametrize(
    "lie", [{"version": 4}, {"version": 0}, {"payload_length": 21}, {"payload_length": 0xFFFF}]
)
def test_an_ipv6_header_that_lies_is_not_read(lie: dict[str, int]) -> None:
    seen = parse(ipv6(**lie))
    assert (seen.ip, seen.protocol, seen.addresses, seen.fault) == (0, NO_PROTOCOL, b"", None)


def test_a_jumbogram_has_addresses_only() -> None:
    seen = parse(ipv6(extension(6) + TCP_HEADER, packet.PROTOCOL_HOP_BY_HOP, payload_length=0))
    assert (seen.ip, seen.protocol, seen.ports) == (6, NO_PROTOCOL, b"")


@pytest.mark.parametrize("headers", range(13))
def test_at_most_eight_extension_headers_are_walked(headers: int) -> None:
    kinds = [*[0, 43, 60, 60, 43, 0, 60, 43, 60, 60, 60, 60][:headers], packet.PROTOCOL_UDP]
    seen = parse(ipv6(b"".join(extension(kind) for kind in kinds[1:]) + TCP_HEADER, kinds[0]))
    assert (seen.protocol, seen.ports) == ((17, PORTS) if headers <= 8 else (NO_PROTOCOL, b""))


@pytest.mark.parametrize(("units", "octets"), [(1, 12), (4, 24), (7, 36)])
def test_the_authentication_header_counts_in_four_octets(units: int, octets: int) -> None:
    seen = parse(ipv6(extension(6, units, octets) + TCP_HEADER, packet.PROTOCOL_AH))
    assert (seen.protocol, seen.ports) == (packet.PROTOCOL_TCP, PORTS)


@pytest.mark.parametrize("offset_more", [0x0000, 0x0001, 0x0008, 0x0009, 0xFFF8])
def test_an_ipv6_fragment_atomic_ones_included_has_no_ports(offset_more: int) -> None:
    fragment = struct.pack("!BxHL", packet.PROTOCOL_TCP, offset_more, 0x1234)
    seen = parse(ipv6(extension(44) + fragment + TCP_HEADER, packet.PROTOCOL_DESTINATION_OPTIONS))
    assert (seen.fragment, seen.protocol, seen.ports) == (True, packet.PROTOCOL_TCP, b"")


@pytest.mark.parametrize("protocol", [packet.PROTOCOL_ESP, packet.PROTOCOL_NO_NEXT_HEADER, 58, 135, 255])
def test_what_is_no_extension_header_ends_the_walk(protocol: int) -> None:
    seen = parse(ipv6(extension(protocol) + TCP_HEADER, packet.PROTOCOL_ROUTING))
    assert (seen.ip, seen.protocol, seen.ports) == (6, protocol, b"")


@pytest.mark.parametrize("kind", sorted(packet.EXTENSIONS))
@pytest.mark.parametrize("octets", range(8))
def test_a_truncated_extension_header_leaves_the_addresses(kind: int, octets: int) -> None:
    seen = parse(ipv6(extension(6)[:octets], kind))
    assert (seen.ip, seen.protocol, seen.fragment, seen.ports) == (6, NO_PROTOCOL, False, b"")


@pytest.mark.parametrize("kind", sorted(packet.EXTENSIONS))
def test_an_extension_header_may_be_all_there_is(kind: int) -> None:
    seen = parse(ipv6(extension(6), kind))
    assert (seen.ip, seen.protocol, seen.ports) == (6, packet.PROTOCOL_TCP, b"")


@pytest.mark.parametrize("kind", sorted(packet.EXTENSIONS - {packet.PROTOCOL_FRAGMENT}))
def test_an_extension_header_of_greatest_length_ends_the_walk(kind: int) -> None:
    seen = parse(ipv6(extension(6, 255) + bytes(3000), kind))
    assert (seen.ip, seen.protocol, seen.ports) == (6, NO_PROTOCOL, b"")


CARE_OF, CORRESPONDENT = bytes(range(16)), bytes(range(16, 32))  # of crafted.ipv6: source, destination
PADDED = b"\0\0" + b"\x01\x03\0\0\0", b"\x01\0"  # Pad1 twice and PadN; PadN of no octets


@pytest.mark.parametrize(
    ("sent", "home"),
    [
        (ipv6(options(6, home_address(HOME)) + TCP_HEADER, 60), HOME + CORRESPONDENT),
        (ipv6(options(6, *PADDED, home_address(HOME)) + TCP_HEADER, 60), HOME + CORRESPONDENT),
        (ipv6(routing_type_2(6, ROUTED) + TCP_HEADER, 43), CARE_OF + ROUTED),
        (ipv6(routing_type_2(60, ROUTED) + options(6, home_address(HOME)) + TCP_HEADER, 43), HOME + ROUTED),
        (ipv6(options(43, home_address(HOME)) + routing_type_2(6, ROUTED) + TCP_HEADER, 60), HOME + ROUTED),
        (ipv6(extension(6) + TCP_HEADER, 60), b""),
        (ipv6(TCP_HEADER), b""),
        (ipv4(), b""),
    ],
    ids=["home", "behind padding", "routed", "both", "either order", "other option", "no header", "ipv4"],
)
def test_a_mobile_node_has_its_home_address_in_place_of_its_care_of_address(sent: bytes, home: bytes) -> None:
    """Each on its own; the addresses of the IP header stay as they are (NDIS: NDIS_HASH_IPV6_EX)."""
    seen = parse(sent)
    assert (seen.home, seen.ports) == (home, PORTS)
    assert seen.ip == 4 or seen.addresses == CARE_OF + CORRESPONDENT


@pytest.mark.parametrize(
    "header",
    [
        (60, options(6, home_address(HOME[:15]))),
        (60, options(6, home_address(HOME + b"\0"))),
        (60, options(6, bytes([0xC9, 16]) + HOME[:6])),  # longer than its header
        (60, options(6, *[b"\0"] * 8, home_address(HOME))),  # behind the eighth option
        (60, options(6, b"\x01\xff" + bytes(10), home_address(HOME))),
        (0, options(6, home_address(HOME))),  # hop-by-hop: not where the option belongs
        (43, routing_type_2(6, ROUTED, kind=0)),
        (43, routing_type_2(6, ROUTED, kind=4)),
        (43, routing_type_2(6, ROUTED + bytes(16), units=4)),
        (43, routing_type_2(6, b"", units=0)),
    ],
)
def test_an_option_or_routing_header_that_is_none_of_a_mobile_nodes_is_skipped(
    header: tuple[int, bytes],
) -> None:
    kind, octets = header
    seen = parse(ipv6(octets + TCP_HEADER, kind))
    assert (seen.home, seen.ports) == (b"", PORTS)


def test_of_two_home_addresses_the_first_counts() -> None:
    first, second = options(60, home_address(HOME)), options(6, home_address(ROUTED))
    assert parse(ipv6(first + second + TCP_HEADER, 60)).home == HOME + CORRESPONDENT


def test_every_fragment_of_a_mobile_node_has_its_home_address() -> None:
    """The option stands before the fragment header (RFC 6275 6.3)."""
    fragment = struct.pack("!BxHL", packet.PROTOCOL_TCP, 0x0008, 0x1234)
    seen = parse(ipv6(options(44, home_address(HOME)) + fragment + bytes(20), 60))
    assert (seen.fragment, seen.home, seen.ports) == (True, HOME + CORRESPONDENT, b"")
