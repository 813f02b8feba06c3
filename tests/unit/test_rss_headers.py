"""RSS of what is not where the IP header says: flows inside of tunnels, and mobile nodes."""

from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import (
    HAO,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import ARP, GRE, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet

from tests.unit.vectors import PUBLISHED, VECTORS, frame_of, packet_of
from vmdqemu.nic import rss
from vmdqemu.nic.frame import Frame
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_TYPES, Hash, HashType, Rss
from vmdqemu.nic.tunnel import VXLAN_PORT, Tunnels

V4, V6 = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="fd00::1", dst="fd00::2")


def mobile(case: dict[str, Any], types: HashType) -> Hash | None:
    """The hash of an `x-*` vector's packet."""
    sent = IPv6(src=case["header_src"], dst=case["header_dst"])
    if case["routing_type2_address"]:
        sent /= IPv6ExtHdrRouting(type=2, addresses=[case["routing_type2_address"]])
    if case["home_address_option"]:
        sent /= IPv6ExtHdrDestOpt(options=[HAO(hoa=case["home_address_option"])])
    upper = TCP(sport=case["src_port"], dport=case["dst_port"]) if case["src_port"] else b"no transport"
    return rss.hash_frame(frame_of(sent / upper), Rss.spread(16, types=types))


@pytest.mark.parametrize("case", VECTORS["ipv6_ex_derived"], ids=lambda case: case["id"])
def test_a_mobile_node_is_hashed_by_its_home_address(case: dict[str, Any]) -> None:
    used = HashType[case["hash_type"].removeprefix("NDIS_HASH_")]
    assert mobile(case, HashType.IPV6_EX | HashType.TCP_IPV6_EX) == Hash(used, case["hash_int"])


@pytest.mark.parametrize("case", VECTORS["ipv6_ex_derived"], ids=lambda case: case["id"])
def test_plain_types_hash_the_ip_header_whatever_the_options_say(case: dict[str, Any]) -> None:
    ends = IPv6(src=case["header_src"], dst=case["header_dst"])
    upper = TCP(sport=case["src_port"], dport=case["dst_port"]) if case["src_port"] else b"no transport"
    seen = mobile(case, DEFAULT_TYPES)
    assert seen == rss.hash_frame(frame_of(ends / upper), Rss.spread(16))
    assert seen is not None
    assert seen.type not in rss.EX_TYPES


V6_TYPES = [kind for kind in HashType if kind.ndis_name.count("IPV6")]
ON_THE_MOVE = V6 / IPv6ExtHdrDestOpt(options=[HAO(hoa="fd00::3")])


@pytest.mark.parametrize("moving", [False, True])
@pytest.mark.parametrize("transport", ["TCP", "UDP", ""])
def test_the_data_chooses_the_set_and_the_other_stands_in(moving: bool, transport: str) -> None:
    """All 64 combinations: in a set the transport goes before IP (NDIS: rss-hashing-types)."""
    upper = {"TCP": TCP(), "UDP": UDP(), "": ICMP()}[transport]
    frame = frame_of((ON_THE_MOVE if moving else V6) / upper)
    names = [f"{transport}_IPV6" if transport else "IPV6", "IPV6"]
    order = [name + suffix for suffix in (("_EX", "") if moving else ("", "_EX")) for name in names]
    for members in range(1 << len(V6_TYPES)):
        enabled = HashType(sum(kind for bit, kind in enumerate(V6_TYPES) if members >> bit & 1))
        used = next((HashType[name] for name in order if HashType[name] & enabled), None)
        assert rss.hash_type(frame, enabled) == used


def test_a_packet_whose_extension_headers_cannot_be_skipped_has_no_hash() -> None:
    """Not even by its addresses, which a NIC that reads them all would not take (NDIS: rss-hashing-types)."""
    sent = IPv6(src="fd00::1", dst="fd00::2", nh=0) / (bytes([6, 200]) + bytes(6) + bytes(TCP()))
    assert rss.hash_type(frame_of(sent), ALL_TYPES) is None


NVGRE = GRE(proto=0x6558, key_present=1, key=0x123400)
TUNNELS = {"vxlan": UDP(sport=50000, dport=VXLAN_PORT) / VXLAN(vni=7), "nvgre": NVGRE}
BY_ID = {vector["id"]: vector for vector in PUBLISHED}


def tunnelled(outer: str, kind: str, inner: Packet) -> Frame:
    header = packet_of(BY_ID[outer], None)
    carried = Ether(src="02:00:00:00:00:1a", dst="02:00:00:00:00:1b") / inner
    return frame_of(header / TUNNELS[kind] / carried, Tunnels(VXLAN_PORT, nvgre=True))


def tcp_of(vector: dict[str, Any]) -> Packet:
    return packet_of(vector, TCP(sport=vector["src_port"], dport=vector["dst_port"]))


@pytest.mark.parametrize("kind", TUNNELS)
@pytest.mark.parametrize("outer", ["ms-v4-1", "ms-v6-1"])
@pytest.mark.parametrize("vector", PUBLISHED, ids=lambda vector: vector["id"])
def test_in_a_tunnel_the_inner_flow_is_hashed(outer: str, kind: str, vector: dict[str, Any]) -> None:
    """`e-nvgre-tcp` and `e-nvgre-v6inner` are two of these. Outer and inner versions may differ."""
    settings = Rss.spread(16, types=ALL_TYPES)
    seen = rss.hash_frame(tunnelled(outer, kind, tcp_of(vector)), settings)
    assert seen == Hash(HashType[f"TCP_IPV{vector['ip_version']}"], vector["tcp"]["hash_int"])


@pytest.mark.parametrize("kind", TUNNELS)
@pytest.mark.parametrize(
    "inner",
    [
        V4 / ICMP(),
        ARP(),
        IP(src="10.0.0.1", dst="10.0.0.2", flags="MF") / TCP(),
        V6 / IPv6ExtHdrHopByHop() / TCP(),
    ],
    ids=["icmp", "arp", "first fragment", "extension header"],
)
def test_a_tunnel_without_an_inner_flow_is_hashed_by_its_outer_addresses(kind: str, inner: Packet) -> None:
    settings = Rss.spread(16, types=ALL_TYPES)
    outer = Hash(HashType.IPV4, BY_ID["ms-v4-2"]["ip_only"]["hash_int"])
    assert rss.hash_frame(tunnelled("ms-v4-2", kind, inner), settings) == outer


def test_an_encapsulation_that_is_not_known_is_hashed_as_the_ip_packet_that_it_is() -> None:
    """`e-gre-unknown`."""
    settings = Rss.spread(16, types=ALL_TYPES)
    sent = packet_of(BY_ID["ms-v4-2"], None) / GRE(proto=0x880B) / b"ppp"
    seen = rss.hash_frame(frame_of(sent, Tunnels(VXLAN_PORT, nvgre=True)), settings)
    assert seen == Hash(HashType.IPV4, 0xD718262A)


def test_an_inner_type_that_is_off_leaves_the_outer_addresses() -> None:
    frame = tunnelled("ms-v6-1", "vxlan", tcp_of(BY_ID["ms-v4-1"]))
    assert rss.hash_type(frame, ALL_TYPES & ~HashType.TCP_IPV4) == HashType.IPV6
    assert rss.hash_type(frame, HashType.TCP_IPV4) == HashType.TCP_IPV4
    assert rss.hash_type(frame, HashType.IPV4 | HashType.TCP_IPV6 | HashType.UDP_IPV6) is None
