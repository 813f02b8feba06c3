"""Every control of the design is asked, in its order."""

from pathlib import Path

import pytest

from tests.unit.measured_rows import row, run
from vmdqemu.config import parse
from vmdqemu.experiments import controls, figure3_controls, further_controls, other_labs
from vmdqemu.experiments.controls import Control
from vmdqemu.experiments.further_controls import Bench, Point
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.rig import Rig

FURTHER = {
    "same_against_same": "C4",
    "equal_budget": "C6",
    "native_rss": "C7",
    "ablations": "C8",
    "guests_elsewhere": "C11",
}


class Deaf(Rig):
    """A lab that takes every setting."""

    def call(self, method: str, **_: object) -> dict[str, str]:
        """Nothing happens."""
        return {"method": method}


LAB = Deaf(parse('vm = [{ name = "vm1" }]', "one"), Interrupts())


def _answer(name: str) -> Control:
    return Control(name, "", "", None)


def test_the_starred_ones_need_the_fit_and_the_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(controls, "limiter", lambda _, speed, __: Control("C2", "", f"{speed}", True))
    monkeypatch.setattr(controls, "machine_gate", lambda *_: _answer("C3"))
    monkeypatch.setattr(controls, "one_processor", lambda _, mode, base, *__: Control("C5", mode, base, None))
    two, three, five = figure3_controls.starred(run(), LAB)
    assert (two.name, two.answer) == ("C2", "0.125")
    assert three.name == "C3"
    assert (five.name, five.question, five.answer) == ("C5", "vmq", "off")


def test_the_further_ones_are_complete_and_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    benches: list[Bench] = []
    point = Point(0.25, row("off"), row("vmq"))
    for function, name in FURTHER.items():

        def control(bench: Bench, name: str = name) -> Control:
            """One."""
            benches.append(bench)
            return _answer(name)

        monkeypatch.setattr(further_controls, function, control)
    monkeypatch.setattr(further_controls, "sensitivity", lambda _: (_answer("C9"), [point]))
    monkeypatch.setattr(other_labs, "frames_one_by_one", lambda *_: _answer("C10"))
    monkeypatch.setattr(other_labs, "other_lab", lambda _, __, name, ___: _answer(name))
    monkeypatch.setattr(figure3_controls, "_stages", lambda: _answer("C12"))
    found, points = figure3_controls.further(run(), LAB, tmp_path, lambda _: None)
    assert [control.name for control in found] == [
        *("C4", "C6", "C7", "C8", "C9", "C10", "C11", "C12", "C13", "C13")
    ]
    assert points == [point]
    assert {(bench.speed, bench.vms, bench.sorted.mode) for bench in benches} == {(0.25, 4, "vmq")}
