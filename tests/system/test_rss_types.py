"""Vectors of hash types, home addresses and tunnels as real frames: each arrives in the queue of its hash."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    HAO,
    IPv6,
    IPv6ExtHdrDestOpt,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
    IPv6ExtHdrRouting,
)
from scapy.layers.l2 import ARP, GRE, Ether
from scapy.packet import Packet

from tests.system import numbered
from tests.system.harness import RunningLab, eventually, running
from vmdqemu.nic.rss import DEFAULT_KEY, HashType, toeplitz

pytestmark = pytest.mark.system

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/rss_vectors.json").read_text())
CASES = {case["id"]: case for case in VECTORS["hash_type_selection_cases"]}
PUBLISHED = {vector["id"]: vector for vector in VECTORS["published"]}
QUEUES = 16
TYPES = {
    "all": [kind.name for kind in HashType],
    "t-3": CASES["t-3"]["enabled"],
    "t-7": CASES["t-7"]["enabled"],
    "t-9": CASES["t-9"]["enabled"],
    "t-13": CASES["t-13"]["enabled"],
    "t-15": CASES["t-15"]["enabled"],
}
LAB = '[adapter]\nmode = "vmmq"\n[wire]\n' + "".join(
    f'[[vm]]\nname = "{name}"\nqueues = {QUEUES}\nrss_types = {json.dumps(types)}\n'
    for name, types in TYPES.items()
)

V4: dict[str, Any] = {"src": "66.9.149.187", "dst": "161.142.100.80"}  # of ms-v4-1
V4_PORTS: dict[str, Any] = {"sport": 2794, "dport": 1766}
V6: dict[str, Any] = {"src": "3ffe:501:8::260:97ff:fe40:efab", "dst": "ff02::1"}  # of ms-v6-2
V6_PORTS: dict[str, Any] = {"sport": 14230, "dport": 4739}
NVGRE = GRE(proto=0x6558, key_present=1, key=0x123400)


def published(name: str, kind: str) -> int:
    return int(PUBLISHED[name][kind]["hash_int"])


def tcp_of(name: str) -> Packet:
    vector = PUBLISHED[name]
    header = {4: IP, 6: IPv6}[vector["ip_version"]](src=vector["src"], dst=vector["dst"])
    return header / TCP(sport=vector["src_port"], dport=vector["dst_port"])


def selections() -> Iterator[tuple[str, Packet, int | None]]:
    """A VM by its types, a packet, and its hash."""
    tcp, addresses = published("ms-v4-1", "tcp"), published("ms-v4-1", "ip_only")
    yield "t-3", IP(**V4) / TCP(**V4_PORTS), tcp  # t-1
    yield "t-3", IP(**V4) / ICMP(), addresses
    yield "t-3", IP(**V4, frag=185) / TCP(**V4_PORTS), addresses  # t-5
    yield "t-3", IP(**V4, flags="MF") / TCP(**V4_PORTS), addresses
    yield "t-7", IP(**V4, flags="MF") / TCP(**V4_PORTS), None
    yield "t-7", IP(**V4) / UDP(**V4_PORTS), None
    yield "t-9", IP(**V4) / UDP(**V4_PORTS), tcp
    yield "t-7", IP(**V4, options=[IPOption_NOP()] * 8) / TCP(**V4_PORTS), tcp  # t-11
    yield "t-13", IPv6(**V6) / IPv6ExtHdrFragment() / TCP(**V6_PORTS), published("ms-v6-2", "ip_only")
    yield "t-13", IPv6(**V6) / IPv6ExtHdrHopByHop() / TCP(**V6_PORTS), published("ms-v6-2", "tcp")
    yield "t-13", IPv6(**V6) / UDP(**V6_PORTS), published("ms-v6-2", "ip_only")
    yield "t-15", ARP(), None
    yield "t-15", IP(**V4) / UDP(**V4_PORTS), addresses


def mobile_nodes() -> Iterator[tuple[str, Packet, int | None]]:
    """The `x-*` vectors; plain types take the addresses of the IP header."""
    for case in VECTORS["ipv6_ex_derived"]:
        ends: dict[str, Any] = {"src": case["header_src"], "dst": case["header_dst"]}
        packet = IPv6(**ends)
        if case["routing_type2_address"]:
            packet /= IPv6ExtHdrRouting(type=2, addresses=[case["routing_type2_address"]])
        if case["home_address_option"]:
            packet /= IPv6ExtHdrDestOpt(options=[HAO(hoa=case["home_address_option"])])
        upper = TCP(sport=case["src_port"], dport=case["dst_port"]) if case["src_port"] else b"none"
        yield "all", packet / upper, case["hash_int"]
        plain = bytes(IPv6(**ends))[8:40] + (bytes(upper)[:4] if case["src_port"] else b"")
        yield "t-15", packet / upper, toeplitz(DEFAULT_KEY, plain)


def tunnels() -> Iterator[tuple[str, Packet, int | None]]:
    """The `e-*` vectors, and outer and inner IP of both versions."""
    yield "all", IP(**V4) / NVGRE / Ether() / tcp_of("ms-v4-2"), published("ms-v4-2", "tcp")
    yield "all", IP(**V4) / NVGRE / Ether() / tcp_of("ms-v6-2"), published("ms-v6-2", "tcp")
    yield "all", IPv6(**V6) / NVGRE / Ether() / tcp_of("ms-v4-3"), published("ms-v4-3", "tcp")
    yield "all", IP(**V4) / GRE(proto=0x880B) / b"ppp", published("ms-v4-1", "ip_only")


def arrivals(lab: RunningLab, vm: str) -> list[int]:
    """At each RX queue of a VM, counted in the kernel before any of our code runs."""
    return [row["arrivals"] for row in lab.call("queue.list")["queues"] if row["VmFriendlyName"] == vm]


def placed(lab: RunningLab, vm: str, outside: socket.socket, packet: Packet) -> int:
    """The queue of a VM, counted from 0, that a frame with this packet arrives in."""
    before = arrivals(lab, vm)
    outside.send(bytes(Ether(src=lab.mac("ext"), dst=lab.mac(vm)) / packet).ljust(60, b"\0"))
    eventually(lambda: sum(arrivals(lab, vm)) == sum(before) + 1, "it arrives")
    return [now - then for then, now in zip(before, arrivals(lab, vm), strict=True)].index(1)


def test_every_vector_arrives_in_the_queue_of_its_hash(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab, numbered.link(lab, "ext", "wire0") as outside:
        for vm, packet, value in (*selections(), *mobile_nodes(), *tunnels()):
            expected = 0 if value is None else value % 128 % QUEUES
            assert placed(lab, vm, outside, packet) == expected, packet.summary()


def test_the_vectors_tell_a_hash_by_ports_from_one_by_addresses_and_from_none() -> None:
    for name in ("ms-v4-1", "ms-v6-2"):
        queues = {published(name, kind) % 128 % QUEUES for kind in ("tcp", "ip_only")}
        assert len(queues | {0}) == 3
