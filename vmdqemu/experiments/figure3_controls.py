"""Which controls figure3 runs, and in which order: the starred in every run, the others with `--controls`."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from vmdqemu.errors import VmdqemuError
from vmdqemu.experiments import controls, further_controls, lab_files, other_labs
from vmdqemu.experiments import row as rows_of
from vmdqemu.experiments.controls import Control
from vmdqemu.experiments.figure3 import CALIBRATED, NAME, Run
from vmdqemu.experiments.further_controls import Bench, Point
from vmdqemu.experiments.lab_files import Receivers
from vmdqemu.experiments.rig import Rig, Say

STAGES_PATIENCE: Final = 60.0  # seconds; it takes two


def starred(run: Run, lab: Rig) -> list[Control]:
    """C2, C3, C5."""
    bench = _bench(run, lab)
    mode = bench.sorted.mode
    lab.call("processor.set", speed=bench.speed)
    one = controls.one_processor(lab, mode, bench.off.mode, bench.vms, bench.seconds)
    lab.call("mode.set", mode=mode)  # and every queue is on its own processor again
    gate = controls.machine_gate(lab, mode, bench.seconds)
    return [controls.limiter(lab, bench.speed / 2, bench.seconds), gate, one]


def further(run: Run, lab: Rig, out: Path, say: Say) -> tuple[list[Control], list[Point]]:
    """C4 and C6 to C13, and the points of C9's picture."""
    bench = _bench(run, lab)
    found = []
    for control in (
        further_controls.same_against_same,
        further_controls.equal_budget,
        further_controls.native_rss,
        further_controls.ablations,
        further_controls.guests_elsewhere,
    ):
        say(f"controls: {(control.__doc__ or '').partition('.')[0]}")
        found.append(control(bench))
    say("controls: C9: the ratio at other speeds")
    sensitive, points = further_controls.sensitivity(bench)
    say("controls: C10 and C13: labs of their own; C12: stages")
    found += [sensitive, *_other_labs(bench, out), _stages()]
    return sorted(found, key=lambda control: int(control.name.strip("C"))), points


def _bench(run: Run, lab: Rig) -> Bench:
    """Around a typical row of what was fitted, and of the last mode with as many VMs."""
    off, sorting = (
        rows_of.typical(rows_of.of(run.rows, mode, CALIBRATED[1]))
        for mode in (CALIBRATED[0], run.plan.modes[-1])
    )
    return Bench(lab, run.fit.speed, CALIBRATED[1], run.plan.seconds, off, sorting)


def _other_labs(bench: Bench, out: Path) -> list[Control]:
    usual = Receivers(vms=bench.vms, processors=bench.vms, speed=bench.speed)
    single = lab_files.write(
        out, f"{NAME}-c10", usual._replace(offloads=False, rate=other_labs.SLOW_LINE, speed=other_labs.FIRST)
    )
    equal = lab_files.write(out, f"{NAME}-c13", usual._replace(ring=usual.ring // bench.vms))
    jumbo = lab_files.write(out, f"{NAME}-mtu", usual._replace(mtu=9000))
    slots = f"equal ring slots: {bench.vms} rings of {usual.ring // bench.vms} against off with {usual.ring}"
    return [
        other_labs.frames_one_by_one(bench, single),
        other_labs.other_lab(bench, equal, "C13", slots),
        other_labs.other_lab(bench, jumbo, "C13", "MTU 9000, at the same speed"),
    ]


def _stages() -> Control:
    """C12, in a process of its own: it measures CPU time that nobody else may use."""
    argv = [sys.executable, "-m", "vmdqemu.experiments.stage_costs"]
    done = subprocess.run(
        argv, capture_output=True, text=True, timeout=STAGES_PATIENCE, start_new_session=True, check=False
    )
    if done.returncode != 0:
        raise VmdqemuError(f"C12: {done.stderr.strip().rpartition(chr(10))[2]}")
    answer = "; ".join(
        f"{cost['octets']} octets: {_listed(cost['stages'])}; whole way: {_listed(cost['modes'])}"
        for cost in json.loads(done.stdout)
    )
    return Control("C12", "CPU ns of each stage for one frame, which its receiver drops", answer, None)


def _listed(costs: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {cost:.0f}" for name, cost in costs.items())
