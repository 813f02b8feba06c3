"""Interrupt moderation, live: fewer wake-ups for the same frames, paid with delay; no loss, order kept.

Covers NDIS row C4 and Intel rows 55 and 57.
"""

import statistics
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system.frames import EXPERIMENT, Link, frame
from tests.system.harness import RunningLab, eventually, running, shared
from tests.system.iperf import iperf3
from tests.system.lab_texts import two_vms
from tests.system.test_confine import STEADY, traced
from vmdqemu.daemon import control, runtime
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

INTERVAL = 60_000  # microseconds: longer than a busy machine delays a worker
HALF = INTERVAL * 0.5e-6  # seconds
ATTEMPTS = 5  # a law that holds does so in one of them, whatever else the machine has to do
running_lab = shared(two_vms())


@pytest.fixture
def lab(running_lab: RunningLab) -> Iterator[RunningLab]:
    """Queue 1 is put back where it was, unmoderated."""
    processor = int(queue(running_lab, 1)["Processor"].partition(":")[2])
    yield running_lab
    ask(running_lab, queue=1, processor=processor, moderation=0)


def ask(lab: RunningLab, **params: object) -> None:
    control.call(runtime.path(lab.config.name, "sock"), "queue.set", params)


def moderate(lab: RunningLab, queue: int, moderation: object) -> None:
    ask(lab, queue=queue, moderation=moderation)


def queue(lab: RunningLab, number: int) -> dict[str, Any]:
    rows: list[dict[str, Any]] = lab.call("queue.list")["queues"]
    return rows[number]


def is_delayed(lab: RunningLab, vm: str) -> bool:
    return any(delay(lab, vm) > HALF for _ in range(ATTEMPTS))


def is_undelayed(lab: RunningLab, vm: str, pause: float = 0.002) -> bool:
    return any(delay(lab, vm, pause) < HALF for _ in range(ATTEMPTS))


def delay(lab: RunningLab, vm: str, pause: float = 0.002) -> float:
    """Median seconds from ext's link to a VM's, each frame so long behind the arrival of the one before.

    A frame that comes while the worker still reads is read at once: a ring is masked when it was read empty.
    """
    measured = []
    with outside(lab) as sender, Link(lab.ns(vm), "eth0") as receiver:
        for number in range(7):
            octets = frame(lab.mac(vm), lab.mac("ext"), payload=struct.pack("!I", number))
            started = time.monotonic()
            sender.send(octets)
            receiver.wait_for(octets)
            measured.append(time.monotonic() - started)
            time.sleep(pause)
    return statistics.median(measured)


def test_moderation_delays_a_busy_queue_and_no_other(lab: RunningLab) -> None:
    assert is_undelayed(lab, "vm1")
    moderate(lab, 1, INTERVAL)
    assert queue(lab, 1)["moderation"] == INTERVAL
    assert is_delayed(lab, "vm1")
    assert is_undelayed(lab, "vm2")
    moderate(lab, 1, 0)
    assert is_undelayed(lab, "vm1")


def test_the_same_frames_come_with_fewer_interrupts_in_order_and_complete(lab: RunningLab) -> None:
    with outside(lab) as sender, Link(lab.ns("vm1"), "eth0") as vm:
        assert any(halves_interrupts(lab, sender, vm) for _ in range(ATTEMPTS))
    assert queue(lab, 1)["rx-hw-drop-overruns"] == 0


def halves_interrupts(lab: RunningLab, sender: Link, vm: Link) -> bool:
    """Whether moderation does, at a frame a millisecond; a busy machine sends them more slowly."""
    count = 200
    interrupts: list[int] = []
    for moderation in (0, INTERVAL):
        moderate(lab, 1, moderation)
        before, started = queue(lab, 1)["interrupts"], time.monotonic()
        for number in range(count):
            sender.send(numbered(lab, number))
            time.sleep(0.001)
        assert received(vm, count) == list(range(count))
        interrupts.append(queue(lab, 1)["interrupts"] - before)
        seconds = time.monotonic() - started
    assert interrupts[1] <= seconds * 1e6 / INTERVAL + 2  # X550 7.3.2: one an interval
    return interrupts[1] < interrupts[0] / 2


def outside(lab: RunningLab) -> Link:
    return Link(lab.ns("ext"), "wire0")


def numbered(lab: RunningLab, number: int) -> bytes:
    return frame(lab.mac("vm1"), lab.mac("ext"), payload=struct.pack("!I", number))


def received(vm: Link, count: int) -> list[int]:
    """The numbers that a VM got, once there are so many."""
    found: list[int] = []

    def complete() -> bool:
        ours = [octets for octets in vm.receive() if octets[12:14] == EXPERIMENT.to_bytes(2, "big")]
        found.extend(struct.unpack_from("!I", octets, 14)[0] for octets in ours)
        return len(found) >= count

    eventually(complete, f"{count} frames")
    return found


def test_an_idle_queue_is_not_delayed(tmp_path: Path) -> None:
    """X550 7.3.2: after a quiet interval an event interrupts at once."""
    with running(two_vms(adapter=f"moderation = {INTERVAL}"), tmp_path) as lab:
        assert is_undelayed(lab, "vm1", pause=2 * INTERVAL * 1e-6)


def test_a_moderated_queue_keeps_order_while_its_processor_changes(lab: RunningLab) -> None:
    """Intel row 57: moving a queue to another vector loses nothing and keeps the order."""
    with outside(lab) as sender, Link(lab.ns("vm1"), "eth0") as vm:
        moderate(lab, 1, INTERVAL)
        for number in range(1000):
            sender.send(numbered(lab, number))
            if number % 50 == 0:
                ask(lab, queue=1, processor=number // 50 % 2)
        assert received(vm, 1000) == list(range(1000))


@pytest.mark.parametrize("level", ["low", "adaptive"])
def test_tcp_runs_at_every_level_with_few_interrupts(level: str, lab: RunningLab) -> None:
    moderate(lab, 1, level)
    before = queue(lab, 1)
    iperf3(lab, "ext", "vm1", "10.0.0.1", "-n", "100M")
    after = queue(lab, 1)
    assert 0 < after["interrupts"] - before["interrupts"] < after["rx-packets"] - before["rx-packets"]


def test_a_moderating_worker_only_masks_unmasks_and_waits_besides(lab: RunningLab, tmp_path: Path) -> None:
    moderate(lab, 1, 20_000)  # far longer than a traced worker takes for what is there
    before = lab.port("vm1")["reads"]
    # One is answered before the next is sent: the ring is read empty, and masked.
    pings = lab.start("ext", "ping", "-f", "-w", "120", "10.0.0.1")
    try:
        eventually(lambda: lab.port("vm1")["reads"] > before + 100, "frames flow")
        calls = traced(lab, "cpu0", tmp_path / "trace", frames=100)
    finally:
        pings.terminate()
        pings.wait()
    assert calls <= STEADY | {"readv", "epoll_ctl", "timerfd_settime"}  # readv: shared memory
    assert "timerfd_settime" in calls


@pytest.mark.parametrize(
    ("params", "cure"),
    [
        ({"queue": 1, "moderation": "fast"}, "use whole microseconds or one of off"),
        ({"queue": 1, "moderation": 1 << 20}, "INVALID_PARAMETER.*use 0 to 65535"),
        ({"queue": 9, "moderation": 10}, "no RX queue 9"),
        ({"queue": 1, "moderation": 10, "processor": 2}, "use 0 to 1"),
        ({"queue": 1}, "give a processor or a moderation"),
    ],
)
def test_a_wrong_moderation_is_refused(lab: RunningLab, params: dict[str, object], cure: str) -> None:
    with pytest.raises(VmdqemuError, match=cure):
        ask(lab, **params)
    assert queue(lab, 1)["moderation"] == 0
