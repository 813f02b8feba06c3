"""The gauge: how busy each processor was over a period, and what part each RX queue had in that.

A processor is busy while its worker runs, and an emulated one that is slower takes longer for it. While the
worker waits for the machine's CPU it has work too. The rings that a processor serves share its busy time as
they share the time that bursts from them took.
"""

import time
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.datapath.inbox import INBOX
from vmdqemu.host.demand import Item, Sample
from vmdqemu.host.processors import Placement
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.counters import RingCounter
from vmdqemu.nic.tables import DEFAULT_QUEUE

PROC: Final = Path("/proc")


class Ran(NamedTuple):
    """A worker, and what it has got of the machine so far, in seconds."""

    pid: int
    running: float
    waiting: float  # it could have run, and another process had the CPU


class Served(NamedTuple):
    """What has come of a ring so far."""

    seconds: float  # that bursts from it took
    reads: int
    arrivals: int  # frames that came to it, those that found it full included


class Reading(NamedTuple):
    """The books at one moment."""

    at: float  # monotonic
    ran: Mapping[int, Ran]  # by processor
    queues: Mapping[int, Served]  # by RX queue
    inboxes: Mapping[int, Served]  # by processor


class Gauge:
    """Reads one lab's books, period by period."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._before: Reading | None = None

    def sample(self) -> Sample | None:
        """What was measured since the last call; None where a processor was not served all the time."""
        before, self._before = self._before, self._read()
        if before is None or self._before is None or not _same_workers(before, self._before):
            return None
        plant = self._supervisor.plant
        roles = self._supervisor.roles
        speeds = {role.processor: role.speed for role in roles if role.processor is not None}
        return between(before, self._before, speeds, plant.placement, plant.config.adapter.ring)

    def _read(self) -> Reading | None:
        workers = {
            role.processor: role.worker.pid
            for role in self._supervisor.roles
            if role.processor is not None and role.worker is not None
        }
        plant = self._supervisor.plant
        try:
            ran = {processor: _ran(pid) for processor, pid in workers.items()}
        except (FileNotFoundError, ProcessLookupError):  # it just died
            return None
        queues = {queue: self._served(WIRE, queue) for queue in plant.placement}
        inboxes = {processor: self._served(INBOX, processor) for processor in range(len(plant.inboxes))}
        return Reading(time.monotonic(), ran, queues, inboxes)

    def _served(self, port: int, ring: int) -> Served:
        counters, external = self._supervisor.counters, self._supervisor.plant.uplink
        nanoseconds = counters.cell(port, ring, RingCounter.SERVICE_NS)
        reads = counters.cell(port, ring, RingCounter.READS)
        sorter = None if external is None or port == INBOX else external.sorter
        return Served(nanoseconds / 1e9, reads, reads if sorter is None else sorter.arrivals(ring))


def between(
    before: Reading, after: Reading, speeds: Mapping[int, float], placement: Placement, ring: int
) -> Sample:
    """What the two say of the time between them.

    speeds: each processor's share of a CPU. ring: frames that wait at most in a queue. The default queue
    stays at home, so it is part of what home is busy with.
    """
    placed: dict[Item, int] = {queue: place for queue, place in placement.items() if queue != DEFAULT_QUEUE}
    busy = {processor: _busy(before, after, processor, speed) for processor, speed in speeds.items()}
    spent = {queue: _seconds(before.queues, after.queues, queue) for queue in placement}
    total: defaultdict[int, float] = defaultdict(float)
    for processor in after.inboxes:
        total[processor] += _seconds(before.inboxes, after.inboxes, processor)
    for queue, processor in placement.items():
        total[processor] += spent[queue]
    loads: dict[Item, float] = {
        queue: busy[processor] * spent[queue] / total[processor] * _offered(before, after, queue, ring)
        for queue, processor in placement.items()
        if queue != DEFAULT_QUEUE and spent[queue]
    }
    return Sample(busy, loads, placed)


def _busy(before: Reading, after: Reading, processor: int, speed: float) -> float:
    then, now = before.ran[processor], after.ran[processor]
    had_work = (now.running - then.running) / speed + now.waiting - then.waiting
    return min(1.0, had_work / (after.at - before.at))


def _seconds(before: Mapping[int, Served], after: Mapping[int, Served], ring: int) -> float:
    """How long a ring was served; one that was not there before, or is not yet, was not."""
    return after[ring].seconds - before[ring].seconds if ring in before and ring in after else 0.0


def _offered(before: Reading, after: Reading, queue: int, ring: int) -> float:
    """How many times what was read has come; what more than can wait in the ring has come was dropped."""
    then, now = before.queues[queue], after.queues[queue]
    arrivals, reads = now.arrivals - then.arrivals, now.reads - then.reads
    return arrivals / reads if reads and arrivals - reads > ring else 1.0


def _same_workers(before: Reading, after: Reading) -> bool:
    return {place: ran.pid for place, ran in before.ran.items()} == {
        place: ran.pid for place, ran in after.ran.items()
    }


def _ran(pid: int) -> Ran:
    """Source: Linux Documentation/scheduler/sched-stats.rst. A worker has one thread."""
    running, waiting, _ = map(int, (PROC / str(pid) / "schedstat").read_text().split())
    return Ran(pid, running / 1e9, waiting / 1e9)
