"""A VM that makes every frame a cache miss cannot take more than half of what another one had."""

import time
from pathlib import Path

import pytest

from tests.system.flood import Flood, flooding
from tests.system.harness import RunningLab, eventually, running

pytestmark = pytest.mark.system

LAB = """
vm = [
  { name = "vm1" },
  { name = "vm2" },
  { name = "vm3", spoof_check = false },
  { name = "vm4", queues = 4 },
]
[wire]
"""
RATES = (400_000, 300_000, 220_000, 160_000, 120_000, 90_000, 60_000)  # frames a second, to try
SECONDS = 0.5  # of each trial
REACHED = 0.8  # of a rate: the sender shares its processor with the flood
ATTEMPTS = 5  # of both, one after the other: this machine has other things to do


def without_loss(lab: RunningLab, rate: int, floods: dict[str, Flood]) -> bool:
    """Whether vm1 sends at a rate to vm2 and loses nothing, beside floods."""
    with flooding(lab, {"vm1": Flood("small", "vm2", rate), **floods}):
        start, before = time.monotonic(), sent_and_lost(lab)
        goal = before[0] + int(rate * SECONDS)
        eventually(lambda: sent_and_lost(lab)[0] >= goal, f"vm1 sends {rate} frames a second")
        seconds, after = time.monotonic() - start, sent_and_lost(lab)
    return after[1] == before[1] and after[0] - before[0] >= REACHED * rate * seconds


def keeps_half(lab: RunningLab, flood: Flood) -> bool:
    """Whether vm1 loses nothing at half the rate that it has alone, beside vm3's flood."""
    rate = next((rate for rate in RATES if without_loss(lab, rate, {})), 0)
    return rate > 0 and without_loss(lab, rate // 2, {"vm3": flood})


def sent_and_lost(lab: RunningLab) -> tuple[int, int]:
    """Frames that vm1 sent, and how many of them its ring had no room for; by the kernel's counters."""
    kernel = lab.port("vm1")["kernel"]
    return kernel["tx_packets"] + kernel["tx_dropped"], kernel["tx_dropped"]


def received_all(lab: RunningLab) -> bool:
    """Whether what was read of vm1 came in at vm2."""
    return bool(lab.port("vm2")["kernel"]["rx_packets"] == lab.port("vm1")["kernel"]["tx_packets"])


@pytest.mark.parametrize(
    "flood",
    [Flood("random_macs", "vm4"), Flood("random_ports", "vm4")],
    ids=["random MACs", "random ports to a VM of four channels"],
)
def test_a_flood_of_misses_leaves_half_of_the_rate(flood: Flood, tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        assert any(keeps_half(lab, flood) for _ in range(ATTEMPTS))
        eventually(lambda: received_all(lab), "vm2 has every frame that vm1's ring took")
        vm3 = lab.port("vm3")
        assert vm3["misses"] > 0.5 * vm3["reads"] > 1000, "a flood of hits"
        assert vm3["ring_overflow"], "not a flood"
