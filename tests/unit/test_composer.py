"""Frames in short form as octets: scapy finds nothing to correct, and the adapter reads what was said."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6
from scapy.layers.l2 import ARP, GRE, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet

from tests.unit.test_short_form import forms
from vmdqemu.nic import frame
from vmdqemu.nic.tunnel import VXLAN_PORT, Tunnels
from vmdqemu.observe import short_form
from vmdqemu.observe.composer import EXPERIMENTAL, SHORTEST, compose
from vmdqemu.observe.short_form import Kind, ShortForm

SOURCE, DESTINATION = bytes.fromhex("020000000009"), bytes.fromhex("020000000001")
INSIDE = "/tcp,192.168.0.9:1000->192.168.0.1:80"
BOTH = Tunnels(VXLAN_PORT, nvgre=True)


def composed(text: str) -> bytes:
    return compose(addressed(short_form.read(text)), VXLAN_PORT)


def addressed(form: ShortForm) -> ShortForm:
    """With our MAC addresses where it has none."""
    return form._replace(
        source=form.source or SOURCE,
        destination=form.destination or DESTINATION,
        inner=form.inner and addressed(form.inner),
    )


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("tcp,10.0.0.9:1000->10.0.0.1:80", [Ether, IP, TCP]),
        ("tcp,10.0.0.9:1000->10.0.0.1:80,vlan=5,vlan=0", [Ether, Dot1Q, Dot1Q, IP, TCP]),
        ("tcp,[fd00::9]:1000->[fd00::1]:80,length=1000", [Ether, IPv6, TCP]),
        ("udp,10.0.0.9:1000->10.0.0.1:80,length=61", [Ether, IP, UDP]),
        ("udp,[fd00::9]:1000->[fd00::1]:80", [Ether, IPv6, UDP]),
        ("icmp,10.0.0.9->10.0.0.1,length=99", [Ether, IP, ICMP]),
        ("icmp,[fd00::9]->[fd00::1]", [Ether, IPv6, ICMPv6EchoRequest]),
        ("arp,10.0.0.9->10.0.0.1", [Ether, ARP]),
        (f"vxlan,10.0.0.9->10.0.0.1,vni=77{INSIDE}", [Ether, IP, UDP, VXLAN, Ether, IP, TCP]),
        (f"vxlan,[fd00::9]->[fd00::1]{INSIDE},vlan=5", [Ether, IPv6, UDP, VXLAN, Ether, Dot1Q, IP, TCP]),
        (f"nvgre,10.0.0.9->10.0.0.1,vsid=77{INSIDE}", [Ether, IP, GRE, Ether, IP, TCP]),
    ],
)
def test_lengths_and_checksums_are_those_that_scapy_would_write(
    text: str, layers: list[type[Packet]]
) -> None:
    octets = composed(text)
    assert [type(layer) for layer in _layers(Ether(octets))][: len(layers)] == layers
    assert bytes(_blank(Ether(octets))) == octets


def _layers(packet: Packet) -> list[Packet]:
    found = []
    while packet:
        found.append(packet)
        packet = packet.payload
    return found


def _blank(packet: Packet) -> Packet:
    """Without what scapy works out; a tunnel's UDP checksum is 0 and stays so (RFC 7348 5)."""
    for layer in _layers(packet):
        for field in ("len", "plen", "chksum", "cksum"):
            if field in layer.fields and not (layer.fields[field] == 0 and isinstance(layer, UDP)):
                layer.delfieldval(field)
    return packet


def test_networks_and_the_question_of_arp_are_where_they_belong() -> None:
    assert Ether(composed(f"vxlan,10.0.0.9->10.0.0.1,vni=77{INSIDE}"))[VXLAN].vni == 77
    assert Ether(composed(f"nvgre,10.0.0.9->10.0.0.1,vsid=77{INSIDE}"))[GRE].key == 77 << 8
    asked = Ether(composed("arp,10.0.0.9->10.0.0.1"))[ARP]
    assert (asked.op, asked.hwsrc, asked.psrc, asked.pdst) == (1, SOURCE.hex(":"), "10.0.0.9", "10.0.0.1")


@given(forms())
def test_the_adapter_reads_what_was_said(form: ShortForm) -> None:
    form = addressed(form)._replace(length=None, vlans=form.vlans[: frame.MAX_TAGS])
    if form.inner is not None:
        form = form._replace(inner=form.inner._replace(length=None, vlans=()))
    octets = compose(form, VXLAN_PORT)
    seen = frame.parse(octets, tunnels=BOTH)
    assert len(octets) >= SHORTEST
    assert (seen.destination, seen.source) == (form.destination, form.source)
    assert seen.vlan == (form.vlans[0] if form.vlans else None)
    if frame.RESERVED_VID in form.vlans or form.kind in (Kind.ETHER, Kind.ARP):
        return
    said = _packet(form)
    if form.kind in (Kind.TCP, Kind.UDP):
        assert (seen.addresses, seen.ports) == said
    else:
        assert seen.addresses == said[0]
    if form.inner is not None and form.inner.kind in (Kind.TCP, Kind.UDP):
        assert seen.inner is not None
        assert (seen.inner.addresses, seen.inner.ports) == _packet(form.inner)


def _packet(form: ShortForm) -> tuple[bytes, bytes]:
    """Its addresses and its ports."""
    ends: Any = form.ends
    addresses = b"".join(end.address.packed for end in ends)
    return addresses, b"".join((end.port or 0).to_bytes(2, "big") for end in ends)


@given(forms(), st.integers(0, 2000))
def test_a_frame_is_as_long_as_it_was_said_to_be(form: ShortForm, length: int) -> None:
    form = addressed(form)._replace(inner=form.inner and addressed(form.inner)._replace(length=None))
    try:
        assert len(compose(form._replace(length=length), VXLAN_PORT)) == length
    except ValueError as error:
        shortest = int(str(error).split()[-3])
        assert length < shortest
        assert len(compose(form._replace(length=shortest), VXLAN_PORT)) == shortest


def test_a_frame_of_no_protocol_is_an_experiment() -> None:
    assert frame.parse(composed("ether")).ethertype == EXPERIMENTAL
    assert frame.parse(composed("ether,type=0x1234")).ethertype == 0x1234
