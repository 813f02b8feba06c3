"""Hypothesis strategies: frames as a VM's root may make them. Few addresses and flows, so that they meet."""

import struct
from typing import NamedTuple

from hypothesis import strategies as st

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, mac, packet, tag
from tests.unit.pumping import ECN, NEEDS_CSUM, PLAIN, TCPV4, TCPV6, UDP_L4, vnet
from vmdqemu.nic.frame import BROADCAST, ETHERTYPE_ARP, ETHERTYPE_QINQ, ETHERTYPE_VLAN
from vmdqemu.nic.tunnel import VXLAN_PORT

ADDRESSES = [mac(number) for number in range(1, 4)]
GROUPS = [BROADCAST, GROUP, bytes.fromhex("0180c2000000")]
FLOWS = [("192.0.2.1", "192.0.2.2"), ("2001:db8::1", "2001:db8::2")]
PORTS = [(5001, 80), (5003, 80)]


class Kind(NamedTuple):
    """What the frames of one family have in common."""

    destination: bytes
    source: bytes
    tags: bytes
    ips: tuple[str, str]
    tunnels: bool


@st.composite
def kinds(draw: st.DrawFn) -> Kind:
    """Mostly between addresses that exist."""
    destination = draw(st.sampled_from([*ADDRESSES, *ADDRESSES, *GROUPS, STRANGER]))
    source = draw(st.sampled_from([*ADDRESSES, *ADDRESSES, OUTSIDE, GROUP]))
    vids = draw(st.sampled_from([(), (), (), (), (0,), (10,), (4095,), (10, 20), (10, 20, 30)]))
    tpid = draw(st.sampled_from([ETHERTYPE_VLAN, ETHERTYPE_QINQ]))
    tags = b"".join(tag(vid, draw(st.integers(0, 7)), tpid) for vid in vids)
    return Kind(destination, source, tags, draw(st.sampled_from(FLOWS)), draw(st.booleans()))


@st.composite
def families(draw: st.DrawFn) -> list[bytes]:
    """Frames that differ in little, with their vnet headers: the ones that a cache could mistake."""
    return draw(st.lists(_frames(draw(kinds())), min_size=2, max_size=16))


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Any frame with its vnet header."""
    return draw(_frames(draw(kinds())))


@st.composite
def _frames(draw: st.DrawFn, kind: Kind) -> bytes:
    """Plain, with a checksum to fill in, a superframe, or behind a header from nowhere."""
    frame = draw(_plain_frames(kind))
    offloads = draw(st.sampled_from(["none", "none", "checksum", "superframe", "any"]))
    if offloads == "none":
        return PLAIN + frame
    if offloads == "any":
        return draw(st.binary(min_size=10, max_size=10)) + frame
    csum_start = draw(st.sampled_from([34, 54, 38, 58]))
    if offloads == "checksum":
        return vnet(csum_start=csum_start, csum_offset=6, flags=NEEDS_CSUM) + frame
    gso_type = draw(st.sampled_from([TCPV4, TCPV4 | ECN, TCPV6, UDP_L4]))
    gso_size = draw(st.sampled_from([1400, 1448, 100, 1]))
    header = vnet(gso_type, hdr_len=66, gso_size=gso_size, csum_start=csum_start, flags=NEEDS_CSUM)
    return header + frame + bytes(draw(st.sampled_from([0, 1400, 3000])))


@st.composite
def _plain_frames(draw: st.DrawFn, kind: Kind) -> bytes:
    """Without a vnet header; now and then too long, cut off, or with an octet changed."""
    ethertype, payload = draw(_packets(kind))
    frame = kind.destination + kind.source + kind.tags + struct.pack("!H", ethertype) + payload
    frame = frame.ljust(draw(st.sampled_from([0] * 9 + [1514, 1515, 1518, 1519])), b"\0")
    return draw(_changed(frame))


@st.composite
def _packets(draw: st.DrawFn, kind: Kind) -> tuple[int, bytes]:
    """TCP, UDP, tunnels and others, over IPv4 and IPv6, and what is no IP at all."""
    if kind.tunnels:
        return draw(_tunnels(kind.ips))
    if draw(st.integers(0, 9)) == 0:
        return draw(st.sampled_from([ETHERTYPE_ARP, 0x88B5, 0x0005])), draw(st.binary(max_size=60))
    ports = draw(st.sampled_from([*PORTS, *PORTS, None]))
    ethertype, octets = packet(*kind.ips, draw(st.sampled_from([6, 6, 17, 17, 1])), ports)
    dressed = _dressed_ipv4(octets) if octets[0] >> 4 == 4 else _dressed_ipv6(octets)
    return ethertype, draw(dressed) + draw(st.sampled_from([b"", bytes(8), bytes(600)]))


@st.composite
def _tunnels(draw: st.DrawFn, ips: tuple[str, str]) -> tuple[int, bytes]:
    """A packet in a frame in a packet: VXLAN, NVGRE, and what is nearly one of them."""
    protocol, ports = draw(st.sampled_from([6, 6, 17, 1])), draw(st.sampled_from(PORTS))
    ethertype, octets = packet(*draw(st.sampled_from(FLOWS)), protocol, ports)
    tags = draw(st.sampled_from([b"", b"", tag(7)]))
    inner = mac(7) + mac(8) + tags + struct.pack("!H", ethertype) + draw(_changed(octets))
    if draw(st.booleans()):
        flags = draw(st.sampled_from([0x2000, 0x2000, 0x3000, 0]))
        return packet(*ips, 47, upper=struct.pack("!HHI", flags, 0x6558, 7) + inner)
    port = draw(st.sampled_from([VXLAN_PORT] * 4 + [4788]))
    udp = struct.pack("!HHI", 50000, port, 0)
    return packet(*ips, 17, upper=udp + draw(st.sampled_from([b"\x08"] * 4 + [b"\0"])) + bytes(7) + inner)


@st.composite
def _dressed_ipv4(draw: st.DrawFn, octets: bytes) -> bytes:
    """Any type of service, as it is, with options, or as a fragment."""
    octets = octets[:1] + draw(st.binary(min_size=1, max_size=1)) + octets[2:]
    dress = draw(st.sampled_from(["plain", "lie", "lie", "options", "fragment"]))
    if dress == "options":
        length = struct.pack("!H", len(octets) + 4)
        return b"\x46" + octets[1:2] + length + octets[4:20] + bytes(4) + octets[20:]
    if dress == "fragment":
        return octets[:6] + draw(st.sampled_from([b"\x20\x00", b"\x00\x10"])) + octets[8:]
    if dress == "lie":
        return octets[:2] + struct.pack("!H", draw(st.sampled_from([20, 9000, 23, 0, 24]))) + octets[4:]
    return octets


@st.composite
def _dressed_ipv6(draw: st.DrawFn, octets: bytes) -> bytes:
    """As it is, behind an extension header, or with a length that lies."""
    dress = draw(st.sampled_from(["plain", "lie", "lie", "extension", "mobile"]))
    if dress == "mobile":
        home = (
            octets[6:7] + b"\x02\x01\x02\0\0\xc9\x10" + octets[8:23] + draw(st.sampled_from([b"\1", b"\2"]))
        )
        return octets[:4] + struct.pack("!H", len(octets) - 16) + b"\x3c" + octets[7:40] + home + octets[40:]
    if dress == "extension":
        next_header = draw(st.sampled_from([0, 43, 44, 51, 60]))
        length = struct.pack("!H", len(octets) - 40 + 8)
        extension = octets[6:7] + draw(st.sampled_from([b"\x00", b"\x00", b"\xff"])) + bytes(6)
        return octets[:4] + length + bytes([next_header]) + octets[7:40] + extension + octets[40:]
    if dress == "lie":
        return octets[:4] + struct.pack("!H", draw(st.sampled_from([3, 9000, 0, 4]))) + octets[6:]
    return octets


@st.composite
def _changed(draw: st.DrawFn, frame: bytes) -> bytes:
    """As it is, cut off anywhere, or with one octet of the headers changed."""
    change = draw(st.sampled_from(["none", "none", "none", "none", "cut", "octet"]))
    if change == "cut":
        return frame[: draw(st.integers(0, len(frame)))]
    if change == "octet":
        at = draw(st.integers(0, min(len(frame), 130) - 1))
        return frame[:at] + draw(st.binary(min_size=1, max_size=1)) + frame[at + 1 :]
    return frame
