"""`experiment`: run it, show its table, and leave its results in a folder."""

import importlib.util
import os
import sys
from pathlib import Path
from typing import Final

from vmdqemu.cli import table
from vmdqemu.cli.progress import progress
from vmdqemu.daemon import privileges
from vmdqemu.errors import AssertionFailed, Missing, UsageError
from vmdqemu.experiments import figure3 as experiment
from vmdqemu.experiments import figure3_results, picture, results, rig
from vmdqemu.experiments.figure3 import Plan, Run
from vmdqemu.experiments.figure3_results import Line
from vmdqemu.experiments.interrupts import Interrupts

MODES: Final = {
    "off": "one RX queue, one processor; the vSwitch looks every frame up",
    "vmq": "the adapter sorts by (MAC, VLAN): a queue and a processor for each VM, no look-up",
}


def figure3(plan: Plan, out: Path) -> None:
    """Measure, print the table, write results.json, results.csv and the picture to `out`.

    Raises Missing, UsageError, VmdqemuError, and AssertionFailed if a gate did not hold; nothing is left
    running then either, nor by Ctrl-C.
    """
    _prepare(out)

    def keep(run: Run) -> None:
        results.write_json(out / "results.json", figure3_results.document(run))

    with Interrupts() as interrupts, progress() as say:
        run = experiment.run(plan, out, keep, say, interrupts)
    results.write_csv(out / "results.csv", [results.flat(row) for row in run.rows])
    files = picture.draw(out / "figure3", figure3_results.picture(run))
    _show(run)
    print(f"picture: {files[0]}; every row, claim and control: {out / 'results.json'}")
    print(f"repeat:  {' '.join(sys.argv)}")
    _require(run)


def _prepare(out: Path) -> None:
    """What can be refused is refused before the minutes of work."""
    privileges.require()
    rig.check_tools()
    if importlib.util.find_spec("matplotlib") is None:
        raise Missing("matplotlib not found", "scripts/setup installs it")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out: {out}: {error.strerror}; give a folder that can be made") from None
    if not os.access(out, os.W_OK):
        raise UsageError(f"--out: {out} cannot be written; give a folder that can")


def _show(run: Run) -> None:
    heads = ("mode", "VMs", "predicted", "measured", "paper", "off by", "ns/frame", "CPU ms/Gbit", "limit")
    table.show(heads, [_cells(line) for line in figure3_results.table(run)])
    for mode in run.plan.modes:
        print(f"{mode}: {MODES[mode]}")
    print(f"Gbit/s; a processor is {run.fit.speed:.3f} of a CPU, fitted so that off with 4 VMs gives 5.4\n")
    for control in run.controls:
        holds = {True: "holds", False: "FAILS", None: "says"}[control.holds]
        print(f"{control.name} {holds}: {control.question}: {control.answer}")
    print()


def _cells(line: Line) -> tuple[table.Cell, ...]:
    return (
        line.mode,
        line.vms,
        line.predicted,
        _number(line.measured),
        _number(line.paper),
        "-" if line.difference is None else f"{line.difference:+.0%}",
        "-" if line.ns_per_frame is None else f"{line.ns_per_frame:.0f}",
        _number(line.cpu_ms_per_gbit),
        line.limit,
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _require(run: Run) -> None:
    broken = [gate for gate in figure3_results.gates_of(run) if not gate.holds]
    if broken:
        raise AssertionFailed("\n".join(f"void: {gate.name}: {gate.found}" for gate in broken))
