"""Controls that need a lab of their own: frames one by one, equal rings, large frames."""

from pathlib import Path
from typing import Final

from vmdqemu.errors import AssertionFailed
from vmdqemu.experiments import calibrate, line, receive, rig
from vmdqemu.experiments.controls import Control
from vmdqemu.experiments.further_controls import Bench
from vmdqemu.experiments.rig import Rig
from vmdqemu.experiments.row import Row

SLOW_LINE: Final = 1_000  # Mbit/s
TARGET_SHARE: Final = 0.54  # of it is what off gives, as 5.4 is of 10 Gbit/s
FIRST: Final = 0.3  # a guess at the speed for single frames


def frames_one_by_one(bench: Bench, file: Path) -> Control:
    """C10: no superframe anywhere; on a wire that single frames can fill. file: its lab file."""
    mode = bench.sorted.mode
    question = (
        f"frames of 1500 bytes one by one, a {SLOW_LINE} Mbit/s wire, off fitted to {TARGET_SHARE} Gbit/s"
    )
    with rig.running(file, bench.rig.interrupts) as lab:

        def measured(speed: float) -> Row:
            return _measured(lab, bench, "off", speed)

        try:
            fit = calibrate.fit(measured, TARGET_SHARE, FIRST)
        except AssertionFailed as failed:  # a control that cannot be asked makes no run void
            return Control("C10", question, str(failed), None)
        off, sorting = measured(fit.speed), _measured(lab, bench, mode, fit.speed)
    carries, ratio = line.capacity(SLOW_LINE, bench.rig.lab.mtu), sorting.gbit_per_s / off.gbit_per_s
    answer = (
        f"off {off.gbit_per_s:.3f}, {mode} {sorting.gbit_per_s:.3f} of {carries:.3f} Gbit/s, ratio "
        f"{ratio:.2f}; {off.ns_per_frame:.0f} and {sorting.ns_per_frame:.0f} ns a frame"
    )
    return Control("C10", question, answer, None)


def other_lab(bench: Bench, file: Path, name: str, question: str) -> Control:
    """Both modes once more at the fitted speed, in a lab that differs in one thing."""
    with rig.running(file, bench.rig.interrupts) as lab:
        found = [_measured(lab, bench, row.mode, bench.speed) for row in (bench.off, bench.sorted)]
    answer = "; ".join(f"{row.mode} {row.gbit_per_s:.2f} Gbit/s ({row.limit})" for row in found)
    return Control(name, question, answer, None)


def _measured(lab: Rig, bench: Bench, mode: str, speed: float) -> Row:
    lab.call("mode.set", mode=mode)
    lab.call("processor.set", speed=speed)
    return receive.receive(lab, mode, bench.vms, bench.seconds)
