"""Octets of a frame in short form: lengths and checksums are right, and what it carries is all zeros."""

from collections.abc import Callable, Mapping
from struct import Struct
from typing import Final

from vmdqemu.nic.datagram import Datagram, ones_complement
from vmdqemu.nic.frame import ETHERTYPE_ARP, ETHERTYPE_IPV4, ETHERTYPE_IPV6, ETHERTYPE_VLAN
from vmdqemu.nic.packet import PROTOCOL_GRE, PROTOCOL_TCP, PROTOCOL_UDP
from vmdqemu.observe.short_form import Kind, ShortForm

SHORTEST: Final = 60  # octets of an Ethernet frame without FCS
EXPERIMENTAL: Final = 0x88B5  # EtherType for experiments (IEEE 802)
FIRST_DYNAMIC_PORT: Final = 49152  # where the source ports of VXLAN begin (RFC 7348 5)

_HOPS = 64
_PROTOCOL_ICMP, _PROTOCOL_ICMPV6 = 1, 58
_ECHO_REQUEST, _ECHO_REQUEST_V6 = 8, 128

_U16 = Struct("!H")
_TAG = Struct("!HH")
_IPV4 = Struct("!BxH4xBB2x8s")  # version and IHL, total length, hops, protocol, addresses
_IPV6 = Struct("!B3xHBB32s")  # version, payload length, protocol, hops, addresses
_TCP = Struct("!HH8xBBH4x")  # ports, header length, flags, window
_UDP = Struct("!HHHH")
_ECHO = Struct("!BxHHH")  # type, checksum, identifier, sequence number
_ARP = Struct("!HHBBH6s4s6x4s")
_VXLAN = Struct("!B3xI")
_NVGRE = Struct("!HHI")

_TCP_HEADER, _ACK, _WINDOW = 5 << 4, 0x10, 0xFFFF
_TCP_CHECKSUM, _UDP_CHECKSUM, _ECHO_CHECKSUM = 16, 6, 2  # offsets


def compose(form: ShortForm, vxlan_port: int) -> bytes:
    """A whole frame without FCS. Both of its MAC addresses must be known.

    Raises ValueError if its length does not hold its headers.
    """
    shortest = _frame(form, b"", vxlan_port)
    octets = SHORTEST if form.length is None else form.length
    if form.length is not None and octets < len(shortest):
        raise ValueError(f"length: {octets} octets do not hold the headers; use {len(shortest)} or more")
    return _frame(form, bytes(max(0, octets - len(shortest))), vxlan_port)


def _frame(form: ShortForm, data: bytes, vxlan_port: int) -> bytes:
    assert form.source is not None
    assert form.destination is not None
    tags = b"".join(_TAG.pack(ETHERTYPE_VLAN, vid) for vid in form.vlans)
    ethertype, payload = _PAYLOADS[form.kind](form, data, vxlan_port)
    return form.destination + form.source + tags + _U16.pack(ethertype) + payload


def _tcp(form: ShortForm, data: bytes, _: int) -> tuple[int, bytes]:
    header = _TCP.pack(*_ports(form), _TCP_HEADER, _ACK, _WINDOW)
    return _packet(form, PROTOCOL_TCP, header + data, _TCP_CHECKSUM)


def _udp(form: ShortForm, data: bytes, _: int) -> tuple[int, bytes]:
    header = _UDP.pack(*_ports(form), _UDP.size + len(data), 0)
    return _packet(form, PROTOCOL_UDP, header + data, _UDP_CHECKSUM)


def _icmp(form: ShortForm, data: bytes, _: int) -> tuple[int, bytes]:
    """An echo request. IPv4's checksum has no pseudo header (RFC 792), IPv6's has (RFC 4443 2.3)."""
    if len(_addresses(form)) == 32:
        return _packet(form, _PROTOCOL_ICMPV6, _ECHO.pack(_ECHO_REQUEST_V6, 0, 1, 1) + data, _ECHO_CHECKSUM)
    total = ones_complement(_ECHO.pack(_ECHO_REQUEST, 0, 1, 1) + data)
    return _packet(form, _PROTOCOL_ICMP, _ECHO.pack(_ECHO_REQUEST, total, 1, 1) + data)


def _arp(form: ShortForm, data: bytes, _: int) -> tuple[int, bytes]:
    """Who has the address? (RFC 826)"""
    assert form.ends is not None
    source, destination = (end.address.packed for end in form.ends)
    request = _ARP.pack(1, ETHERTYPE_IPV4, 6, 4, 1, form.source, source, destination)
    return ETHERTYPE_ARP, request + data


def _ether(form: ShortForm, data: bytes, _: int) -> tuple[int, bytes]:
    return EXPERIMENTAL if form.ethertype is None else form.ethertype, data


def _vxlan(form: ShortForm, data: bytes, port: int) -> tuple[int, bytes]:
    """RFC 7348 5; the UDP checksum is 0."""
    inside = _VXLAN.pack(0x08, (form.network or 0) << 8) + _carried(form, port) + data
    header = _UDP.pack(FIRST_DYNAMIC_PORT, port, _UDP.size + len(inside), 0)
    return _packet(form, PROTOCOL_UDP, header + inside)


def _nvgre(form: ShortForm, data: bytes, port: int) -> tuple[int, bytes]:
    """RFC 7637 3.2: GRE with a key, transparent Ethernet inside."""
    header = _NVGRE.pack(0x2000, 0x6558, (form.network or 0) << 8)
    return _packet(form, PROTOCOL_GRE, header + _carried(form, port) + data)


def _carried(form: ShortForm, vxlan_port: int) -> bytes:
    assert form.inner is not None
    return compose(form.inner, vxlan_port)


def _packet(form: ShortForm, protocol: int, payload: bytes, checksum: int | None = None) -> tuple[int, bytes]:
    """An IP packet's EtherType and octets. checksum: offset of the transport's, to be written."""
    addresses = _addresses(form)
    if len(addresses) == 8:
        ethertype, header = ETHERTYPE_IPV4, _IPV4.pack(0x45, 0, _HOPS, protocol, addresses)
    else:
        ethertype, header = ETHERTYPE_IPV6, _IPV6.pack(0x60, 0, protocol, _HOPS, addresses)
    blank = Datagram(b"", header, b"", protocol, plain=True, fragment=False, sound=True)
    packet = blank.joined(payload, _HOPS)
    return ethertype, (packet if checksum is None else packet.summed(checksum)).octets


def _ports(form: ShortForm) -> tuple[int, ...]:
    assert form.ends is not None
    return tuple(end.port or 0 for end in form.ends)


def _addresses(form: ShortForm) -> bytes:
    assert form.ends is not None
    return b"".join(end.address.packed for end in form.ends)


_PAYLOADS: Final[Mapping[Kind, Callable[[ShortForm, bytes, int], tuple[int, bytes]]]] = {
    Kind.TCP: _tcp,
    Kind.UDP: _udp,
    Kind.ICMP: _icmp,
    Kind.ARP: _arp,
    Kind.ETHER: _ether,
    Kind.VXLAN: _vxlan,
    Kind.NVGRE: _nvgre,
}
