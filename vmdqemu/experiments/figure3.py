"""Figure 3 of the paper: VMs that only receive from a 10 GbE wire, without and with VMDq.

On one running lab: the fit; c(mode), and with it the predictions, which are written down; the counted rounds,
the modes by turns in ABBA order.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from vmdqemu.daemon.control import Document
from vmdqemu.experiments import calibrate, receive
from vmdqemu.experiments import row as rows_of
from vmdqemu.experiments.calibrate import Fit
from vmdqemu.experiments.controls import Control
from vmdqemu.experiments.further_controls import Point
from vmdqemu.experiments.lab_files import Receivers
from vmdqemu.experiments.predict import Prediction, predict
from vmdqemu.experiments.rig import Rig, Say
from vmdqemu.experiments.row import Row

NAME: Final = "figure3"
OFF: Final = "off"
PAPER: Final = {("off", 4): 5.4, ("vmdq", 4): 9.3, ("vmq", 4): 9.3}  # Gbit/s, with an 82598 and Hyper-V
CALIBRATED: Final = (OFF, 4)
LINE: Final = 10_000  # Mbit/s
TRIES: Final = 3  # for a row that the machine does not limit
LEAST_RATIO: Final = 1.5  # vmq/off with 4 VMs, where a run is a test


class Plan(NamedTuple):
    """How much of it."""

    modes: tuple[str, ...]
    vms: tuple[int, ...]
    rounds: int
    seconds: int  # of a row, besides the one that is omitted
    refits: int = 1  # of a run whose fit the counted rounds belie; then it is void
    least_ratio: float | None = None  # that the run must show
    controls: bool = False  # the further ones too


QUICK: Final = Plan((OFF, "vmq"), (4,), rounds=2, seconds=1, least_ratio=LEAST_RATIO)
DEFAULT: Final = Plan((OFF, "vmdq", "vmq"), (4,), rounds=5, seconds=3)
FULL: Final = Plan((OFF, "vmdq", "vmq"), (1, 2, 4, 8), rounds=5, seconds=3, refits=2)


class Run(NamedTuple):
    """What was found."""

    plan: Plan
    fit: Fit
    status: Document  # of the lab
    predicted_at: float  # seconds since the epoch
    predictions: tuple[Prediction, ...]
    rows: tuple[Row, ...] = ()
    controls: tuple[Control, ...] = ()
    sensitivity: tuple[Point, ...] = ()  # C9
    law: Document | None = None


Keep = Callable[[Run], None]  # writes down what is known by now


def lab_of(plan: Plan) -> Receivers:
    """As many VMs as it needs, and a processor for each."""
    return Receivers(vms=max(plan.vms), processors=max(plan.vms), speed=calibrate.FIRST, rate=LINE)


def measure(plan: Plan, lab: Rig, keep: Keep, say: Say) -> Run:
    """Fit, predict, count; anew while the machine has changed meanwhile."""
    guess = calibrate.FIRST
    for last in (False,) * plan.refits + (True,):
        found = _prepared(plan, lab, guess, say)
        keep(found)
        found = found._replace(rows=_counted(plan, lab, say))
        if last or not has_drifted(found.rows):
            break
        guess = calibrate.fitted(_calibrated(found.rows), PAPER[CALIBRATED])
        say("off has drifted from what it was fitted to: fitting anew")
    return found


def _prepared(plan: Plan, lab: Rig, guess: float, say: Say) -> Run:
    """The fit and the predictions."""

    def measured(speed: float) -> Row:
        lab.call("processor.set", speed=speed)
        row = receive.receive(lab, *CALIBRATED, plan.seconds)
        say(f"fitting: {row.gbit_per_s:.2f} Gbit/s at {speed:.3f} of a CPU")
        return row

    lab.call("mode.set", mode=OFF)
    fit = calibrate.fit(measured, PAPER[CALIBRATED], guess)
    lab.call("processor.set", speed=fit.speed)
    predictions = tuple(_predicted(plan, lab, fit, say))
    return Run(plan, fit, lab.call("status"), time.time(), predictions)


def _predicted(plan: Plan, lab: Rig, fit: Fit, say: Say) -> list[Prediction]:
    found = []
    for mode in plan.modes:
        lab.call("mode.set", mode=mode)
        cost = receive.receive(lab, mode, 1, plan.seconds).ns_per_frame
        say(f"{mode}: a processor needs {cost:.0f} ns for a frame")
        for vms in plan.vms:
            names = [vm.name for vm in lab.lab.vms[:vms]]
            in_use = len(receive.processors_of(lab, names))
            found.append(predict(mode, vms, in_use, cost, fit.speed, receive.capacity(lab), lab.lab.mtu))
    return found


def _counted(plan: Plan, lab: Rig, say: Say) -> tuple[Row, ...]:
    """The rounds: every other one backwards, so that a drift of the machine hits all modes alike."""
    rows = []
    for number in range(plan.rounds):
        for vms in plan.vms:
            for mode in plan.modes if number % 2 == 0 else reversed(plan.modes):
                say(f"round {number + 1} of {plan.rounds}: {mode}, {vms} VMs")
                lab.call("mode.set", mode=mode)
                rows += _measured(lab, mode, vms, plan.seconds, say)
    return tuple(rows)


def _measured(lab: Rig, mode: str, vms: int, seconds: int, say: Say) -> list[Row]:
    """One row; one that the machine limited says nothing, so it is followed by another."""
    rows: list[Row] = []
    while len(rows) < TRIES and not rows_of.valid(rows):
        row = receive.receive(lab, mode, vms, seconds)
        say(f"{mode}, {vms} VMs: {row.gbit_per_s:.2f} Gbit/s, limit: {row.limit}")
        rows.append(row)
    return rows


def has_drifted(rows: Sequence[Row]) -> bool:
    """Whether off does not give any more what it was fitted to; unknown if that was not measured."""
    counted = _calibrated(rows)
    return bool(counted) and not calibrate.is_close(rows_of.rate(counted), PAPER[CALIBRATED], calibrate.DRIFT)


def _calibrated(rows: Sequence[Row]) -> list[Row]:
    """Those that show whether the fit was one."""
    return rows_of.valid(rows_of.of(rows, *CALIBRATED))
