"""Experiments, end to end: what they show, what they write, and what is left when one is cut short."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from netns import namespace
from tests.system.command import refused, vmdqemu
from tests.system.harness import DEADLINE, eventually, marked
from vmdqemu.daemon import runtime
from vmdqemu.experiments import line
from vmdqemu.experiments.figure3 import LEAST_RATIO, LINE
from vmdqemu.experiments.row import WIRE_FULL, Limit

pytestmark = pytest.mark.system

ROOT: Final = Path(__file__).parents[2]
DEMO: Final = (str(ROOT / "scripts" / "demo"), "--quick")  # README's first command; figure3 is the end of it
DEMO_OUT: Final = ROOT / "results" / "figure3"
FIGURE3: Final = (sys.executable, "-m", "vmdqemu", "experiment", "figure3", "--quick")
MARK: Final = {"VMDQEMU_TEST": f"experiment-{os.getpid()}"}  # whatever it starts has it too
PATIENCE: Final = 400.0  # it takes 40 seconds
ATTEMPTS: Final = 2  # a run in which the machine limited every row says nothing
HELD: Final = 1.1  # of its speed is what a processor uses at most, measured over a second


def test_figure3_shows_that_sorting_gains_half_as_much_again() -> None:
    """In each pair of rows that the machine did not limit; over all of them in a run that is not void."""
    for _ in range(ATTEMPTS):
        found = _measured()
        if pairs := _pairs(found["rows"]):
            break
    else:
        pytest.skip(f"the machine limited every row of {ATTEMPTS} runs")
    for off, vmq in pairs:
        assert off["limit"] == Limit.PROCESSOR
        enough = min(LEAST_RATIO * off["gbit_per_s"], WIRE_FULL * line.capacity(LINE, mtu=1500))
        assert vmq["gbit_per_s"] >= enough
    assert found["void"] or found["ratios"]["vmq/off@4"] >= LEAST_RATIO


def _measured() -> dict[str, Any]:
    """One run; what holds in each, whatever else the machine does."""
    with _running(DEMO) as run:
        if not _reached(run, "round 1 of 2"):  # nothing could be fitted
            assert run.wait(DEADLINE) == 6
            return {"rows": [], "void": True}
        _assert_predictions_and_nothing_else()
        printed, said = run.communicate(timeout=PATIENCE)
    assert run.returncode in (0, 6), said
    found: dict[str, Any] = json.loads((DEMO_OUT / "results.json").read_text())
    assert found["void"] == (run.returncode == 6)
    assert found["law"]["holds"]
    assert {control["name"] for control in found["controls"]} == {"C1", "C2", "C3", "C5"}
    assert {row["mode"] for row in found["rows"]} == {"off", "vmq"}
    for row in found["rows"]:
        assert row["at"] > found["predicted_at"]
        assert max(row["busy"]) <= HELD * row["speed"]
    assert {"results.csv", "figure3.png", "figure3.svg", "figure3.toml"} <= set(os.listdir(DEMO_OUT))
    assert all(sign in printed for sign in ("law holds: yes", "paper", "repeat:"))
    return found


def _assert_predictions_and_nothing_else() -> None:
    """They are on disk before the first row is measured."""
    found = json.loads((DEMO_OUT / "results.json").read_text())
    assert [said["mode"] for said in found["predictions"]] == ["off", "vmq"]
    assert found["rows"] == []


def _pairs(rows: Sequence[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Each row of vmq with the one of off that was measured next to it."""
    counted = [row for row in rows if row["limit"] != Limit.MACHINE]
    off, vmq = ([row for row in counted if row["mode"] == mode] for mode in ("off", "vmq"))
    return [(min(off, key=lambda row: abs(row["at"] - there["at"])), there) for there in vmq if off]


@contextmanager
def _running(argv: Sequence[str]) -> Iterator[subprocess.Popen[str]]:
    """figure3 while it runs; nothing of it is left afterwards."""
    run = subprocess.Popen(
        argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | MARK
    )
    try:
        yield run
    finally:
        run.terminate()
        run.communicate(timeout=PATIENCE)
    eventually(lambda: _left_behind() == set(), "nothing is left behind")


def _left_behind() -> set[str]:
    found = (*Path(namespace.RUN_DIR).glob("figure3*"), *runtime.DIRECTORY.glob("figure3*"))
    return {*map(str, found), *marked(MARK)}


def _reached(run: subprocess.Popen[str], step: str) -> bool:
    """Wait for a step; False where it never comes."""
    assert run.stderr is not None
    return any(step in line for line in iter(run.stderr.readline, ""))


@pytest.mark.parametrize(("number", "step"), [(signal.SIGINT, "C1"), (signal.SIGKILL, "fitting")])
def test_a_signal_at_any_step_leaves_nothing(
    number: signal.Signals, step: str, tmp_path: Path, full: bool
) -> None:
    for moment in ("C1", "fitting", "round 1", "controls") if full else (step,):
        with _running((*FIGURE3, "--out", str(tmp_path))) as run:
            assert _reached(run, moment), f"it ended before: {moment}"
            run.send_signal(number)
            run.wait(2 * DEADLINE)
            assert run.returncode == (130 if number == signal.SIGINT else -number)


def test_a_folder_that_cannot_be_made_is_refused_before_anything_runs(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = vmdqemu("experiment", "figure3", "--quick", "--out", tmp_path / "file" / "out")
    assert "give a folder" in refused(done, 2)


def test_quick_and_full_at_once_are_refused() -> None:
    assert "give one" in refused(vmdqemu("experiment", "figure3", "--quick", "--full"), 2)
