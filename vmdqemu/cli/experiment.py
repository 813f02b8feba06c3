"""`experiment`: run one, show its table, and leave its results in a folder."""

import importlib.util
import os
import shlex
import sys
from pathlib import Path
from typing import Any, Protocol, TypeVar

from vmdqemu.cli import figure3_table, table
from vmdqemu.cli.progress import progress
from vmdqemu.daemon import privileges
from vmdqemu.errors import AssertionFailed, Missing, UsageError
from vmdqemu.experiments import figure3_results, figure3_run, outcome, picture, results, rig
from vmdqemu.experiments.figure3 import Plan, Run
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.outcome import Outcome
from vmdqemu.experiments.rig import Say

P = TypeVar("P", contravariant=True)
R = TypeVar("R")


class Experiment(Protocol[P, R]):
    """A module that measures by a plan, and says what that came to."""

    def run(self, plan: P, out: Path, say: Say, interrupts: Interrupts) -> R:
        """Measure."""

    def conclude(self, run: R) -> Outcome:
        """What it came to."""

    def table(self, run: R) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Heads and rows for the eye."""


def figure3(plan: Plan, out: Path) -> None:
    """Measure, print the table, write results.json, results.csv and the picture to `out`.

    Raises Missing, UsageError, VmdqemuError, and AssertionFailed if a gate did not hold; nothing is left
    running then either, nor by Ctrl-C.
    """
    _prepare(out)

    def keep(run: Run) -> None:
        _write(figure3_results.conclude(run), out)

    with Interrupts() as interrupts, progress() as say:
        run = figure3_run.run(plan, out, keep, say, interrupts)
    figure3_table.show(run)
    if curves := figure3_results.sensitivity(run):
        picture.draw_curves(out / "sensitivity", curves)
    _leave(figure3_results.conclude(run), out)


def experiment(module: Experiment[P, R], plan: P, out: Path) -> None:
    """Another experiment, likewise."""
    _prepare(out)
    _conduct(module, plan, out)


def simulation(module: Experiment[P, R], plan: P, out: Path) -> None:
    """One that builds no lab, so anybody may run it."""
    _prepare_results(out)
    _conduct(module, plan, out)


def _conduct(module: Experiment[P, R], plan: P, out: Path) -> None:
    with Interrupts() as interrupts, progress() as say:
        run = module.run(plan, out, say, interrupts)
    table.show(*module.table(run))
    _leave(module.conclude(run), out)


def _prepare(out: Path) -> None:
    """What can be refused is refused before the minutes of work."""
    privileges.require()
    rig.check_tools()
    _prepare_results(out)


def _prepare_results(out: Path) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        raise Missing("matplotlib not found", "scripts/setup installs it")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--out: {out}: {error.strerror}; give a folder that can be made") from None
    if not os.access(out, os.W_OK):
        raise UsageError(f"--out: {out} cannot be written; give a folder that can")


def _write(found: Outcome, out: Path) -> None:
    results.write_json(out / "results.json", outcome.document(found))


def _leave(found: Outcome, out: Path) -> None:
    """Everything to disk, and what to do with it. Raises AssertionFailed."""
    _write(found, out)
    results.write_csv(out / "results.csv", found.rows)
    drawn = picture.draw(out / found.experiment, found.picture)
    for condition in found.conditions:
        print(condition)
    for name, ratio in found.ratios.items():
        print(f"{name}: {ratio:.2f}")
    if found.answer:
        print(found.answer)
    print(f"picture: {drawn[0]}; every row, claim and control: {out / 'results.json'}")
    print(f"repeat:  {shlex.join(sys.argv)}")
    if found.broken:
        raise AssertionFailed("\n".join(f"void: {gate.name}: {gate.found}" for gate in found.broken))
