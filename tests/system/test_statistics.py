"""Real frames, and what each name says of them: `ethtool -S` of the drivers, registers, qstats."""

import json
import subprocess
import sys

import pytest

from tests.system.frames import BROADCAST, Link, frame
from tests.system.harness import RunningLab, eventually, shared

pytestmark = pytest.mark.system

LAB = """
adapter = { mode = "vmq" }
vm = [{ name = "vm1" }, { name = "vm2" }]
wire = {}
"""
GROUP = "01:00:5e:01:02:03"
STRANGER = "02:ff:ff:00:00:01"
UNICAST, MULTICAST, BROADCASTS, SPOOFED = 100, 7, 3, 5
OCTETS = 60  # of each frame, without FCS

lab = shared(LAB)


def statistics(lab: RunningLab) -> dict[str, int]:
    """As `ethtool -S` prints them."""
    named: dict[str, int] = lab.call("stats.ethtool")["statistics"]
    return named


def registers(lab: RunningLab) -> dict[str, int]:
    """Read, and so cleared."""
    counted: dict[str, int] = lab.call("stats.registers")["registers"]
    return counted


def test_what_came_from_the_wire_is_counted_by_cast_and_queue_with_fcs_where_the_chip_has_it(
    lab: RunningLab,
) -> None:
    with Link(lab.ns("ext"), "wire0") as outside:
        before = statistics(lab)
        for to, count in ((lab.mac("vm1"), UNICAST), (GROUP, MULTICAST), (BROADCAST, BROADCASTS)):
            outside.send(*[frame(to, lab.mac("ext"))] * count)
        all_frames = UNICAST + MULTICAST + BROADCASTS
        lab.assert_law()
        more = {name: count - before[name] for name, count in statistics(lab).items()}
        assert (more["rx_pkts_nic"], more["rx_bytes_nic"]) == (all_frames, all_frames * (OCTETS + 4))
        assert (more["rx_packets"], more["rx_bytes"]) == (all_frames, all_frames * OCTETS)
        assert (more["multicast"], more["broadcast"]) == (MULTICAST, BROADCASTS)
        assert (more["rx_queue_1_packets"], more["rx_queue_1_bytes"]) == (UNICAST, UNICAST * OCTETS)
        assert more["rx_queue_0_packets"] == MULTICAST + BROADCASTS
        assert more["rx_queue_2_packets"] == more["rx_no_dma_resources"] == 0


def test_what_vms_send_is_counted_by_queue_and_on_the_wire_only_if_it_left(lab: RunningLab) -> None:
    with Link(lab.ns("vm2"), "eth0") as vm2:
        before = statistics(lab)
        for to, count in ((STRANGER, UNICAST), (lab.mac("vm1"), UNICAST), (BROADCAST, BROADCASTS)):
            vm2.send(*[frame(to, lab.mac("vm2"))] * count)
        sent = 2 * UNICAST + BROADCASTS
        eventually(lambda: lab.port("vm2")["reads"] >= before["tx_packets"] + sent, "all were read")
        lab.assert_law()
        more = {name: count - before[name] for name, count in statistics(lab).items()}
        left = UNICAST + BROADCASTS
        assert (more["tx_pkts_nic"], more["tx_bytes_nic"]) == (left, left * (OCTETS + 4))
        assert (more["tx_queue_2_packets"], more["tx_queue_2_bytes"]) == (sent, sent * OCTETS)
        assert more["tx_packets"] == sent
        assert more["tx_queue_0_packets"] == more["tx_queue_1_packets"] == 0
        assert registers(lab)["BPTC"] >= BROADCASTS


def test_spoofed_frames_are_counted_once_and_reading_clears(lab: RunningLab) -> None:
    with Link(lab.ns("vm1"), "eth0") as vm1:
        registers(lab)
        vm1.send(*[frame(STRANGER, lab.mac("vm2"))] * SPOOFED)
        eventually(lambda: lab.port("vm1")["drops"] == {"anti_spoof_mac": SPOOFED}, "they were dropped")
        first, second = registers(lab), registers(lab)
        assert (first["SSVPC"], second["SSVPC"]) == (SPOOFED, 0)
        assert (first["GPTC"], second["GPRC"]) == (0, 0)


def test_the_command_prints_them_as_ethtool_does(lab: RunningLab) -> None:
    argv = [sys.executable, "-m", "vmdqemu", "stats", "--lab", lab.config.name]
    said = subprocess.check_output([*argv, "--ethtool"], text=True)
    assert said.startswith("NIC statistics:\n     rx_packets: ")
    document = json.loads(subprocess.check_output([*argv, "--registers", "-j"]))
    assert {"GPRC", "GORC", "SSVPC"} < set(document["registers"])
