"""Ethernet frames: read the headers once into a flat record, insert and strip a VLAN tag.

Theory of operation: `parse` is total, and how far it got is in the record it returns:

    layer 2 unreadable    `fault` says why, and nothing behind the fault was read
    layer 3 unreadable    `ip` is 0: the frame is judged by its MAC addresses and VLAN alone
    layer 4 unreadable    `ports` is empty: the frame is hashed by its IP addresses alone, or, if extension
                          headers are what cannot be read, `protocol` is NO_PROTOCOL: it is not hashed
    tunnel unreadable     `inner` is NO_PACKET: the frame is hashed by its outer IP addresses alone

So a header that lies only ever narrows the verdict. Nothing behind HEADER_OCTETS is read: a frame and its
head give the same record. Lengths are compared as `needed <= there`, never as a difference of two lengths.

Source: IEEE 802.1Q (tags).
"""

import re
from enum import StrEnum
from struct import Struct
from typing import Final, NamedTuple

from vmdqemu.nic import tunnel
from vmdqemu.nic.packet import NO_PACKET, NOWHERE, Packet, Place, read_ipv4, read_ipv6
from vmdqemu.nic.tunnel import NO_TUNNELS, Tunnels

DESTINATION: Final = slice(0, 6)
SOURCE: Final = slice(6, 12)
ADDRESSES: Final = slice(0, 12)  # both MAC addresses
TAG: Final = slice(12, 16)  # the outermost tag of a tagged frame

ETHERNET_OCTETS: Final = 14  # both addresses and the EtherType, untagged
TAG_OCTETS: Final = 4  # TPID and TCI

ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_ARP: Final = 0x0806
ETHERTYPE_VLAN: Final = 0x8100  # 802.1Q customer tag
ETHERTYPE_QINQ: Final = 0x88A8  # 802.1ad service tag
ETHERTYPE_IPV6: Final = 0x86DD
NO_ETHERTYPE: Final = -1

RESERVED_VID: Final = 4095  # 802.1Q: 0xFFF is never sent
MAX_PRIORITY: Final = 7
BROADCAST: Final = b"\xff" * 6

HEADER_OCTETS: Final = 256  # NDIS suggests this MaxHeaderSizeSupported
MAX_TAGS: Final = 2  # ours: every header that may repeat has a limit (CVE-2016-2074)

TPIDS: Final = frozenset({ETHERTYPE_VLAN, ETHERTYPE_QINQ})

_TAG = Struct("!HH")  # TCI, then the EtherType behind the tag
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
    ip: int = NO_PACKET.ip  # from here to `home`: the packet on the outside
    protocol: int = NO_PACKET.protocol
    fragment: bool = NO_PACKET.fragment
    addresses: bytes = NO_PACKET.addresses
    ports: bytes = NO_PACKET.ports
    home: bytes = NO_PACKET.home
    inner: Packet | None = None  # the packet inside of a tunnel; None: this is no tunnel
    fault: FrameFault | None = None  # set: everything behind it is unread
    inside_to: bytes = b""  # destination of the frame inside of a tunnel; empty if there is none to be read


class _Tags(NamedTuple):
    vlan: int | None
    priority: int
    tags: int
    ethertype: int
    payload: int  # offset of the octet behind the EtherType
    fault: FrameFault | None


def parse(
    octets: bytes | bytearray | memoryview, length: int | None = None, tunnels: Tunnels = NO_TUNNELS
) -> Frame:
    """Read a frame's headers. Any octets give a Frame; nothing is raised.

    octets: the frame without FCS, or at least its first HEADER_OCTETS.
    length: octets of the whole frame, when `octets` is its head or the buffer that it lies in.
    tunnels: those that are looked into, one level deep.
    """
    if length is None:
        length = len(octets)
    head = bytes(octets[: min(length, HEADER_OCTETS)])
    if len(head) < ETHERNET_OCTETS:
        return Frame(length, fault=FrameFault.TOO_SHORT)
    vlan, priority, tags, ethertype, payload, fault = _read_tags(head, 0)
    packet, place = _read_packet(head, ethertype, payload, length)
    inner, inside_to = _read_inner(head[: place.end], packet, place, tunnels)
    link = head[DESTINATION], head[SOURCE], vlan, priority, tags, ethertype
    return Frame(length, *link, *packet, inner, fault, inside_to)


def _read_tags(head: bytes, start: int) -> _Tags:
    """Walk the tags behind the MAC addresses at `start`. A third is payload, its TPID the EtherType."""
    payload = start + ETHERNET_OCTETS
    ethertype = head[payload - 2] << 8 | head[payload - 1]
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


def _read_packet(head: bytes, ethertype: int, start: int, length: int) -> tuple[Packet, Place]:
    """Read the packet at `start`. length: of what it lies in."""
    if ethertype == ETHERTYPE_IPV4:
        return read_ipv4(head, start, length)
    if ethertype == ETHERTYPE_IPV6:
        return read_ipv6(head, start, length)
    return NO_PACKET, NOWHERE


def _read_inner(octets: bytes, outer: Packet, place: Place, tunnels: Tunnels) -> tuple[Packet | None, bytes]:
    """Read the packet inside of a tunnel, and the destination of the frame that it lies in.

    octets: up to the outer packet's end, or all that there are.

    It has ports only if TCP or UDP follows its IP header immediately
    (NDIS: supporting-nvgre-in-rss-and-vmq-receive-task-offloads).
    """
    start = tunnel.inside(octets, outer, place.payload, tunnels)
    if start is None:
        return None, b""
    if start + ETHERNET_OCTETS > len(octets):
        return NO_PACKET, b""
    tags = _read_tags(octets, start)
    packet, inside = _read_packet(octets, tags.ethertype, tags.payload, place.end)
    return packet._replace(ports=b"") if inside.extended else packet, octets[start : start + 6]


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
