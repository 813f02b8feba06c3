"""VXLAN, NVGRE and what no filter takes, as real frames: they arrive in the queue that decide() names."""

from collections.abc import Iterator

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import ARP, GRE, Dot1Q, Ether
from scapy.layers.vxlan import VXLAN
from scapy.packet import Packet

from tests.system.frames import BROADCAST, Ports, ports
from tests.system.harness import RunningLab, eventually, shared
from vmdqemu.config_adapter import describe
from vmdqemu.host.decide import decide
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.frame import parse

pytestmark = pytest.mark.system

LAB = """
vm = [
  { name = "one" },
  { name = "four", queues = 4 },
]
[adapter]
mode = "vmmq"
vxlan_port = 8472
[host]
processors = 3
[wire]
"""
STRANGER = "02:ff:ff:00:00:01"
VM_QUEUES = {4, 5, 6, 7}  # of "four", behind the default VPort's three and "one"'s
DEFAULT_QUEUES = {0, 1, 2}
OUTER = [IP(src="192.0.2.1", dst="192.0.2.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")]
TUNNELS = {
    "vxlan": UDP(sport=50000, dport=8472) / VXLAN(vni=7),
    "nvgre": GRE(proto=0x6558, key_present=1, key=0x123400),
}


lab = shared(LAB)


@pytest.fixture
def there(lab: RunningLab) -> Iterator[Ports]:
    with ports(lab) as there:
        yield there


def counts(lab: RunningLab, column: str) -> dict[int, int]:
    return {number: row[column] for number, row in enumerate(lab.call("queue.list")["queues"])}


def inner_flows() -> Iterator[Packet]:
    """What may be inside of a tunnel: eight flows of each kind, and what has none."""
    for port in range(8):
        yield IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=port, dport=80)
        yield Dot1Q(vlan=7) / IPv6(src="fd00::1", dst="fd00::2") / UDP(sport=port, dport=80)
    yield IP(src="10.0.0.1", dst="10.0.0.2") / ICMP()
    yield ARP()


def arrive(lab: RunningLab, there: Ports, packets: Iterator[Packet]) -> set[int]:
    """Send frames one by one; each arrives in decide()'s queue and in no other. Returns those queues."""
    queues = set()
    tables = compile_tables(describe(lab.config), generation=1)
    expected = counts(lab, "arrivals")
    for packet in packets:
        sent = bytes(packet)
        (placed,) = decide(parse(sent, tunnels=tables.tunnels), WIRE, tables).nic.queues
        expected[placed.queue] += 1
        queues.add(placed.queue)
        there.links["ext"].send(sent)
        eventually(lambda: counts(lab, "arrivals") == expected, packet.summary())
    lab.assert_law()
    assert counts(lab, "rx-packets") == expected
    return queues


@pytest.mark.parametrize("kind", TUNNELS)
def test_flows_in_a_tunnel_spread_over_the_vms_queues(lab: RunningLab, there: Ports, kind: str) -> None:
    lookups = lab.port("wire")["lookups"]
    link = Ether(src=lab.mac("ext"), dst=lab.mac("four"))
    inside = Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b")
    sent = (link / outer / TUNNELS[kind] / inside / inner for outer in OUTER for inner in inner_flows())
    assert arrive(lab, there, sent) == VM_QUEUES
    assert lab.port("wire")["lookups"] == lookups


def test_what_no_filter_takes_spreads_over_the_default_queues(lab: RunningLab, there: Ports) -> None:
    lookups = lab.port("wire")["lookups"]
    plain = [outer / UDP(sport=port, dport=9) / b"x" for outer in OUTER for port in range(8)]
    inside = Ether() / IP(src="10.0.0.1", dst="10.0.0.2")
    tunnelled = [OUTER[0] / TUNNELS["vxlan"] / inside / TCP(sport=port) for port in range(8)]
    for destination in (BROADCAST, STRANGER):
        link = Ether(src=lab.mac("ext"), dst=destination)
        sent = (link / packet for packet in [*plain, *tunnelled, ARP()])
        assert arrive(lab, there, sent) == DEFAULT_QUEUES
    assert lab.port("wire")["lookups"] == lookups + 2 * (len(plain) + len(tunnelled) + 1)
