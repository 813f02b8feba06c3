"""Frames reach their RX queue before any of our code runs, and a queue is only its own trouble."""

from pathlib import Path
from typing import Any

import pytest

from tests.system.harness import RunningLab, eventually, running
from tests.system.lab_texts import two_vms
from tests.system.workers import stopped

pytestmark = pytest.mark.system

RING = "offloads = false\nring = 64"
VMQ = two_vms(adapter=RING, processors=3, vm2="vlan = 5")


def _queue(lab: RunningLab, number: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = lab.call("queue.list")["queues"]
    return rows[number]


def _send(lab: RunningLab, count: int, tag: str, destination: str) -> None:
    """Frames of an EtherType that nobody answers, from ext, through the kernel's own queues."""
    octets = bytes.fromhex(destination.replace(":", "") + lab.mac("ext").replace(":", "") + tag + "88b5")
    config = ",".join(f"0x{octet:02x}" for octet in octets.ljust(60, b"\0"))
    lab.run("ext", "trafgen", "-o", "wire0", "-n", str(count), "-P", "1", "-q", "{" + config + "}")


def test_each_filter_has_its_queue_and_the_kernel_counts_it(tmp_path: Path) -> None:
    with running(VMQ, tmp_path) as lab:
        with stopped(lab, "cpu0"), stopped(lab, "cpu1"):  # none of our code runs
            _send(lab, 11, "", lab.mac("vm1"))
            _send(lab, 12, "81000005", lab.mac("vm2"))
            _send(lab, 13, "", lab.mac("vm2"))  # its MAC, but not its VLAN
            _send(lab, 14, "", "ff:ff:ff:ff:ff:ff")
            arrivals = [_queue(lab, number)["arrivals"] for number in range(3)]
        assert arrivals[1:] == [11, 12]
        assert arrivals[0] >= 13 + 14
        lab.assert_law()
        assert lab.port("vm1")["writes"] >= 11 + 14, "vm1 got its own and the broadcasts"
        assert lab.port("vm2")["writes"] == 12
        assert lab.port("wire")["drops"]["wrong_vlan"] == 13


def test_a_full_ring_drops_on_its_queue_alone(tmp_path: Path) -> None:
    with running(VMQ, tmp_path) as lab:
        with stopped(lab, "cpu0"):
            _send(lab, 200, "", lab.mac("vm1"))
            _send(lab, 50, "81000005", lab.mac("vm2"))
            eventually(lambda: lab.port("vm2")["writes"] == 50, "vm2's processor goes on")
        lab.assert_law()
        assert _queue(lab, 1)["rx-packets"] == 63, "a ring of 64 holds 63"
        assert _queue(lab, 1)["rx-hw-drop-overruns"] == 137
        assert _queue(lab, 2)["rx-hw-drop-overruns"] == 0
        assert lab.port("wire")["kernel"]["tx_dropped"] == 137


def test_the_software_sorter_places_frames_in_the_same_queues(tmp_path: Path) -> None:
    software = two_vms(adapter=f'{RING}\nsorter = "software"', processors=3, vm2="vlan = 5")
    with running(software, tmp_path) as lab:
        _send(lab, 11, "", lab.mac("vm1"))
        _send(lab, 12, "81000005", lab.mac("vm2"))
        lab.assert_law()
        assert [_queue(lab, number)["rx-packets"] for number in (1, 2)] == [11, 12]
        assert _queue(lab, 1)["arrivals"] is None
