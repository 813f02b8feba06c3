"""IP packets: read the headers once into a flat record.

Theory of operation: both readers are total, and a header that lies only ever narrows what is known. Where the
IP header cannot be read the record is NO_PACKET; where what follows it cannot, the record has no ports.
`head` may be the first octets of what the packet lies in; nothing behind the packet's end is read.

Sources: RFC 791 (IPv4), RFC 8200 (IPv6), RFC 4302 (authentication header).
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

_IPV4 = Struct("!BxH2xHxB")  # version and IHL, total length, flags and offset, protocol
_IPV6 = Struct("!B3xHB")  # version, payload length, next header


class Packet(NamedTuple):
    """What an IP packet's headers say."""

    ip: int  # 4, 6, or 0 for no readable IP header
    protocol: int  # the upper layer's, behind the extension headers that could be walked
    fragment: bool  # any fragment, the first included
    addresses: bytes  # source, then destination: 8 or 32 octets
    ports: bytes  # source, then destination: 4 octets of an unfragmented TCP or UDP packet


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
    packet = head[:end]
    extended = protocol in EXTENSIONS
    protocol, payload, fragment = _walk_extensions(packet, payload, protocol)
    ports = b"" if fragment else _read_ports(packet, payload, protocol)
    place = Place(payload, end, extended)
    return Packet(6, protocol, fragment, head[start + 8 : start + 40], ports), place


def _walk_extensions(packet: bytes, offset: int, protocol: int) -> tuple[int, int, bool]:
    """Walk IPv6 extension headers: the upper layer's protocol and offset, and whether this is a fragment.

    The walk ends at a fragment header, so that all fragments of a packet give one protocol; an atomic
    fragment is no exception (NDIS: rss-hashing-types). Every step moves at least 8 octets on.
    """
    for _ in range(MAX_EXTENSIONS):
        if protocol not in EXTENSIONS:
            break
        if offset + 8 > len(packet):
            return NO_PROTOCOL, offset, False
        next_header, units = packet[offset], packet[offset + 1]
        if protocol == PROTOCOL_FRAGMENT:
            return next_header, offset + 8, True
        # The authentication header counts in 4 octets, all others in 8 (RFC 4302 2.2, RFC 8200 4).
        offset += (units + 2) * 4 if protocol == PROTOCOL_AH else (units + 1) * 8
        protocol = next_header
        if offset > len(packet):
            return NO_PROTOCOL, offset, False
    return (NO_PROTOCOL if protocol in EXTENSIONS else protocol), offset, False


def _read_ports(packet: bytes, offset: int, protocol: int) -> bytes:
    end = offset + PORTS_OCTETS
    if protocol in (PROTOCOL_TCP, PROTOCOL_UDP) and end <= len(packet):
        return packet[offset:end]
    return b""
