"""Packet coalescing, live, on the default queue. Covers NDIS rows P1, P2, P4, P5 and P6."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.frames import BROADCAST, Link, frame
from tests.system.harness import RunningLab, eventually, running, shared
from tests.system.lab_texts import two_vms
from vmdqemu.daemon import control, runtime
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

DELAY = 2000  # milliseconds: time enough for three frames to come meanwhile
HELD, HURRIED = 0x88B5, 0x88B7
TESTS = ["packet-type=3", f"ethertype={HELD:#x}"]
running_lab = shared(two_vms())


@pytest.fixture
def lab(running_lab: RunningLab) -> Iterator[RunningLab]:
    """It is left without a filter, in its mode, and with every queue where that puts it."""
    yield running_lab
    for entry in ask(running_lab, "coalescing.list")["filters"]:
        ask(running_lab, "coalescing.clear", filter=entry["filter"])
    ask(running_lab, "mode.set", mode="off")
    ask(running_lab, "mode.set", mode="vmq")


def ask(lab: RunningLab, method: str, **params: object) -> Any:
    return control.call(runtime.path(lab.config.name, "sock"), method, params)


def set_filter(lab: RunningLab, delay: int = DELAY, number: int = 0) -> int:
    filters = ask(lab, "coalescing.set", tests=TESTS, delay=delay, filter=number)["filters"]
    return int(filters[-1]["filter"])


def broadcast(lab: RunningLab, number: int, ethertype: int = HELD) -> bytes:
    return frame(BROADCAST, lab.mac("ext"), ethertype=ethertype, payload=bytes((number,)))


class Ends:
    """The outside host's link and a VM's, with what the VM got of ours."""

    def __init__(self, lab: RunningLab) -> None:
        self.lab = lab
        self.outside = Link(lab.ns("ext"), "wire0")
        self.vm = Link(lab.ns("vm1"), "eth0")
        self.got: list[tuple[int, int]] = []  # EtherType and number
        self._before = coalesced(lab)

    def send(self, *numbers: int, ethertype: int = HELD) -> None:
        self.outside.send(*(broadcast(self.lab, number, ethertype) for number in numbers))

    def held(self, count: int) -> None:
        """Wait until so many were held since the beginning."""
        eventually(lambda: coalesced(self.lab) - self._before == count, f"{count} frames are held")

    def receive(self, count: int) -> float:
        """Wait for so many; the seconds that it took."""
        started = time.monotonic()

        def complete() -> bool:
            came = [(int.from_bytes(octets[12:14], "big"), octets[14]) for octets in self.vm.receive()]
            self.got += [entry for entry in came if entry[0] in (HELD, HURRIED)]
            return len(self.got) >= count

        eventually(complete, f"{count} frames")
        return time.monotonic() - started


def default_queue(lab: RunningLab) -> dict[str, Any]:
    row: dict[str, Any] = lab.call("queue.list")["queues"][0]
    return row


def coalesced(lab: RunningLab) -> int:
    return int(default_queue(lab)["coalesced"])


@pytest.mark.parametrize("mode", ["off", "vmq"])
def test_frames_that_may_wait_come_with_one_interrupt(mode: str, lab: RunningLab) -> None:
    """P1 and P4: later frames do not restart the timer; the counter is not cleared by reading."""
    ask(lab, "mode.set", mode=mode)
    set_filter(lab)
    ends = Ends(lab)
    quiet(lab)
    before = default_queue(lab)["interrupts"]
    ends.send(1)
    ends.held(1)
    ends.send(2, 3)
    ends.held(3)
    assert ends.vm.receive() == []
    ends.receive(3)
    assert ends.got == [(HELD, 1), (HELD, 2), (HELD, 3)]
    assert default_queue(lab)["interrupts"] == before + 1
    ends.held(3)
    assert ask(lab, "coalescing.list")["coalesced"] == coalesced(lab)


def quiet(lab: RunningLab) -> None:
    """Wait until the kernels have said what they say when a link comes up."""
    last = -1

    def settled() -> bool:
        nonlocal last
        before, last = last, int(default_queue(lab)["arrivals"])
        return before == last

    eventually(settled, "nothing is sent")


def test_a_frame_that_may_not_wait_brings_the_held_ones_before_it(lab: RunningLab) -> None:
    """P2."""
    set_filter(lab, delay=10_000)
    ends = Ends(lab)
    ends.send(1, 2)
    ends.held(2)
    ends.send(3, ethertype=HURRIED)
    ends.receive(3)
    assert ends.got == [(HELD, 1), (HELD, 2), (HURRIED, 3)]


def test_another_queues_interrupt_and_a_cleared_filter_bring_them_too(lab: RunningLab) -> None:
    """P2; queue 1 is served by the processor of the default queue, so they share a vector."""
    ask(lab, "queue.set", queue=1, processor=0)
    number = set_filter(lab, delay=10_000)
    ends = Ends(lab)
    ends.send(1)
    ends.held(1)
    ends.outside.send(frame(lab.mac("vm1"), lab.mac("ext"), ethertype=0x8899))
    ends.receive(1)
    ends.send(2)
    ends.held(2)
    ask(lab, "coalescing.clear", filter=number)
    ends.receive(2)
    assert ends.got == [(HELD, 1), (HELD, 2)]


def test_a_queue_that_changes_hands_leaves_no_held_frame_behind(lab: RunningLab) -> None:
    set_filter(lab, delay=10_000)
    ends = Ends(lab)
    for number in range(10):
        ends.send(number)
        ends.held(number + 1)
        if number % 2:
            ask(lab, "queue.set", queue=0, processor=number // 2 % 2)
        else:
            ask(lab, "mode.set", mode=("off", "vmmq", "vmq")[number % 3])
    ends.receive(10)
    assert ends.got == [(HELD, number) for number in range(10)]


def test_a_filter_is_modified_in_place(lab: RunningLab) -> None:
    """P6: another delay, the same number."""
    number = set_filter(lab, delay=10_000)
    assert set_filter(lab, delay=20, number=number) == number
    ends = Ends(lab)
    ends.send(1)
    assert ends.receive(1) < 5
    listed = ask(lab, "coalescing.list")["filters"]
    assert listed == [{"filter": number, "delay": 20, "tests": ["packet-type=0x3", "ethertype=0x88b5"]}]


def test_frames_that_a_killed_worker_held_are_booked_as_lost(tmp_path: Path) -> None:
    with running(two_vms(), tmp_path) as lab:
        set_filter(lab, delay=10_000)
        ends = Ends(lab)
        ends.send(1)
        ends.held(1)
        pid = lab.worker("cpu0")
        assert pid is not None
        os.kill(pid, 9)
        eventually(lambda: lab.worker("cpu0") not in (None, pid), "it is replaced")
        ends.send(2, ethertype=HURRIED)
        ends.receive(1)
        eventually(lambda: lab.port("wire")["lost_in_crash"] == 1, "it is booked")


@pytest.mark.parametrize(
    ("method", "params", "cure"),
    [
        ("coalescing.set", {"tests": ["colour=1"], "delay": 1}, "with one of mac-destination"),
        (
            "coalescing.set",
            {"tests": ["ipv4-protocol=17"], "delay": 1},
            "INVALID_PARAMETER: give 1 to 5 tests",
        ),
        ("coalescing.set", {"tests": TESTS, "delay": 0}, "INVALID_PARAMETER"),
        ("coalescing.set", {"tests": TESTS, "delay": "long"}, "not a whole number"),
        ("coalescing.set", {"tests": "all", "delay": 1}, "not a list"),
        ("coalescing.clear", {"filter": 1}, "no coalescing filter 1"),
    ],
)
def test_a_wrong_filter_is_refused(
    lab: RunningLab, method: str, params: dict[str, object], cure: str
) -> None:
    with pytest.raises(VmdqemuError, match=cure):
        ask(lab, method, **params)
    assert ask(lab, "coalescing.list")["filters"] == []
