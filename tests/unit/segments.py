"""TCP segments and UDP datagrams octet for octet, with good checksums unless a test spoils them."""

import struct
from ipaddress import ip_address
from typing import Any

from tests.unit.builders import OUTSIDE, mac, tag
from vmdqemu.nic import datagram
from vmdqemu.nic.datagram import Datagram, ones_complement

ACK, PSH = 0x10, 0x08
HERE, THERE = "10.0.0.2", "10.0.0.1"
HERE6, THERE6 = "fd00::2", "fd00::1"


def ip(
    payload: bytes,
    protocol: int,
    *,
    source: str = THERE,
    destination: str = HERE,
    hops: int = 64,
    service: int = 0,
    identification: int = 0,
    ip_flags: int = 0x4000,
    options: bytes = b"",
    flow_label: int = 0,
    vids: tuple[int, ...] = (),
) -> bytes:
    """A frame. service: the octet of DS and ECN; ip_flags: with the fragment offset."""
    addresses = ip_address(source).packed + ip_address(destination).packed
    link = mac(1) + OUTSIDE + b"".join(tag(vid) for vid in vids)
    if len(addresses) == 32:
        word = 0x60000000 | service << 20 | flow_label
        header = struct.pack("!IHBB", word, len(payload), protocol, hops) + addresses
        return link + b"\x86\xdd" + header + payload
    size = 20 + len(options)
    head = struct.pack(
        "!BBHHHBB",
        0x40 | size // 4,
        service,
        size + len(payload),
        identification,
        ip_flags,
        hops,
        protocol,
    )
    header = head + b"\0\0" + addresses + options
    header = head + struct.pack("!H", ones_complement(header)) + addresses + options
    return link + b"\x08\x00" + header + payload


def summed(frame: bytes, at: int) -> bytes:
    """With the transport's checksum written."""
    packet = datagram.read(frame)
    assert packet is not None
    return frame[: len(frame) - len(packet.payload)] + packet.summed(at).payload


def tcp(
    sequence: int,
    data: bytes = b"",
    *,
    ack: int = 1,
    flags: int = ACK,
    window: int = 1000,
    ports: tuple[int, int] = (5000, 80),
    stamps: tuple[int, int] | None = None,
    tcp_options: bytes = b"",
    **header: Any,
) -> bytes:
    """A TCP segment."""
    if stamps is not None:
        tcp_options = b"\x01\x01\x08\x0a" + struct.pack("!LL", *stamps)
    offset = (20 + len(tcp_options)) // 4 << 4
    payload = struct.pack("!HHLLBBHHH", *ports, sequence % (1 << 32), ack, offset, flags, window, 0, 0)
    return summed(ip(payload + tcp_options + data, 6, **header), 16)


def udp(data: bytes, *, ports: tuple[int, int] = (5000, 53), check: bool = True, **header: Any) -> bytes:
    """A UDP datagram; check: with a checksum."""
    frame = ip(struct.pack("!HHHH", *ports, 8 + len(data), 0) + data, 17, **header)
    return summed(frame, 6) if check else frame


def spoiled(frame: bytes) -> bytes:
    """The last octet changed: the transport's checksum is wrong."""
    return frame[:-1] + bytes((frame[-1] ^ 0xFF,))


def read(frame: bytes) -> Datagram:
    """The datagram in a frame."""
    packet = datagram.read(frame)
    assert packet is not None
    return packet


def tcp_data(frame: bytes) -> bytes:
    """What a segment carries."""
    payload = read(frame).payload
    return payload[(payload[12] >> 4) * 4 :]
