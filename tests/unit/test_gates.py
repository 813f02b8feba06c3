"""A gate that does not hold makes a run void."""

import pytest

from tests.unit.measured_rows import CAPACITY, row
from vmdqemu.experiments import gates
from vmdqemu.experiments.controls import Control
from vmdqemu.experiments.row import Limit


@pytest.mark.parametrize(
    ("gbit_per_s", "holds"), [(5.4, True), (5.7, True), (5.1, True), (5.75, False), (5.0, False)]
)
def test_off_may_drift_by_six_percent(gbit_per_s: float, holds: bool) -> None:
    rows = [row(gbit_per_s=gbit_per_s)] * 3
    assert gates.no_drift(rows, "off", 4, 5.4).holds is holds


def test_what_the_machine_limited_is_no_evidence_that_nothing_drifted() -> None:
    assert not gates.no_drift([row(limit=Limit.MACHINE)], "off", 4, 5.4).holds
    assert not gates.comparable([row(limit=Limit.MACHINE)], "off", 4).holds
    assert gates.comparable([row(limit=Limit.MACHINE), row()], "off", 4).holds


@pytest.mark.parametrize(("gbit_per_s", "holds"), [(9.41, True), (9.42, True), (9.564, False)])
def test_more_than_a_cable_carries_is_caught(gbit_per_s: float, holds: bool) -> None:
    """9.564: what tbf lets through when the frames' overhead is forgotten."""
    assert gates.within_the_wire([row(), row("vmq", gbit_per_s)], CAPACITY).holds is holds


@pytest.mark.parametrize(("ratio", "holds"), [(1.72, True), (1.5, True), (1.49, False), (None, False)])
def test_a_promised_ratio_is_kept_or_not(ratio: float | None, holds: bool) -> None:
    assert gates.at_least("vmq/off@4", ratio, 1.5).holds is holds


def test_a_control_that_only_informs_is_no_gate() -> None:
    controls = [
        Control("C2", "the limiter", "0.5 of a CPU", False),
        Control("C5", "one processor", "no saving", None),
    ]
    (gate,) = gates.of_controls(controls)
    assert (gate.name, gate.holds) == ("C2: the limiter", False)


def test_the_law_is_a_gate() -> None:
    assert gates.law(True).holds
    assert not gates.law(False).holds
