"""The controls of `--controls`: each asks the lab that figure3 has just measured one more question.

C10 and C13 need labs of their own: `other_labs`. C12 needs none: `stages`.
"""

import os
from collections.abc import Set
from typing import Final, NamedTuple

from netns import namespace
from vmdqemu.daemon.plant import GUEST_LINK
from vmdqemu.experiments import receive
from vmdqemu.experiments import row as rows_of
from vmdqemu.experiments.calibrate import FASTEST
from vmdqemu.experiments.controls import Control
from vmdqemu.experiments.rig import Rig
from vmdqemu.experiments.row import Row

ABLATIONS: Final = ("off-nocopy", "off-nolookup")
FACTORS: Final = (0.5, 0.7, 1.0, 1.4, 2.0)  # of the fitted speed
STEER: Final = "for queue in /sys/class/net/{link}/queues/rx-*; do echo {cpus} > $queue/rps_cpus; done"


class Bench(NamedTuple):
    """The lab as it was fitted, and what was counted on it."""

    rig: Rig
    speed: float
    vms: int
    seconds: int
    off: Row  # a typical one
    sorted: Row  # the same, of the mode that figure3 is about

    def measure(self, mode: str, speed: float | None = None) -> Row:
        """One row in a mode, at the fitted speed or another."""
        self.rig.call("mode.set", mode=mode)
        self.rig.call("processor.set", speed=speed or self.speed)
        return receive.receive(self.rig, mode, self.vms, self.seconds)


class Point(NamedTuple):
    """Both modes at one speed."""

    speed: float
    off: Row
    sorted: Row


def same_against_same(bench: Bench) -> Control:
    """C4: what off against off differs from 1 by is the error bar of every other ratio."""
    turns = "ABBA"
    found: dict[str, list[Row]] = {"A": [], "B": []}
    for turn in turns:
        found[turn].append(bench.measure(bench.off.mode))
    first, second = (rows_of.rate(rows) for rows in found.values())
    answer = f"{first:.2f} and {second:.2f} Gbit/s: {first / second:.3f}"
    return Control("C4", "off against off, by turns: the error bar", answer, None)


def equal_budget(bench: Bench) -> Control:
    """C6: one processor as fast as all that the sorted mode has together."""
    mode, total = bench.sorted.mode, bench.sorted.processors * bench.speed
    question = (
        f"equal budget: off with one processor of {total:.2f} of a CPU, {mode} with {bench.sorted.processors}"
    )
    if total > FASTEST:
        return Control("C6", question, "this machine's CPU is too slow for it", None)
    found = bench.measure(bench.off.mode, total)
    answer = f"off {_shown(found)}; {mode} {_shown(bench.sorted)}"
    return Control("C6", question, answer, None)


def native_rss(bench: Bench) -> Control:
    """C7: several processors without sorting by VM, each frame looked up."""
    found = bench.measure("rss")
    answer = f"rss {_shown(found)}, {rows_of.at_work(found)} of {found.processors} processors at work"
    return Control("C7", "native RSS: processors without sorting", answer, None)


def ablations(bench: Bench) -> Control:
    """C8: off without one part of its work."""
    found = [bench.measure(mode) for mode in (bench.off.mode, *ABLATIONS)]
    answer = "; ".join(f"{row.mode} {_shown(row)}" for row in found)
    return Control("C8", "ablations: off without the copy, off without the look-up", answer, None)


def sensitivity(bench: Bench) -> tuple[Control, list[Point]]:
    """C9: the ratio at other speeds than the fitted one."""
    points = []
    for factor in FACTORS:
        speed = min(FASTEST, factor * bench.speed)
        points.append(
            Point(speed, bench.measure(bench.off.mode, speed), bench.measure(bench.sorted.mode, speed))
        )
    answer = "; ".join(
        f"{point.speed:.3f}: {point.off.gbit_per_s:.2f} to {point.sorted.gbit_per_s:.2f}" for point in points
    )
    return Control("C9", "sensitivity to the fitted number: the picture shows it", answer, None), points


def guests_elsewhere(bench: Bench) -> Control:
    """C11: the VMs' receiving stack moved off the processors, by RPS."""
    _steer(bench.rig, os.sched_getaffinity(0))
    try:
        found = [bench.measure(mode) for mode in (bench.off.mode, bench.sorted.mode)]
    finally:
        _steer(bench.rig, set())
    answer = "; ".join(f"{row.mode} {_shown(row)}" for row in found)
    return Control("C11", "the VMs' stack moved off the processors by RPS", answer, None)


def _steer(rig: Rig, cpus: Set[int]) -> None:
    """Have these CPUs receive for the VMs. Source: Linux Documentation/networking/scaling.rst, RPS."""
    mask = sum(1 << cpu for cpu in cpus)
    for vm in rig.lab.vms:
        namespace.run(rig.lab.namespace(vm), ["sh", "-c", STEER.format(link=GUEST_LINK, cpus=f"{mask:x}")])


def _shown(row: Row) -> str:
    marked = ", machine-limited" if row.limit is rows_of.Limit.MACHINE else ""
    return f"{row.gbit_per_s:.2f} Gbit/s, {row.ns_per_frame:.0f} ns a frame{marked}"
