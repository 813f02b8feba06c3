"""Frames put together octet by octet, whose fields may lie: what the tests of the parsers read."""

import struct

from tests.unit.builders import tag
from vmdqemu.nic import frame, packet
from vmdqemu.nic.tunnel import VXLAN_PORT

MACS = bytes.fromhex("02000000000b02000000000a")
PORTS = struct.pack("!HH", 40000, 5001)
TCP_HEADER = PORTS + bytes(16)


def ethernet(ethertype: int, payload: bytes = b"", tags: bytes = b"") -> bytes:
    """Any EtherType between our two addresses."""
    return MACS + tags + struct.pack("!H", ethertype) + payload


def ipv4(payload: bytes = TCP_HEADER, /, **fields: int) -> bytes:
    """A frame with an IPv4 header whose fields may lie."""
    version, ihl = fields.get("version", 4), fields.get("ihl", 5)
    total_length = fields.get("total_length", 20 + len(payload))
    flags_offset, protocol = fields.get("flags_offset", 0), fields.get("protocol", packet.PROTOCOL_TCP)
    header = struct.pack("!BxHxxHxBxx", version << 4 | ihl, total_length, flags_offset, protocol)
    return ethernet(frame.ETHERTYPE_IPV4, header + bytes([10, 0, 0, 1, 10, 0, 0, 2]) + payload)


def ipv6(payload: bytes = TCP_HEADER, next_header: int = packet.PROTOCOL_TCP, /, **fields: int) -> bytes:
    """A frame with an IPv6 header whose fields may lie; `payload` starts with the extension headers."""
    payload_length = fields.get("payload_length", len(payload))
    header = struct.pack("!BxxxHBx", fields.get("version", 6) << 4, payload_length, next_header)
    return ethernet(frame.ETHERTYPE_IPV6, header + bytes(range(32)) + payload)


def extension(next_header: int, units: int = 0, octets: int = 8) -> bytes:
    """An IPv6 extension header."""
    return bytes([next_header, units]) + bytes(octets - 2)


def vxlan(inner: bytes, flags: int = 0x08, to_port: int = VXLAN_PORT, **fields: int) -> bytes:
    """A frame that carries another; fields: of the outer IPv4 header."""
    header = struct.pack("!HHHH", 50000, to_port, 16 + len(inner), 0) + bytes([flags]) + bytes(7)
    return ipv4(header + inner, **{"protocol": packet.PROTOCOL_UDP, **fields})


def nvgre(inner: bytes, flags: int = 0x2000, ethertype: int = 0x6558, **fields: int) -> bytes:
    """The same in GRE; each flag brings the field that it announces."""
    words = sum(bool(flags & bit) for bit in (0x8000, 0x2000, 0x1000))
    header = struct.pack("!HH", flags, ethertype) + bytes(4 * words)
    return ipv4(header + inner, **{"protocol": packet.PROTOCOL_GRE, **fields})


def in_ipv6(outer: bytes) -> bytes:
    """The same tunnel with an IPv6 header on the outside."""
    return ipv6(outer[34:], outer[23])


def options(next_header: int, *tlvs: bytes) -> bytes:
    """A destination options header, padded to whole units by Pad1."""
    body = b"".join(tlvs)
    body += bytes(-(len(body) + 2) % 8)
    return bytes([next_header, (len(body) + 2) // 8 - 1]) + body


def home_address(address: bytes) -> bytes:
    """The home address option; an address of other than 16 octets makes it lie."""
    return bytes([packet.HOME_ADDRESS_OPTION, len(address)]) + address


def routing_type_2(next_header: int, address: bytes, kind: int = 2, units: int = 2) -> bytes:
    """A routing header with one address."""
    return bytes([next_header, units, kind, 1]) + bytes(4) + address


HOME, ROUTED = bytes(range(0x40, 0x50)), bytes(range(0x60, 0x70))

SEEDS = {
    "ipv4 tcp": ipv4(),
    "ipv4 options": ipv4(bytes(40) + TCP_HEADER, ihl=15, total_length=80),
    "ipv4 fragment": ipv4(flags_offset=0x2000),
    "ipv6 tcp": ipv6(),
    "ipv6 hop-by-hop, routing, tcp": ipv6(extension(43) + extension(6) + TCP_HEADER, 0),
    "ipv6 authentication, udp": ipv6(extension(17, 4, 24) + TCP_HEADER, packet.PROTOCOL_AH),
    "ipv6 fragment": ipv6(extension(6) + TCP_HEADER, packet.PROTOCOL_FRAGMENT),
    "ipv6 of a mobile node": ipv6(
        routing_type_2(60, ROUTED) + options(6, b"\x01\x02\0\0", home_address(HOME)) + TCP_HEADER, 43
    ),
    "qinq ipv4": MACS + tag(7, 5, frame.ETHERTYPE_QINQ) + tag(100) + ipv4()[12:],
    "arp": ethernet(frame.ETHERTYPE_ARP, bytes(46)),
    "vxlan": vxlan(ipv4()),
    "vxlan in ipv6, ipv6 inside": in_ipv6(vxlan(ipv6())),
    "vxlan, tags outside and inside": MACS + tag(5) + vxlan(MACS + tag(7) + tag(8) + ipv4()[12:])[12:],
    "nvgre": nvgre(ipv4()),
    "nvgre with checksum and sequence number": nvgre(ipv6(), 0xB000),
    "nvgre in ipv6, fragment inside": in_ipv6(nvgre(ipv4(flags_offset=0x2000))),
}
