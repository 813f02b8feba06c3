"""Scaling: what follows from the rows."""

import pytest

from tests.unit.measured_rows import STATUS, row
from vmdqemu.experiments.picture import Bars
from vmdqemu.experiments.scaling import FLOWS, MODES, Entry, Plan, Run, conclude, table

RATES = {  # Gbit/s of 1 and 4 queues, by mode and flows
    ("rss", 1): (0.9, 0.9),
    ("rss", 16): (0.9, 2.8),
    ("vmq", 1): (0.9, 0.9),
    ("vmq", 16): (0.9, 0.95),
    ("vmmq", 1): (0.9, 0.92),
    ("vmmq", 16): (0.9, 3.0),
}


def run(rates: dict[tuple[str, int], tuple[float, float]]) -> Run:
    entries = [
        Entry(queues, flows, row(mode, rates[mode, flows][place], vms=1))
        for place, queues in enumerate((1, 4))
        for mode in MODES
        for flows in FLOWS
    ]
    return Run(Plan((1, 4), 1), entries, STATUS, {"holds": True, "checks": []})


def test_gains_are_those_of_the_most_queues_over_one() -> None:
    found = conclude(run(RATES))
    assert found.ratios["vmmq, 16 flows"] == pytest.approx(3.333, abs=1e-3)
    assert found.ratios["vmmq, 1 flows"] == pytest.approx(1.022, abs=1e-3)
    assert found.broken == []


@pytest.mark.parametrize(
    ("mode", "rate", "gate"), [("vmq", 2.0, "one VMQ is capped"), ("vmmq", 1.0, "VMMQ spreads")]
)
def test_a_vmq_that_scales_and_a_vmmq_that_does_not_are_noticed(mode: str, rate: float, gate: str) -> None:
    (broken,) = conclude(run(RATES | {(mode, 16): (0.9, rate)})).broken
    assert broken.name.startswith(gate)


def test_the_picture_has_a_bar_for_each_mode_and_number_of_flows() -> None:
    bars = conclude(run(RATES)).picture
    assert isinstance(bars, Bars)
    assert bars.groups == ["1", "4"]
    assert bars.bars["vmmq, 16 flows"] == [0.9, 3.0]
    assert len(bars.bars) == len(MODES) * len(FLOWS)


def test_the_table_has_a_line_for_each_row() -> None:
    heads, lines = table(run(RATES))
    assert len(lines) == 12
    assert {len(line) for line in lines} == {len(heads)}
