"""The tools that everybody uses, across the adapter: ping and iperf3, VM to VM and to the outside."""

from pathlib import Path

import pytest

from tests.system.harness import RunningLab, running
from tests.system.iperf import iperf3

pytestmark = pytest.mark.system

LAB = """
mtu = {mtu}
vm = [
  {{ name = "vm1", address = ["10.0.0.1/24", "fd00::1/64"] }},
  {{ name = "vm2", address = ["10.0.0.2/24", "fd00::2/64"] }},
]
[adapter]
offloads = {offloads}
[wire]
address = ["10.0.0.3/24", "fd00::3/64"]
"""
ADDRESSES = {"vm1": ("10.0.0.1", "fd00::1"), "vm2": ("10.0.0.2", "fd00::2"), "ext": ("10.0.0.3", "fd00::3")}
WAYS = [("vm1", "vm2"), ("ext", "vm1"), ("vm2", "ext")]
IP_AND_ICMP_HEADER = {"-4": 20 + 8, "-6": 40 + 8}

ONE_SECOND = ("-t", "1")
UDP_PACKETS_PER_SECOND = 5000


@pytest.mark.parametrize(("offloads", "mtu"), [("true", 1500), ("false", 1500), ("true", 9000)])
def test_the_usual_tools_work_in_every_direction(tmp_path: Path, offloads: str, mtu: int) -> None:
    with running(LAB.format(offloads=offloads, mtu=mtu), tmp_path) as lab:
        for client, server in WAYS:
            neighbours_are_found(lab, client, server)
            largest_packet_passes(lab, client, server, mtu)
            tcp_moves(lab, client, server)
            udp_arrives(lab, client, server, mtu)
        superframes_cross_only_with_offloads(lab, offloads == "true")
        assert {row["port"]: row["drops"] for row in lab.call("stats")["ports"]} == {
            "wire": {},
            "vm1": {},
            "vm2": {},
        }


def neighbours_are_found(lab: RunningLab, client: str, server: str) -> None:
    """By ARP and by IPv6 neighbour discovery: the entries are not there before, and then they are."""
    for family, address in zip(("-4", "-6"), ADDRESSES[server], strict=True):
        assert lab.mac(server) not in lab.run(client, "ip", family, "neigh", "show", "to", address)
        lab.run(client, "ping", family, "-c", "2", "-i", "0.01", "-W", "5", address)
        assert lab.mac(server) in lab.run(client, "ip", family, "neigh", "show", "to", address)


def largest_packet_passes(lab: RunningLab, client: str, server: str, mtu: int) -> None:
    for family, address in zip(("-4", "-6"), ADDRESSES[server], strict=True):
        size = str(mtu - IP_AND_ICMP_HEADER[family])
        lab.run(client, "ping", family, "-M", "do", "-c", "1", "-W", "5", "-s", size, address)


def tcp_moves(lab: RunningLab, client: str, server: str) -> None:
    for address in ADDRESSES[server]:
        end = iperf3(lab, client, server, address, "-n", "40M")
        assert end["sum_received"]["bytes"] > 20 << 20  # some are still on their way at its end


def udp_arrives(lab: RunningLab, client: str, server: str, mtu: int) -> None:
    """What iperf3 misses, a ring or the receiver's own socket had no room for, and counted."""
    octets = mtu - IP_AND_ICMP_HEADER["-4"]
    rate = UDP_PACKETS_PER_SECOND * octets * 8
    options = ("-u", "-b", str(rate), "-l", str(octets), *ONE_SECOND)
    before = counted_losses(lab, server)
    end = iperf3(lab, client, server, ADDRESSES[server][0], *options)
    assert end["sum"]["packets"] > UDP_PACKETS_PER_SECOND / 10
    assert end["sum"]["lost_packets"] <= counted_losses(lab, server) - before


def counted_losses(lab: RunningLab, receiver: str) -> int:
    in_rings = sum(int(row["ring_overflow"]) for row in lab.call("stats")["ports"])
    return in_rings + int(lab.run(receiver, "nstat", "-asz", "UdpRcvbufErrors").split()[-2])


def superframes_cross_only_with_offloads(lab: RunningLab, offloads: bool) -> None:
    for name in ("wire", "vm1", "vm2"):
        port = lab.port(name)
        assert (port["read_wire"] > port["reads"]) is offloads, name
        assert (port["write_wire"] > port["writes"]) is offloads, name
