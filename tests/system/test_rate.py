"""Rates hold for real TCP, superframes and all: a VM's for it alone, the wire's for all, each way."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.system.harness import RunningLab, eventually, running
from tests.system.iperf import iperf3, sending
from tests.system.test_fairness import jain
from vmdqemu.nic.arbiter import WIRE_OVERHEAD

pytestmark = pytest.mark.system

LIMITED_VM = """
vm = [
  { name = "vm1", address = "10.0.0.1/24", rate = 100 },
  { name = "vm2", address = "10.0.0.2/24" },
  { name = "vm3", address = "10.0.0.3/24" },
  { name = "vm4", address = "10.0.0.4/24" },
]
"""
LINE = """
vm = [
  { name = "vm1", address = "10.0.0.1/24", weight = 1 },
  { name = "vm2", address = "10.0.0.2/24", weight = WEIGHT },
  { name = "vm3", address = "10.0.0.3/24", weight = 1 },
  { name = "vm4", address = "10.0.0.4/24", weight = 1 },
]
[adapter]
offloads = OFFLOADS
[wire]
address = "10.0.0.254/24"
rate = RATE
"""
VMS = ("vm1", "vm2", "vm3", "vm4")
OUTSIDE = "10.0.0.254"
ROOM = 1.01  # one bucketful in a second
FREE = 200e6  # bits a second: more than any limit here leaves


def line_lab(rate: int, *, weight: int = 1, offloads: bool = True) -> str:
    """A lab with a wire of `rate` Mbit/s; weight: vm2's."""
    text = LINE.replace("RATE", str(rate)).replace("WEIGHT", str(weight))
    return text.replace("OFFLOADS", str(offloads).lower())


def line_bits(lab: RunningLab) -> int:
    """What left on the wire so far, with all that a cable carries."""
    port = lab.port("wire")
    return 8 * int(port["write_octets"] + WIRE_OVERHEAD * port["write_wire"])


class Measured(NamedTuple):
    """What went by while the line was busy."""

    line: float  # bits a second on the wire
    octets: dict[str, int]  # read of each VM


def measure(lab: RunningLab, senders: tuple[str, ...], bits: float) -> Measured:
    """Watch until `bits` more went out, once every sender is under way."""
    eventually(lambda: all(lab.port(vm)["read_octets"] > 1e6 for vm in senders), "everybody sends")
    started, before, sent = time.monotonic(), {vm: lab.port(vm) for vm in senders}, line_bits(lab)
    eventually(lambda: line_bits(lab) > sent + bits, "the line is used")
    sent, seconds = line_bits(lab) - sent, time.monotonic() - started
    octets = {vm: lab.port(vm)["read_octets"] - before[vm]["read_octets"] for vm in senders}
    return Measured(sent / seconds, octets)


def test_a_vms_rate_is_reached_and_kept_and_nobody_elses(tmp_path: Path) -> None:
    with running(LIMITED_VM, tmp_path) as lab, ThreadPoolExecutor() as beside:
        limited = beside.submit(iperf3, lab, "vm1", "vm2", "10.0.0.2", "-t", "2", "-O", "1")
        free = iperf3(lab, "vm3", "vm4", "10.0.0.4", "-t", "1")
        assert free["sum_received"]["bits_per_second"] > FREE
        assert 50e6 < limited.result()["sum_received"]["bits_per_second"] < 100e6
        assert lab.port("vm1")["read_wire"] > 1.5 * lab.port("vm1")["reads"], "no superframes"


def test_vms_that_send_to_the_wire_share_it_and_fill_it(tmp_path: Path) -> None:
    with running(line_lab(500), tmp_path) as lab, sending(lab, VMS, "ext", OUTSIDE):
        measured = measure(lab, VMS, 0.75e9)
        assert 0.25e9 < measured.line < 0.5e9 * ROOM
        assert jain(list(measured.octets.values())) >= 0.99


def test_a_wire_is_shared_by_weight(tmp_path: Path) -> None:
    with running(line_lab(500, weight=3), tmp_path) as lab, sending(lab, VMS[:2], "ext", OUTSIDE):
        measured = measure(lab, VMS[:2], 1e9)
        assert measured.octets["vm2"] == pytest.approx(3 * measured.octets["vm1"], rel=0.1)


def test_vms_talk_to_each_other_past_a_busy_wire(tmp_path: Path) -> None:
    with running(line_lab(100), tmp_path) as lab, sending(lab, ("vm1",), "ext", OUTSIDE):
        measured = measure(lab, ("vm1",), 0.1e9)
        free = iperf3(lab, "vm2", "vm3", "10.0.0.3", "-t", "1")
        assert measured.line < 0.1e9 * ROOM
        assert free["sum_received"]["bits_per_second"] > FREE


def test_plain_frames_go_at_the_rate_of_the_line_each_way(tmp_path: Path) -> None:
    """1448 octets of TCP in each 1538 of the wire."""
    with running(line_lab(100, offloads=False), tmp_path) as lab:
        for client, server, address in (("ext", "vm1", "10.0.0.1"), ("vm1", "ext", OUTSIDE)):
            end = iperf3(lab, client, server, address, "-t", "1", "-O", "1")
            assert 50e6 < end["sum_received"]["bits_per_second"] < 100e6 * 1448 / 1538 * ROOM
        port = lab.port("wire")
        assert port["read_wire"] == port["reads"], "no superframes"
