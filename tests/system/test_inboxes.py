"""Inboxes: a frame that the sorter could not place reaches the processor that serves its queue, in order."""

import struct
from pathlib import Path
from typing import Final

import pytest

from tests.system import numbered
from tests.system.harness import RunningLab, running

pytestmark = pytest.mark.system

HOP_BY_HOP: Final = bytes.fromhex("1100010400000000")  # then UDP; six octets of padding
LAB = """
[adapter]
mode = "{mode}"
sorter = "{sorter}"
[host]
processors = 2
[wire]
[[vm]]
name = "vm1"
[[vm]]
name = "vm2"
queues = 2
"""


def _handed(lab: RunningLab) -> list[int]:
    """Frames that each processor took from its inbox."""
    return [inbox["reads"] for inbox in lab.call("stats")["inboxes"]]


@pytest.mark.parametrize(("sorter", "handed"), [("software", 500), ("kernel", 0)])
def test_frames_change_to_the_processor_of_their_queue_where_no_sorter_placed_them(
    sorter: str, handed: int, tmp_path: Path
) -> None:
    text = LAB.format(mode="vmq", sorter=sorter)
    with running(text, tmp_path) as lab, numbered.link(lab, "ext", "wire0") as outside:
        with numbered.link(lab, "vm1", "eth0") as vm1, numbered.link(lab, "vm2", "eth0") as vm2:
            with numbered.on_one_cpu():
                for number in range(500):
                    for name in ("vm1", "vm2"):
                        outside.send(numbered.frame(lab, name, number))
            for link in (vm1, vm2):
                received: list[int] = []
                numbered.receive(link, received, 500)
                assert received == list(range(500))
        lab.assert_law()  # the last frame may be there before its writer has booked it
        assert _handed(lab) == [0, handed]
        placed = {row["QueueID"]: row["rx-packets"] for row in lab.call("queue.list")["queues"]}
        assert (placed[1], placed[2]) == (500, 500)


@pytest.mark.parametrize("sorter", ["software", "kernel"])
def test_a_header_chain_is_placed_by_its_flow_with_a_sorter_and_without(sorter: str, tmp_path: Path) -> None:
    text = LAB.format(mode="vmmq", sorter=sorter)
    with running(text, tmp_path) as lab, numbered.link(lab, "ext", "wire0") as outside:
        rows = lab.call("queue.list")["queues"]
        queues = {row["QueueID"]: row["Processor"] for row in rows if row["VmFriendlyName"] == "vm2"}
        assert sorted(queues.values()) == ["0:0", "0:1"]
        for flow in range(64):
            outside.send(_with_hop_by_hop(lab, flow))
        lab.assert_law()
        seen = {row["QueueID"]: row for row in lab.call("queue.list")["queues"]}
        assert sum(seen[queue]["rx-packets"] for queue in queues) == 64
        elsewhere = next(queue for queue, processor in queues.items() if processor == "0:1")
        assert 0 < seen[elsewhere]["rx-packets"] < 64
        if sorter == "kernel":
            assert all(seen[queue]["arrivals"] == seen[queue]["rx-packets"] for queue in queues)
        assert _handed(lab) == [0, seen[elsewhere]["rx-packets"] if sorter == "software" else 0]


def _with_hop_by_hop(lab: RunningLab, flow: int) -> bytes:
    ethernet = bytes.fromhex((lab.mac("vm2") + lab.mac("ext")).replace(":", "")) + b"\x86\xdd"
    udp = struct.pack("!HHHH", 1000 + flow, 9, 8, 0)
    fixed = struct.pack("!IHBB", 6 << 28, len(HOP_BY_HOP) + len(udp), 0, 64)
    addresses = bytes.fromhex("fd000000000000000000000000000001fd000000000000000000000000000002")
    return ethernet + fixed + addresses + HOP_BY_HOP + udp
