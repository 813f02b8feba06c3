"""Which frames a packet coalescing filter holds and for how long, live. Covers NDIS rows F9, P3 and P5."""

import time
from collections.abc import Iterator

import pytest

from tests.system.frames import frame
from tests.system.harness import RunningLab, eventually, shared
from tests.system.test_coalescing import HELD, HURRIED, Ends, ask, default_queue

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1" }]
[adapter]
mode = "vmq"
[wire]
"""
FOREVER, SOON = 10_000, 400  # milliseconds
OTHER = 0x88B8


running_lab = shared(LAB)


@pytest.fixture
def lab(running_lab: RunningLab) -> Iterator[RunningLab]:
    """It has no filter afterwards."""
    yield running_lab
    for row in ask(running_lab, "coalescing.list")["filters"]:
        ask(running_lab, "coalescing.clear", filter=row["filter"])


def set_filter(lab: RunningLab, *tests: str, delay: int = FOREVER) -> None:
    ask(lab, "coalescing.set", tests=list(tests), delay=delay)


def held(lab: RunningLab) -> int:
    return int(default_queue(lab)["coalesced"])


@pytest.mark.parametrize(
    ("tests", "groups"),
    [
        (["packet-type=2", "mac-destination=01:00:5e:00:00:00/ff:ff:ff:00:00:00"], ("01:00:5e:01:02:03",)),
        (["packet-type=2", "mac-destination!=01:00:5e:01:02:03"], ("33:33:00:00:00:01",)),
        (["packet-type=2"], ("01:00:5e:01:02:03", "33:33:00:00:00:01")),
    ],
    ids=["masked", "negated", "all"],
)
def test_a_frame_waits_if_it_passes_every_test(
    lab: RunningLab, tests: list[str], groups: tuple[str, ...]
) -> None:
    """F9."""
    ends, before = Ends(lab), held(lab)
    set_filter(lab, *tests)
    for group in groups:
        ends.outside.send(frame(group, lab.mac("ext"), ethertype=OTHER))
    eventually(lambda: held(lab) == before + len(groups), "they are held")
    for group in {"01:00:5e:01:02:03", "33:33:00:00:00:01"} - set(groups):
        ends.outside.send(frame(group, lab.mac("ext"), ethertype=OTHER))
    ends.send(1, ethertype=HURRIED)  # a broadcast brings whatever waits
    ends.receive(1)
    assert held(lab) == before + len(groups)


@pytest.mark.parametrize("first", [HELD, HURRIED], ids=["the longer first", "the shorter first"])
def test_a_shorter_delay_shortens_the_wait_and_a_longer_one_does_not_prolong_it(
    lab: RunningLab, first: int
) -> None:
    """P3."""
    ends, before = Ends(lab), held(lab)
    set_filter(lab, "packet-type=3", f"ethertype={HELD:#x}", delay=FOREVER)
    set_filter(lab, "packet-type=3", f"ethertype={HURRIED:#x}", delay=SOON)
    second = HELD + HURRIED - first
    started = time.monotonic()
    ends.send(1, ethertype=first)
    ends.send(2, ethertype=second)
    eventually(lambda: held(lab) == before + 2, "both are held")
    ends.receive(2)
    assert ends.got == [(first, 1), (second, 2)]
    assert SOON / 1000 <= time.monotonic() - started < FOREVER / 1000


def test_frames_of_a_vms_own_queue_never_wait(lab: RunningLab) -> None:
    """P5."""
    ends, before = Ends(lab), held(lab)
    set_filter(lab, f"ethertype={OTHER:#x}")
    mine = frame(lab.mac("vm1"), lab.mac("ext"), ethertype=OTHER)
    ends.outside.send(mine)
    ends.vm.wait_for(mine)
    assert held(lab) == before
