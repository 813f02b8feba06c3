"""A timeline: what came in, who was busy with it and who served which VM's queue, moment by moment."""

import time
from collections.abc import Sequence
from typing import NamedTuple

from vmdqemu.experiments.rig import Rig, times
from vmdqemu.observe import usage


class Point(NamedTuple):
    """What was measured since the point before."""

    at: float  # seconds since the epoch, when it was read
    seconds: float
    gbit_per_s: float  # that the host read from its queues, headers included
    busy: tuple[float, ...]  # each processor, as a share of its speed
    queues: tuple[int, ...]  # who serves each VM's queue, at its end

    @property
    def serving(self) -> int:
        """Processors that some VM's queue keeps awake."""
        return len(set(self.queues))


class _Books(NamedTuple):
    times: usage.Sample
    octets: int


class Watch:
    """Looks at one lab from time to time."""

    def __init__(self, rig: Rig) -> None:
        self._rig = rig
        served = rig.call("processor.list")["processors"]
        self._pids = [worker["pid"] for worker in served]
        self._speeds = [worker["speed"] for worker in served]
        self._before = self._read()

    def point(self) -> Point:
        """What happened since the last look. Raises VmdqemuError if a worker died."""
        before, self._before = self._before, self._read()
        used = usage.between(before.times, self._before.times)
        busy = (ran.busy / speed for ran, speed in zip(used.processes.values(), self._speeds, strict=True))
        gbit_per_s = (self._before.octets - before.octets) * 8 / used.seconds / 1e9
        return Point(time.time(), used.seconds, gbit_per_s, tuple(busy), self._queues())

    def _read(self) -> _Books:
        wire = next(port for port in self._rig.call("stats")["ports"] if port["port"] == "wire")
        return _Books(times(self._pids), wire["read_octets"])

    def _queues(self) -> tuple[int, ...]:
        rows = self._rig.call("queue.list")["queues"]
        owned = {row["VmFriendlyName"]: int(row["Processor"].partition(":")[2]) for row in rows}
        return tuple(owned[vm.name] for vm in self._rig.lab.vms)


def mean_rate(points: Sequence[Point]) -> float:
    """Gbit/s over all of their time."""
    return sum(point.gbit_per_s * point.seconds for point in points) / sum(p.seconds for p in points)


def cpu_seconds(points: Sequence[Point], speed: float) -> float:
    """That the processors, each as fast as `speed` of a CPU, have used."""
    return sum(sum(point.busy) * speed * point.seconds for point in points)
