"""Ethernet frames: read the headers once into a flat record, insert and strip a VLAN tag.

Theory of operation: `parse` is total, and how far it got is in the record it returns:

    layer 2 unreadable    `fault` says why, and nothing behind the fault was read
    layer 3 unreadable    `ip` is 0: the frame is judged by its MAC addresses and VLAN alone
    layer 4 unreadable    `ports` is empty: the frame is hashed by its IP addresses alone

So a header that lies only ever narrows the verdict. Nothing behind HEADER_OCTETS is read: a frame and its
head give the same record. Lengths are compared as `needed <= there`, never as a difference of two lengths.

Sources: IEEE 802.1Q (tags), RFC 791 (IPv4), RFC 8200 (IPv6), RFC 4302 (authentication header).
"""

import re
from enum import StrEnum
from struct import Struct
from typing import Final, NamedTuple

DESTINATION: Final = slice(0, 6)
SOURCE: Final = slice(6, 12)
ADDRESSES: Final = slice(0, 12)  # both MAC addresses
TAG: Final = slice(12, 16)  # the outermost tag of a tagged frame

ETHERNET_OCTETS: Final = 14  # both addresses and the EtherType, untagged
TAG_OCTETS: Final = 4  # TPID and TCI
IPV4_OCTETS: Final = 20  # without options
IPV6_OCTETS: Final = 40  # without extension headers
PORTS_OCTETS: Final = 4  # source and destination port, first in TCP and in UDP

ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_ARP: Final = 0x0806
ETHERTYPE_VLAN: Final = 0x8100  # 802.1Q customer tag
ETHERTYPE_QINQ: Final = 0x88A8  # 802.1ad service tag
ETHERTYPE_IPV6: Final = 0x86DD
NO_ETHERTYPE: Final = -1

PROTOCOL_HOP_BY_HOP: Final = 0
PROTOCOL_TCP: Final = 6
PROTOCOL_UDP: Final = 17
PROTOCOL_ROUTING: Final = 43
PROTOCOL_FRAGMENT: Final = 44
PROTOCOL_ESP: Final = 50
PROTOCOL_AH: Final = 51
PROTOCOL_NO_NEXT_HEADER: Final = 59
PROTOCOL_DESTINATION_OPTIONS: Final = 60
NO_PROTOCOL: Final = -1  # 0 is a protocol, never "absent" (CVE-2023-1668)

RESERVED_VID: Final = 4095  # 802.1Q: 0xFFF is never sent
MAX_PRIORITY: Final = 7
BROADCAST: Final = b"\xff" * 6

# Our limits. Every header that may repeat has one, checked before it is read (CVE-2016-2074).
HEADER_OCTETS: Final = 256  # NDIS suggests this MaxHeaderSizeSupported
MAX_TAGS: Final = 2
MAX_EXTENSIONS: Final = 8

TPIDS: Final = frozenset({ETHERTYPE_VLAN, ETHERTYPE_QINQ})
EXTENSIONS: Final = frozenset(
    {
        PROTOCOL_HOP_BY_HOP,
        PROTOCOL_ROUTING,
        PROTOCOL_FRAGMENT,
        PROTOCOL_AH,
        PROTOCOL_DESTINATION_OPTIONS,
    }
)

_TAG = Struct("!HH")  # TCI, then the EtherType behind the tag
_IPV4 = Struct("!BxH2xHxB")  # version and IHL, total length, flags and offset, protocol
_IPV6 = Struct("!B3xHB")  # version, payload length, next header
_MAC_TEXT = re.compile(r"[0-9A-Fa-f]{2}([:-])[0-9A-Fa-f]{2}(?:\1[0-9A-Fa-f]{2}){4}")


class FrameFault(StrEnum):
    """What makes a frame unreadable at layer 2."""

    TOO_SHORT = "too_short"  # no whole Ethernet header
    TRUNCATED_TAG = "truncated_tag"  # a TPID without its TCI or without the EtherType behind
    RESERVED_VID = "reserved_vid"  # a walked tag, outer or inner, carries VID 4095


class Frame(NamedTuple):
    """What one frame's headers say."""

    length: int  # octets, without FCS
    destination: bytes = b""  # 6 octets; empty if the frame is too short
    source: bytes = b""  # 6 octets; empty if the frame is too short
    vlan: int | None = None  # VID of the outermost tag, 0 for a priority tag; None untagged
    priority: int = 0  # PCP of the outermost tag
    tags: int = 0  # tags walked, at most MAX_TAGS
    ethertype: int = NO_ETHERTYPE  # behind the tags; below 0x600 it is an 802.3 length
    ip: int = 0  # 4, 6, or 0 for no readable IP header
    protocol: int = NO_PROTOCOL  # the upper layer's, behind the extension headers that could be walked
    fragment: bool = False  # any fragment, the first included
    addresses: bytes = b""  # IP source, then destination: 8 or 32 octets
    ports: bytes = b""  # source, then destination: 4 octets of an unfragmented TCP or UDP packet
    fault: FrameFault | None = None  # set: everything behind it is unread


class _Tags(NamedTuple):
    vlan: int | None
    priority: int
    tags: int
    ethertype: int
    payload: int  # offset of the octet behind the EtherType
    fault: FrameFault | None


class _Packet(NamedTuple):
    ip: int
    protocol: int
    fragment: bool
    addresses: bytes
    ports: bytes


_NO_PACKET = _Packet(0, NO_PROTOCOL, False, b"", b"")


def parse(octets: bytes | bytearray | memoryview, length: int | None = None) -> Frame:
    """Read a frame's headers. Any octets give a Frame; nothing is raised.

    octets: the frame without FCS, or at least its first HEADER_OCTETS.
    length: octets of the whole frame, when `octets` is its head or the buffer that it lies in.
    """
    if length is None:
        length = len(octets)
    head = bytes(octets[: min(length, HEADER_OCTETS)])
    if len(head) < ETHERNET_OCTETS:
        return Frame(length, fault=FrameFault.TOO_SHORT)
    vlan, priority, tags, ethertype, payload, fault = _read_tags(head)
    if ethertype == ETHERTYPE_IPV4:
        packet = _read_ipv4(head, payload, length)
    elif ethertype == ETHERTYPE_IPV6:
        packet = _read_ipv6(head, payload, length)
    else:
        packet = _NO_PACKET
    return Frame(length, head[DESTINATION], head[SOURCE], vlan, priority, tags, ethertype, *packet, fault)


def _read_tags(head: bytes) -> _Tags:
    """Walk the tags behind the MAC addresses. A third tag is payload, its TPID the EtherType."""
    ethertype = head[12] << 8 | head[13]
    payload = ETHERNET_OCTETS
    vlan, priority, tags = None, 0, 0
    while ethertype in TPIDS and tags < MAX_TAGS:
        if payload + TAG_OCTETS > len(head):
            return _Tags(vlan, priority, tags, NO_ETHERTYPE, payload, FrameFault.TRUNCATED_TAG)
        tci, ethertype = _TAG.unpack_from(head, payload)
        vid = tci & 0x0FFF
        if tags == 0:
            vlan, priority = vid, tci >> 13
        tags += 1
        payload += TAG_OCTETS
        if vid == RESERVED_VID:
            return _Tags(vlan, priority, tags, NO_ETHERTYPE, payload, FrameFault.RESERVED_VID)
    return _Tags(vlan, priority, tags, ethertype, payload, None)


def _read_ipv4(head: bytes, start: int, length: int) -> _Packet:
    """Read the IPv4 header at `start`. What lies behind its total length is padding, and legal (RFC 894)."""
    if start + IPV4_OCTETS > len(head):
        return _NO_PACKET
    version_ihl, total_length, flags_offset, protocol = _IPV4.unpack_from(head, start)
    header_octets = (version_ihl & 0x0F) * 4
    if version_ihl >> 4 != 4 or not IPV4_OCTETS <= header_octets <= total_length:
        return _NO_PACKET
    end = start + total_length
    if end > length:  # a packet longer than its frame
        return _NO_PACKET
    fragment = flags_offset & 0x3FFF != 0  # more fragments, or an offset
    ports = b"" if fragment else _read_ports(head[:end], start + header_octets, protocol)
    return _Packet(4, protocol, fragment, head[start + 12 : start + 20], ports)


def _read_ipv6(head: bytes, start: int, length: int) -> _Packet:
    """Read the IPv6 header at `start` and walk its extension headers.

    A jumbogram's payload length is 0 (RFC 2675), so nothing behind its header is read.
    """
    payload = start + IPV6_OCTETS
    if payload > len(head):
        return _NO_PACKET
    version, payload_length, protocol = _IPV6.unpack_from(head, start)
    end = payload + payload_length
    if version >> 4 != 6 or end > length:  # a packet longer than its frame
        return _NO_PACKET
    packet = head[:end]
    protocol, payload, fragment = _walk_extensions(packet, payload, protocol)
    ports = b"" if fragment else _read_ports(packet, payload, protocol)
    return _Packet(6, protocol, fragment, head[start + 8 : start + 40], ports)


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


def insert_tag(frame: bytes, vid: int, priority: int = 0) -> bytes:
    """Put an 802.1Q tag, DEI clear, outermost into a whole frame that has an Ethernet header.

    Raises ValueError if the VID or the priority cannot be sent.
    """
    if not 0 <= vid < RESERVED_VID:
        raise ValueError(f"vid: {vid} cannot be sent in a tag; use 0 to {RESERVED_VID - 1}")
    if not 0 <= priority <= MAX_PRIORITY:
        raise ValueError(f"priority: {priority} does not fit in 3 bits; use 0 to {MAX_PRIORITY}")
    tag = _TAG.pack(ETHERTYPE_VLAN, priority << 13 | vid)
    return frame[ADDRESSES] + tag + frame[ADDRESSES.stop :]


def strip_tag(frame: bytes) -> bytes:
    """Take the outermost tag out of a whole frame. An untagged frame comes back as it is."""
    tagged = int.from_bytes(frame[12:14], "big") in TPIDS
    if not tagged or len(frame) < ETHERNET_OCTETS + TAG_OCTETS:
        return frame
    return frame[ADDRESSES] + frame[TAG.stop :]


def is_multicast(mac: bytes) -> bool:
    """Whether the group bit is set; true of broadcast too, false of no address at all."""
    return bool(mac) and mac[0] & 1 == 1


def is_broadcast(mac: bytes) -> bool:
    """Whether the address is all ones."""
    return mac == BROADCAST


def format_mac(mac: bytes) -> str:
    """Write a MAC address as `02:00:00:00:00:01`."""
    return mac.hex(":")


def parse_mac(text: str) -> bytes:
    """Read six pairs of hex digits, all joined by ':' or all by '-', into 6 octets.

    Raises ValueError, without the field's name, if the text is anything else.
    """
    if not _MAC_TEXT.fullmatch(text):
        raise ValueError(f"{text!r} is not a MAC address; write six hex pairs such as 02:00:00:00:00:01")
    return bytes.fromhex(text.replace(text[2], ""))
