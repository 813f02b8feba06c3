"""Tunnels: what is VXLAN and NVGRE, what only looks like it, and how much of the inside is believed."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import tag
from tests.unit.crafted import (
    MACS,
    PORTS,
    TCP_HEADER,
    ethernet,
    extension,
    in_ipv6,
    ipv4,
    ipv6,
    nvgre,
    vxlan,
)
from vmdqemu.nic import packet
from vmdqemu.nic.frame import Frame, parse
from vmdqemu.nic.packet import NO_PACKET, Packet
from vmdqemu.nic.tunnel import NO_TUNNELS, VXLAN_PORT, Tunnels

ALL = Tunnels(VXLAN_PORT, nvgre=True)
IPV4_INSIDE = Packet(4, packet.PROTOCOL_TCP, False, bytes([10, 0, 0, 1, 10, 0, 0, 2]), PORTS)
IPV6_INSIDE = Packet(6, packet.PROTOCOL_TCP, False, bytes(range(32)), PORTS)
Wrap = Callable[..., bytes]


def outside(seen: Frame) -> Frame:
    return seen._replace(inner=None, inside_to=b"")


@pytest.mark.parametrize("wrap", [vxlan, nvgre])
@pytest.mark.parametrize(("inner", "expected"), [(ipv4(), IPV4_INSIDE), (ipv6(), IPV6_INSIDE)])
@pytest.mark.parametrize("tags", [b"", tag(7), tag(7) + tag(8)])
def test_the_inner_packet_is_read_behind_its_tags_and_the_outer_one_stays(
    wrap: Wrap, inner: bytes, expected: Packet, tags: bytes
) -> None:
    carried = MACS + tags + inner[12:]
    for sent in (wrap(carried), in_ipv6(wrap(carried)), MACS + tag(5) + wrap(carried)[12:]):
        assert parse(sent, tunnels=ALL).inner == expected
        assert parse(sent, tunnels=ALL).inside_to == MACS[:6]
        assert outside(parse(sent, tunnels=ALL)) == parse(sent)


@pytest.mark.parametrize("sent", [vxlan(ipv4()), nvgre(ipv4())])
def test_an_adapter_that_knows_no_tunnels_sees_the_outside_only(sent: bytes) -> None:
    assert parse(sent, tunnels=NO_TUNNELS).inner is None


def test_each_kind_of_tunnel_is_known_for_itself() -> None:
    only_vxlan, only_nvgre = Tunnels(VXLAN_PORT), Tunnels(nvgre=True)
    assert parse(vxlan(ipv4()), tunnels=only_vxlan).inner == IPV4_INSIDE
    assert parse(nvgre(ipv4()), tunnels=only_vxlan).inner is None
    assert parse(vxlan(ipv4()), tunnels=only_nvgre).inner is None
    assert parse(nvgre(ipv4()), tunnels=only_nvgre).inner == IPV4_INSIDE


def test_vxlan_is_what_goes_to_its_port() -> None:
    other = vxlan(ipv4(), to_port=8472)
    assert parse(other, tunnels=ALL).inner is None
    assert parse(other, tunnels=Tunnels(8472)).inner == IPV4_INSIDE
    assert parse(vxlan(ipv4()), tunnels=Tunnels(8472)).inner is None


def test_the_port_is_the_datagrams_destination_and_not_a_segments() -> None:
    assert parse(vxlan(ipv4(), protocol=packet.PROTOCOL_TCP), tunnels=ALL).inner is None
    from_port = ipv4(VXLAN_PORT.to_bytes(2, "big") + bytes(6) + b"\x08" + bytes(7) + ipv4(), protocol=17)
    assert parse(from_port, tunnels=ALL).inner is None


@pytest.mark.parametrize("flags", range(256))
def test_vxlan_has_the_i_flag_and_the_others_are_ignored(flags: int) -> None:
    assert parse(vxlan(ipv4(), flags), tunnels=ALL).inner == (IPV4_INSIDE if flags & 0x08 else None)


@pytest.mark.parametrize("flags", [0x2000, 0xA000, 0x3000, 0xB000, 0x2008, 0x23F8])
def test_gre_with_a_key_is_nvgre_whatever_optional_field_it_has(flags: int) -> None:
    assert parse(nvgre(ipv4(), flags), tunnels=ALL).inner == IPV4_INSIDE


@pytest.mark.parametrize("flags", [0x0000, 0x9000, 0x6000, 0x2400, 0x2800, 0x2001, 0x2007])
def test_gre_without_a_key_or_with_what_must_be_zero_is_unknown(flags: int) -> None:
    assert parse(nvgre(ipv4(), flags), tunnels=ALL).inner is None


@pytest.mark.parametrize("ethertype", [0x0800, 0x86DD, 0x880B, 0x6559])
def test_gre_that_carries_no_ethernet_is_unknown(ethertype: int) -> None:
    assert parse(nvgre(ipv4(), ethertype=ethertype), tunnels=ALL).inner is None


@pytest.mark.parametrize("wrap", [vxlan, nvgre])
@pytest.mark.parametrize("flags_offset", [0x2000, 0x2001, 0x0001])
def test_a_fragment_is_no_tunnel(wrap: Wrap, flags_offset: int) -> None:
    assert parse(wrap(ipv4(), flags_offset=flags_offset), tunnels=ALL).inner is None


@pytest.mark.parametrize("wrap", [vxlan, nvgre])
@pytest.mark.parametrize(
    "inner",
    [
        b"",
        ipv4()[:13],
        ipv4()[:14],
        ipv4()[:33],
        ipv4()[:53],  # its packet ends behind the outer one's end
        ipv4(version=5),
        ethernet(0x0806, bytes(46)),
        MACS + tag(4095) + ipv4()[12:],
        MACS + tag(7)[:3],
        MACS + tag(1) + tag(2) + tag(3) + ipv4()[12:],
    ],
)
def test_a_tunnel_whose_inside_cannot_be_read_is_still_a_tunnel(wrap: Wrap, inner: bytes) -> None:
    padded = wrap(inner) + bytes(200)  # padding is not inside
    assert parse(padded, tunnels=ALL).inner == NO_PACKET
    assert parse(padded, tunnels=ALL).inside_to == (inner[:6] if len(inner) >= 14 else b"")


@pytest.mark.parametrize(
    "inner",
    [
        ipv4(flags_offset=0x2000),
        ipv4(protocol=1),
        ipv4(TCP_HEADER[:3]),
        ipv6(extension(6) + TCP_HEADER, packet.PROTOCOL_DESTINATION_OPTIONS),
        ipv6(extension(6) + TCP_HEADER, packet.PROTOCOL_FRAGMENT),
    ],
)
def test_an_inner_packet_without_tcp_or_udp_right_behind_its_header_has_no_ports(inner: bytes) -> None:
    seen = parse(vxlan(inner), tunnels=ALL).inner
    assert seen is not None
    assert seen.ip != 0
    assert seen.ports == b""


def test_inner_ipv4_options_are_part_of_the_header() -> None:
    inner = ipv4(bytes(40) + TCP_HEADER, ihl=15, total_length=80)
    assert parse(vxlan(inner), tunnels=ALL).inner == IPV4_INSIDE


@pytest.mark.parametrize("depth", range(2, 5))
def test_one_level_is_read_and_no_more(depth: int) -> None:
    """What is inside of that is its payload: one datagram to the VXLAN port."""
    sent = ipv4()
    for _ in range(depth):
        sent = vxlan(sent)
    seen = parse(sent, tunnels=ALL).inner
    assert seen is not None
    assert (seen.protocol, seen.ports[2:]) == (packet.PROTOCOL_UDP, VXLAN_PORT.to_bytes(2, "big"))


def test_the_longest_headers_that_have_no_extension_fit_in_the_octets_that_are_read() -> None:
    def long(payload: bytes, protocol: int) -> bytes:
        return ipv4(bytes(40) + payload, ihl=15, total_length=60 + len(payload), protocol=protocol)

    inner = MACS + tag(1) + tag(2) + long(TCP_HEADER, packet.PROTOCOL_TCP)[12:]
    gre = nvgre(inner, 0xB000)[34:]
    sent = MACS + tag(3) + tag(4) + long(gre, packet.PROTOCOL_GRE)[12:]
    assert parse(sent, tunnels=ALL).inner == IPV4_INSIDE


@given(st.binary(max_size=120), st.sampled_from([vxlan, nvgre]), st.sampled_from([1, 4789, 65535]))
def test_any_inside_gives_a_record_and_changes_nothing_outside(inner: bytes, wrap: Wrap, port: int) -> None:
    sent = wrap(inner)
    assert outside(parse(sent, tunnels=Tunnels(port, nvgre=True))) == parse(sent)
