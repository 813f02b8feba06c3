"""Header parsing against scapy, as the dull and independent reader of the same well-formed frames."""

import struct
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    ICMPv6EchoRequest,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import ARP, Dot1AD, Dot1Q, Ether
from scapy.packet import NoPayload, Padding

from vmdqemu.nic.frame import Frame, parse, parse_mac

Packet = Any  # scapy makes its fields at run time

PORT = st.integers(0, 0xFFFF)
ETHER = st.builds(Ether, dst=st.just("02:00:00:00:00:0b"), src=st.just("02:00:00:00:00:0a"))
VLANS = st.builds(Dot1Q, vlan=st.integers(0, 4094), prio=st.integers(0, 7), dei=st.integers(0, 1))
SERVICE_VLANS = st.builds(Dot1AD, vlan=st.integers(0, 4094), prio=st.integers(0, 7))
UPPER_LAYERS = st.builds(TCP, sport=PORT, dport=PORT) | st.builds(UDP, sport=PORT, dport=PORT)
IPV4 = st.builds(
    IP,
    src=st.ip_addresses(v=4).map(str),
    dst=st.ip_addresses(v=4).map(str),
    options=st.lists(st.builds(IPOption_NOP), max_size=40),
    flags=st.sampled_from(["", "DF", "MF"]),
    frag=st.just(0) | st.integers(0, 0x1FFF),
)
IPV6 = st.builds(IPv6, src=st.ip_addresses(v=6).map(str), dst=st.ip_addresses(v=6).map(str))
IPV6_EXTENSIONS = st.lists(
    st.builds(IPv6ExtHdrHopByHop)
    | st.builds(IPv6ExtHdrDestOpt)
    | st.builds(IPv6ExtHdrRouting, addresses=st.lists(st.ip_addresses(v=6).map(str), max_size=2)),
    max_size=3,
)
IPV6_FRAGMENTS = st.builds(
    IPv6ExtHdrFragment, offset=st.just(0) | st.integers(0, 0x1FFF), m=st.integers(0, 1)
)


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    tags = draw(st.lists(VLANS, max_size=2) | st.tuples(SERVICE_VLANS, VLANS))
    network: list[Packet]
    if draw(st.booleans()):
        network = [draw(IPV4), draw(UPPER_LAYERS | st.builds(ICMP))]
    else:
        fragment = draw(st.lists(IPV6_FRAGMENTS, max_size=1))
        upper = draw(UPPER_LAYERS | st.builds(ICMPv6EchoRequest))
        network = [draw(IPV6), *draw(IPV6_EXTENSIONS), *fragment, upper]
    packet = draw(ETHER)
    for layer in [*tags, *draw(st.just(network) | st.just([ARP()]))]:
        packet = packet / layer
    return bytes(packet / draw(st.binary(max_size=20))) + draw(st.binary(max_size=20))


def layers(packet: Packet) -> Iterator[Packet]:
    while not isinstance(packet, NoPayload | Padding):
        yield packet
        packet = packet.payload


def scapy_reads(octets: bytes) -> Frame:
    """The record of a well-formed frame, out of scapy's dissection."""
    stack = list(layers(Ether(octets)))
    tags = [layer for layer in stack if isinstance(layer, Dot1Q)]
    link = Frame(
        length=len(octets),
        destination=parse_mac(stack[0].dst),
        source=parse_mac(stack[0].src),
        vlan=tags[0].vlan if tags else None,
        priority=tags[0].prio if tags else 0,
        tags=len(tags),
        ethertype=tags[-1].type if tags else stack[0].type,
    )
    ip = next((layer for layer in stack if isinstance(layer, IP | IPv6)), None)
    if ip is None:
        return link
    chain = [layer for layer in stack if hasattr(layer, "nh")]
    fragment = bool(ip.flags.MF or ip.frag) if ip.version == 4 else IPv6ExtHdrFragment in ip
    upper = next((layer for layer in stack if isinstance(layer, TCP | UDP)), None)
    return link._replace(
        ip=ip.version,
        protocol=ip.proto if ip.version == 4 else chain[-1].nh,
        fragment=fragment,
        addresses=ip_address(ip.src).packed + ip_address(ip.dst).packed,
        ports=struct.pack("!HH", upper.sport, upper.dport) if upper and not fragment else b"",
    )


@given(frames())
def test_a_well_formed_frame_gives_what_scapy_reads_in_it(octets: bytes) -> None:
    assert parse(octets) == scapy_reads(octets)
