"""Rates hold for real TCP, superframes and all: a VM's for it alone, the wire's for all, each way."""

from pathlib import Path

import pytest

from tests.system.harness import RunningLab, eventually, running
from tests.system.iperf import iperf3, sending
from tests.system.rates import assert_limit, in_some_window, measured, of_vm, of_wire
from tests.system.test_fairness import jain

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
REACHED = 0.5  # of a rate at least, on a busy machine too
ROOM = 1.05  # of it at most in a second: a bucketful more, and tbf's is 2 Mbit
FREE = 200e6  # bits a second: more than any limit here leaves


def line_lab(rate: int, *, weight: int = 1, offloads: bool = True) -> str:
    """A lab with a wire of `rate` Mbit/s; weight: vm2's."""
    text = LINE.replace("RATE", str(rate)).replace("WEIGHT", str(weight))
    return text.replace("OFFLOADS", str(offloads).lower())


def octets(lab: RunningLab, senders: tuple[str, ...], bits: float) -> list[int]:
    """What is read of each sender while so much leaves on the wire."""
    before = {vm: lab.port(vm)["read_octets"] for vm in senders}
    measured(of_wire(lab, "tx"), bits)
    return [lab.port(vm)["read_octets"] - before[vm] for vm in senders]


def all_send(lab: RunningLab, senders: tuple[str, ...]) -> None:
    eventually(lambda: all(lab.port(vm)["read_octets"] > 1e6 for vm in senders), "everybody sends")


def test_a_vms_rate_is_reached_and_kept_and_nobody_elses(tmp_path: Path) -> None:
    with running(LIMITED_VM, tmp_path) as lab, sending(lab, ("vm1",), "vm2", "10.0.0.2"):
        all_send(lab, ("vm1",))
        free = iperf3(lab, "vm3", "vm4", "10.0.0.4", "-t", "1")
        assert free["sum_received"]["bits_per_second"] > FREE
        assert_limit(of_vm(lab, "vm1"), 100e6, least=REACHED, most=ROOM)
        assert lab.port("vm1")["read_wire"] > 1.5 * lab.port("vm1")["reads"], "no superframes"


def test_vms_that_send_to_the_wire_share_it_and_fill_it(tmp_path: Path) -> None:
    with running(line_lab(500), tmp_path) as lab, sending(lab, VMS, "ext", OUTSIDE):
        all_send(lab, VMS)
        assert_limit(of_wire(lab, "tx"), 500e6, least=REACHED, most=ROOM)
        in_some_window(lambda: octets(lab, VMS, 0.5e9), lambda found: jain(found) >= 0.99, "it is shared")


def test_a_wire_is_shared_by_weight(tmp_path: Path) -> None:
    def is_one_to_three(found: list[int]) -> bool:
        return found[1] == pytest.approx(3 * found[0], rel=0.1)

    with running(line_lab(500, weight=3), tmp_path) as lab, sending(lab, VMS[:2], "ext", OUTSIDE):
        all_send(lab, VMS[:2])
        in_some_window(lambda: octets(lab, VMS[:2], 0.5e9), is_one_to_three, "it is shared by weight")


def test_vms_talk_to_each_other_past_a_busy_wire(tmp_path: Path) -> None:
    with running(line_lab(100), tmp_path) as lab, sending(lab, ("vm1",), "ext", OUTSIDE):
        all_send(lab, ("vm1",))
        assert_limit(of_wire(lab, "tx"), 100e6, least=REACHED, most=ROOM)
        free = iperf3(lab, "vm2", "vm3", "10.0.0.3", "-t", "1")
        assert free["sum_received"]["bits_per_second"] > FREE


def test_plain_frames_go_at_the_rate_of_the_line_each_way(tmp_path: Path) -> None:
    with running(line_lab(100, offloads=False), tmp_path) as lab:
        for client, server, address, way in (("ext", "vm1", "10.0.0.1", "rx"), ("vm1", "ext", OUTSIDE, "tx")):
            with sending(lab, (client,), server, address):
                assert_limit(of_wire(lab, way), 100e6, least=REACHED, most=ROOM)
        port = lab.port("wire")
        assert port["read_wire"] == port["reads"], "no superframes"
