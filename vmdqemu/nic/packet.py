"""IP packets: read the headers once into a flat record.

Theory of operation: both readers are total, and a header that lies only ever narrows what is known. Where the
IP header cannot be read the record is NO_PACKET; where what follows it cannot, the record has no ports.
`head` may be the first octets of what the packet lies in; nothing behind the packet's end is read.

Sources: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 4302 (authentication header), RFC 6275 (mobile IPv6).
"""

from struct import Struct
from typing import Final, NamedTuple

IPV4_OCTETS: Final = 20  # without options
IPV6_OCTETS: Final = 40  # without extension headers
PORTS_OCTETS: Final = 4  # source and destination port, first in TCP and in UDP

PROTOCOL_HOP_BY_HOP: Final = 0
PROTOCOL_TCP: Final = 6
PROTOCOL_UDP: Final = 17
PROTOCOL_ROUTING: Final = 43
PROTOCOL_FRAGMENT: Final = 44
PROTOCOL_GRE: Final = 47
PROTOCOL_ESP: Final = 50
PROTOCOL_AH: Final = 51
PROTOCOL_NO_NEXT_HEADER: Final = 59
PROTOCOL_DESTINATION_OPTIONS: Final = 60
NO_PROTOCOL: Final = -1  # 0 is a protocol, never "absent" (CVE-2023-1668)

MAX_EXTENSIONS: Final = 8  # ours: every header that may repeat has a limit (CVE-2016-2074)
EXTENSIONS: Final = frozenset(
    {
        PROTOCOL_HOP_BY_HOP,
        PROTOCOL_ROUTING,
        PROTOCOL_FRAGMENT,
        PROTOCOL_AH,
        PROTOCOL_DESTINATION_OPTIONS,
    }
)

HOME_ADDRESS_OPTION: Final = 0xC9  # 16 octets, in a destination options header (RFC 6275 6.3)
PAD1_OPTION: Final = 0  # the one option without a length (RFC 8200 4.2)
MAX_OPTIONS: Final = 8  # ours, as MAX_EXTENSIONS
ROUTING_TYPE_2: Final = 2  # holds one address (RFC 6275 6.4)
ROUTING_TYPE_2_UNITS: Final = 2  # its length field

_IPV4 = Struct("!BxH2xHxB")  # version and IHL, total length, flags and offset, protocol
_IPV6 = Struct("!B3xHB")  # version, payload length, next header


class Packet(NamedTuple):
    """What an IP packet's headers say."""

    ip: int  # 4, 6, or 0 for no readable IP header
    protocol: int  # the upper layer's, behind the extension headers that could be walked
    fragment: bool  # any fragment, the first included
    addresses: bytes  # source, then destination: 8 or 32 octets
    ports: bytes  # source, then destination: 4 octets of an unfragmented TCP or UDP packet
    home: bytes = b""  # `addresses` with the mobile node's home address; empty: it is not on the move


NO_PACKET: Final = Packet(0, NO_PROTOCOL, False, b"", b"")


class Place(NamedTuple):
    """Where a packet's payload lies; offsets count from the frame's first octet."""

    payload: int  # behind the IP header and the extension headers that could be walked
    end: int
    extended: bool = False  # an extension header stands between


NOWHERE: Final = Place(0, 0)


def read_ipv4(head: bytes, start: int, length: int) -> tuple[Packet, Place]:
    """Read the IPv4 header at `start`. What lies behind its total length is padding, and legal (RFC 894)."""
    if start + IPV4_OCTETS > len(head):
        return NO_PACKET, NOWHERE
    version_ihl, total_length, flags_offset, protocol = _IPV4.unpack_from(head, start)
    header_octets = (version_ihl & 0x0F) * 4
    if version_ihl >> 4 != 4 or not IPV4_OCTETS <= header_octets <= total_length:
        return NO_PACKET, NOWHERE
    end = start + total_length
    if end > length:  # a packet longer than its frame
        return NO_PACKET, NOWHERE
    fragment = flags_offset & 0x3FFF != 0  # more fragments, or an offset
    payload = start + header_octets
    ports = b"" if fragment else _read_ports(head[:end], payload, protocol)
    return Packet(4, protocol, fragment, head[start + 12 : start + 20], ports), Place(payload, end)


def read_ipv6(head: bytes, start: int, length: int) -> tuple[Packet, Place]:
    """Read the IPv6 header at `start` and walk its extension headers.

    A jumbogram's payload length is 0 (RFC 2675), so nothing behind its header is read.
    """
    payload = start + IPV6_OCTETS
    if payload > len(head):
        return NO_PACKET, NOWHERE
    version, payload_length, protocol = _IPV6.unpack_from(head, start)
    end = payload + payload_length
    if version >> 4 != 6 or end > length:  # a packet longer than its frame
        return NO_PACKET, NOWHERE
    chain = _walk_extensions(head[:end], payload, protocol)
    ports = b"" if chain.fragment else _read_ports(head[:end], chain.payload, chain.protocol)
    addresses = head[start + 8 : start + 40]
    home = _at_home(addresses, chain)
    place = Place(chain.payload, end, protocol in EXTENSIONS)
    return Packet(6, chain.protocol, chain.fragment, addresses, ports, home), place


class _Chain(NamedTuple):
    """What a walk over extension headers found."""

    protocol: int  # the upper layer's; NO_PROTOCOL: the walk came to no end
    payload: int
    fragment: bool = False
    home_address: bytes = b""  # 16 octets, of the option of that name
    routed_to: bytes = b""  # 16 octets, of a routing header of type 2


def _walk_extensions(packet: bytes, offset: int, protocol: int) -> _Chain:
    """Walk IPv6 extension headers. Of a header that repeats itself the first counts.

    The walk ends at a fragment header, so that all fragments of a packet give one protocol; an atomic
    fragment is no exception (NDIS: rss-hashing-types). Every step moves at least 8 octets on.
    """
    home_address = routed_to = b""
    for _ in range(MAX_EXTENSIONS):
        if protocol not in EXTENSIONS:
            break
        if offset + 8 > len(packet):
            return _Chain(NO_PROTOCOL, offset)
        next_header, units = packet[offset], packet[offset + 1]
        if protocol == PROTOCOL_FRAGMENT:
            return _Chain(next_header, offset + 8, True, home_address, routed_to)
        # The authentication header counts in 4 octets, all others in 8 (RFC 4302 2.2, RFC 8200 4).
        end = offset + ((units + 2) * 4 if protocol == PROTOCOL_AH else (units + 1) * 8)
        if end > len(packet):
            return _Chain(NO_PROTOCOL, offset)
        if protocol == PROTOCOL_DESTINATION_OPTIONS:
            home_address = home_address or _home_address(packet[offset + 2 : end])
        elif protocol == PROTOCOL_ROUTING:
            routed_to = routed_to or _routed_to(packet[offset:end])
        offset, protocol = end, next_header
    if protocol in EXTENSIONS:
        return _Chain(NO_PROTOCOL, offset)
    return _Chain(protocol, offset, False, home_address, routed_to)


def _home_address(options: bytes) -> bytes:
    """The 16 octets of the home address option, or none."""
    offset = 0
    for _ in range(MAX_OPTIONS):
        if offset + 2 > len(options):
            break
        kind, end = options[offset], offset + 2 + options[offset + 1]
        if kind == PAD1_OPTION:
            end = offset + 1
        elif kind == HOME_ADDRESS_OPTION:
            address = options[offset + 2 : end]
            return address if len(address) == 16 else b""
        offset = end
    return b""


def _routed_to(header: bytes) -> bytes:
    """The 16 octets of a routing header of type 2, or none."""
    if header[1] != ROUTING_TYPE_2_UNITS or header[2] != ROUTING_TYPE_2:
        return b""
    return header[8:24]


def _at_home(addresses: bytes, chain: _Chain) -> bytes:
    """Each address is replaced on its own (NDIS: rss-hashing-types, NDIS_HASH_IPV6_EX)."""
    if not chain.home_address and not chain.routed_to:
        return b""
    return (chain.home_address or addresses[:16]) + (chain.routed_to or addresses[16:])


def _read_ports(packet: bytes, offset: int, protocol: int) -> bytes:
    end = offset + PORTS_OCTETS
    if protocol in (PROTOCOL_TCP, PROTOCOL_UDP) and end <= len(packet):
        return packet[offset:end]
    return b""
