"""A run of figure3 from the lab file to the law: what is measured, between the controls that doubt it."""

from pathlib import Path

from vmdqemu.experiments import controls, figure3, figure3_controls, lab_files, rig
from vmdqemu.experiments.figure3 import NAME, Keep, Plan, Run
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.rig import Say


def run(plan: Plan, out: Path, keep: Keep, say: Say, interrupts: Interrupts) -> Run:
    """Measure. out: where lab files go. Raises VmdqemuError, AssertionFailed if nothing can be fitted."""
    lab_of = figure3.lab_of(plan)
    say("building the lab")
    with rig.running(lab_files.write(out, NAME, lab_of), interrupts) as lab:
        say("C1: the wire without the adapter")
        asked = [controls.wire_only(lab_files.write(out, f"{NAME}-c1", lab_of), lab, plan.seconds)]
        found = figure3.measure(plan, lab, keep, say)
        say("controls: the limiter, the machine's gate, one processor")
        asked += figure3_controls.starred(found, lab)
        if plan.controls:
            more, points = figure3_controls.further(found, lab, out, say)
            asked, found = asked + more, found._replace(sensitivity=tuple(points))
        found = found._replace(controls=tuple(asked), law=lab.settled()["law"])
        say("taking the lab down")
    keep(found)
    return found
