"""What `trace` says without a lab is what a running lab does with the same frame, seen by the kernel."""

import json
from pathlib import Path
from typing import Any

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.layers.vxlan import VXLAN
from scapy.utils import wrpcap

from tests.system.command import refused, vmdqemu
from tests.system.frames import BROADCAST, frame, ports, tag
from tests.system.harness import RunningLab, eventually, running
from tests.system.test_rss import STRANGER, frames

pytestmark = pytest.mark.system

LAB = """
vm = [
  { name = "one" },
  { name = "four", queues = 4 },
  { name = "tagged", vlan = 5, queues = 2 },
]
adapter.mode = "MODE"
host.processors = 2
[wire]
"""


def tunnelled(lab: RunningLab, port: int) -> bytes:
    """A TCP packet to VM "four" inside of VXLAN; the outer ports are those of every other such frame."""
    inside = Ether() / IP(src="192.0.2.1", dst="192.0.2.2") / TCP(sport=port, dport=80)
    outside = IP(src="198.51.100.1", dst="198.51.100.2") / UDP(sport=1, dport=4789)
    return bytes(Ether(src=lab.mac("ext"), dst=lab.mac("four")) / outside / VXLAN(vni=5) / inside)


def sent(lab: RunningLab) -> list[bytes]:
    """Frames for every VM, for all of them and for nobody."""
    outside, tagged = lab.mac("ext"), lab.mac("tagged")
    return [
        *(octets for vm in ("one", "four") for octets, _ in frames(lab, vm)),
        *(tunnelled(lab, port) for port in range(4)),
        frame(tagged, outside, tag(5)),
        frame(tagged, outside, tag(6)),
        frame(BROADCAST, outside),
        frame(STRANGER, outside),
    ]


def traced(lab: RunningLab, octets: list[bytes], tmp_path: Path) -> list[dict[str, Any]]:
    """The explanations of frames from the wire, made from the lab's file."""
    capture, file = tmp_path / "sent.pcap", tmp_path / f"{lab.config.name}.toml"
    wrpcap(str(capture), [Ether(each) for each in octets])
    # As root without a capability: everything that builds a lab would fail.
    powerless = ("setpriv", "--bounding-set=-all", "--inh-caps=-all")
    done = vmdqemu("trace", "--lab", file, "--from", "wire", "-j", capture, through=powerless)
    assert (done.returncode, done.stderr) == (0, "")
    explained: list[dict[str, Any]] = json.loads(done.stdout)["frames"]
    return explained


def arrivals(lab: RunningLab) -> dict[int, int]:
    """By RX queue, as the kernel counts them."""
    return {queue["QueueID"]: queue["arrivals"] for queue in lab.call("queue.list")["queues"]}


@pytest.mark.parametrize("mode", ["off", "vmq", "vmmq"])
def test_the_queue_and_processor_it_names_are_those_whose_counter_moves(mode: str, tmp_path: Path) -> None:
    with running(LAB.replace("MODE", mode), tmp_path) as lab, ports(lab) as there:
        octets = sent(lab)
        for each, explained in zip(octets, traced(lab, octets, tmp_path), strict=True):
            before = arrivals(lab)
            there.links["ext"].send(each)
            eventually(lambda before=before: arrivals(lab) != before, "the frame arrives")  # type: ignore[misc]
            moved = [queue for queue, count in arrivals(lab).items() if count != before[queue]]
            (placed,) = explained["nic"]["deliveries"]
            assert moved == [placed["queue"]]
            owners = {row["QueueID"]: row["Processor"] for row in lab.call("queue.list")["queues"]}
            for to in explained["host"]["deliveries"]:
                assert owners[placed["queue"]] == f"0:{to['processor']}"


def test_a_frame_is_delivered_where_and_dropped_why_it_says(tmp_path: Path) -> None:
    with running(LAB.replace("MODE", "vmmq"), tmp_path) as lab, ports(lab) as there:
        octets = sent(lab)
        for each, explained in zip(octets, traced(lab, octets, tmp_path), strict=True):
            drops = sum(lab.port("wire")["drops"].values())
            received = there.send("ext", each)
            assert set(received) == {to["vm"] for to in explained["host"]["deliveries"]}
            reason = explained["nic"]["drop"] or explained["host"]["drop"]
            dropped = lab.port("wire")["drops"]
            assert sum(dropped.values()) - drops == (reason is not None)
            assert reason is None or reason in dropped


def test_a_mistake_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "lab.toml"
    file.write_text('vm = [{ name = "vm1" }]')
    error = refused(vmdqemu("trace", "--lab", file, "--from", "wire", "00"), 2)
    assert error == "no port 'wire'; use one of vm1\n"
