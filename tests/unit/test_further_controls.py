"""The further controls: what each asks the lab for, and what it makes of the answers."""

from collections.abc import Callable
from typing import Any

import pytest

from netns import namespace
from tests.unit.measured_rows import row
from vmdqemu.config import parse
from vmdqemu.daemon import control as socket
from vmdqemu.experiments import further_controls, receive
from vmdqemu.experiments.controls import Control
from vmdqemu.experiments.further_controls import Bench
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.rig import Rig
from vmdqemu.experiments.row import Row

SPEED = 0.2


class Lab:
    """In place of a running lab: takes its settings, and gives rows by them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mode, self.speed = "", 0.0
        self.measured: list[tuple[str, float]] = []
        monkeypatch.setattr(socket, "call", self._call)
        monkeypatch.setattr(receive, "receive", self._receive)
        rig = Rig(parse('vm = [{ name = "vm1" }, { name = "vm2" }]', "two"), Interrupts())
        self.bench = Bench(rig, SPEED, 4, 1, row("off", 5.4), row("vmq", 9.3))

    def _call(self, _: object, method: str, params: dict[str, Any]) -> Any:
        self.mode = params.get("mode", self.mode)
        self.speed = params.get("speed", self.speed)
        return {"method": method}

    def _receive(self, _: Rig, mode: str, vms: int, __: int) -> Row:
        assert (mode, vms) == (self.mode, 4)
        self.measured.append((mode, self.speed))
        return row(mode, 27 * self.speed, speed=self.speed)


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Lab:
    return Lab(monkeypatch)


@pytest.mark.parametrize(
    ("ask", "measured"),
    [
        (further_controls.same_against_same, [("off", SPEED)] * 4),
        (further_controls.equal_budget, [("off", 4 * SPEED)]),
        (further_controls.native_rss, [("rss", SPEED)]),
        (further_controls.ablations, [("off", SPEED), ("off-nocopy", SPEED), ("off-nolookup", SPEED)]),
    ],
)
def test_each_control_measures_what_it_asks_about(
    ask: Callable[[Bench], Control], measured: list[tuple[str, float]], lab: Lab
) -> None:
    control = ask(lab.bench)
    assert lab.measured == measured
    assert control.holds is None
    assert control.answer


def test_off_against_off_is_one_on_a_calm_machine(lab: Lab) -> None:
    assert further_controls.same_against_same(lab.bench).answer.endswith("1.000")


def test_a_budget_that_no_processor_can_have_is_not_measured(lab: Lab) -> None:
    answer = further_controls.equal_budget(lab.bench._replace(speed=0.3)).answer
    assert lab.measured == []
    assert "too slow" in answer


def test_sensitivity_is_measured_in_both_modes_at_every_speed(lab: Lab) -> None:
    _, points = further_controls.sensitivity(lab.bench)
    assert [point.speed for point in points] == pytest.approx([0.1, 0.14, 0.2, 0.28, 0.4])
    assert [mode for mode, _ in lab.measured] == ["off", "vmq"] * 5
    assert all(point.off.speed == point.sorted.speed == point.speed for point in points)


def test_the_vms_stack_is_put_back_where_it_was(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    steered: list[tuple[str, bool]] = []

    def run(ns: str, argv: list[str]) -> None:
        steered.append((ns, "echo 0 >" not in argv[-1]))

    monkeypatch.setattr(namespace, "run", run)
    further_controls.guests_elsewhere(lab.bench)
    assert steered == [("vm1", True), ("vm2", True), ("vm1", False), ("vm2", False)]
    assert lab.measured == [("off", SPEED), ("vmq", SPEED)]
