"""The published hash vectors as real frames: the counter that moves is that of the queue the table says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from tests.system.frames import BROADCAST, Ports, frame, ports
from tests.system.harness import RunningLab, running
from vmdqemu.nic.counters import DropReason

pytestmark = pytest.mark.system

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/rss_vectors.json").read_text())["published"]
ENTRIES = "128"  # of the indirection table: entry i names queue i mod n
STRANGER = "02:ff:ff:00:00:01"

LAB = """
vm = [
  { name = "one" },
  { name = "four", queues = 4 },
  { name = "sixteen", queues = 16 },
]
[adapter]
mode = "MODE"
[wire]
"""
CHANNELS = {"one": 1, "four": 4, "sixteen": 16}


@contextmanager
def up(mode: str, tmp_path: Path) -> Iterator[tuple[RunningLab, Ports]]:
    with running(LAB.replace("MODE", mode), tmp_path) as lab, ports(lab) as there:
        yield lab, there


def vectors() -> Iterator[tuple[Packet, int]]:
    """Each published packet in all its forms, and the table's entry for it."""
    for vector in VECTORS:
        header = {4: IP, 6: IPv6}[vector["ip_version"]](src=vector["src"], dst=vector["dst"])
        by_port = {"sport": vector["src_port"], "dport": vector["dst_port"]}
        for kind, packet in (
            ("ip_only", header / b"no transport"),
            ("tcp", header / TCP(**by_port)),
            ("udp_derived", header / UDP(**by_port)),
        ):
            yield packet, vector[kind]["table_index"][ENTRIES]


def frames(lab: RunningLab, vm: str) -> Iterator[tuple[bytes, int]]:
    """The vectors as frames from the outside host to a VM."""
    for packet, entry in vectors():
        yield bytes(Ether(src=lab.mac("ext"), dst=lab.mac(vm)) / packet), entry


def channel_writes(lab: RunningLab, vm: str) -> list[int]:
    return [ring["writes"] for ring in lab.port(vm)["rings"]]


def queue_packets(lab: RunningLab, name: str = "") -> list[int]:
    """Of a VM's RX queues in order; without a name, of the default queue."""
    rows: list[dict[str, Any]] = lab.call("queue.list")["queues"]
    return [row["rx-packets"] for row in rows if row["VmFriendlyName"] == name]


def moved(after: list[int], before: list[int]) -> list[int]:
    return [now - then for now, then in zip(after, before, strict=True)]


def one_at(index: int, count: int) -> list[int]:
    return [int(number == index) for number in range(count)]


def deliver(lab: RunningLab, there: Ports, vm: str, sent: bytes) -> None:
    """From outside to a VM, and into the counters."""
    there.links["ext"].send(sent)
    there.links[vm].wait_for(sent)
    lab.assert_law()


def test_without_sorting_the_host_finds_the_channel_that_the_table_says(tmp_path: Path) -> None:
    with up("off", tmp_path) as (lab, there):
        for vm, channels in CHANNELS.items():
            for sent, entry in frames(lab, vm):
                before = channel_writes(lab, vm)
                deliver(lab, there, vm, sent)
                assert moved(channel_writes(lab, vm), before) == one_at(entry % channels, channels)
        total = len(list(vectors())) * len(CHANNELS)
        assert queue_packets(lab) == [total]
        assert lab.port("wire")["lookups"] == total


def test_vmmq_places_a_vector_in_the_queue_that_the_table_says_without_a_look_up(tmp_path: Path) -> None:
    with up("vmmq", tmp_path) as (lab, there):
        for vm, queues in CHANNELS.items():
            for sent, entry in frames(lab, vm):
                before = queue_packets(lab, vm), channel_writes(lab, vm)
                deliver(lab, there, vm, sent)
                assert moved(queue_packets(lab, vm), before[0]) == one_at(entry % queues, queues)
                assert moved(channel_writes(lab, vm), before[1]) == one_at(entry % queues, queues)
        assert queue_packets(lab) == [0]
        assert lab.port("wire")["lookups"] == 0


def test_vmq_places_every_vector_in_the_vms_one_queue_without_a_look_up(tmp_path: Path) -> None:
    with up("vmq", tmp_path) as (lab, there):
        sent = [octets for octets, _ in frames(lab, "four")]
        for octets in sent:
            deliver(lab, there, "four", octets)
        assert queue_packets(lab, "four") == [len(sent)]
        assert channel_writes(lab, "four") == [len(sent), 0, 0, 0]
        assert queue_packets(lab) == queue_packets(lab, "one") == queue_packets(lab, "sixteen") == [0]
        assert lab.port("wire")["lookups"] == 0


@pytest.mark.parametrize("mode", ["off", "vmdq", "vmq", "vmmq"])
def test_what_no_filter_matches_takes_the_default_queue_and_is_looked_up(tmp_path: Path, mode: str) -> None:
    with up(mode, tmp_path) as (lab, there):
        broadcast, unmatched = frame(BROADCAST, lab.mac("ext")), frame(STRANGER, lab.mac("ext"))
        there.links["ext"].send(unmatched)
        deliver(lab, there, "sixteen", broadcast)
        assert queue_packets(lab) == [2]
        wire = lab.port("wire")
        assert wire["lookups"] == 2
        assert wire["copies"] == 2
        assert wire["drops"] == {DropReason.PORT_LIST_IS_EMPTY: 1}
        assert all(channel_writes(lab, vm) == one_at(0, channels) for vm, channels in CHANNELS.items())
