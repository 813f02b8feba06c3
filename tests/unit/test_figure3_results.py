"""What figure3 found, as a table and as one document."""

import json

import pytest

from tests.unit.measured_rows import row, run
from vmdqemu.experiments.controls import Control
from vmdqemu.experiments.figure3 import Run
from vmdqemu.experiments.figure3_results import conclude, gates_of, table
from vmdqemu.experiments.outcome import document
from vmdqemu.experiments.picture import Bars
from vmdqemu.experiments.row import Limit

DESIGNED = {"schema_version", "experiment", "machine", "lab", "emulated", "claims", "rows", "ratios", "law"}


def test_a_line_has_predicted_measured_and_the_papers_beside_each_other() -> None:
    off, vmq = table(run(row("off", 5.3), row("vmq", 9.2), row("vmq", 9.3), row("off", 5.5)))
    assert off.measured == pytest.approx(5.4)
    assert (off.paper, off.limit) == (5.4, "processor")
    assert vmq.measured == pytest.approx(9.25)
    assert (vmq.least, vmq.most) == (9.2, 9.3)
    assert vmq.difference == pytest.approx(9.25 / vmq.predicted - 1)


def test_what_the_machine_limited_is_counted_and_compared_with_nothing() -> None:
    _, vmq = table(run(row("off"), row("vmq", 8.0, limit=Limit.MACHINE)))
    assert (vmq.measured, vmq.difference, vmq.limit) == (None, None, "machine")
    assert (vmq.rows, vmq.machine_limited) == (0, 1)


def test_the_document_has_the_shape_of_every_result() -> None:
    written = json.loads(json.dumps(document(conclude(run()))))
    assert set(written) >= DESIGNED
    assert written["ratios"] == {"vmq/off@4": 1.722}
    assert written["void"] is False
    assert all(row["at"] > written["predicted_at"] for row in written["rows"])


def test_before_the_rounds_there_are_predictions_and_nothing_else() -> None:
    early = document(conclude(run()._replace(rows=(), controls=(), law=None)))
    assert [said["mode"] for said in early["predictions"]] == ["off", "vmq"]
    assert early["claims"]["predicted"]
    assert (early["rows"], early["table"], early["gates"], early["law"]) == ([], [], [], None)


@pytest.mark.parametrize(
    ("void", "gate"),
    [
        (run(controls=(Control("C2", "the limiter", "1.0 of a CPU", False),)), "C2"),
        (run(row("off", 4.9), row("vmq", 9.3)), "off with 4 VMs within 6% of 5.4"),
        (run(row("off", 5.4), row("vmq", 7.9)), "vmq/off@4 at least 1.5"),
        (run(row("off", 5.4), row("vmq", 9.564)), "no row above what the wire carries"),
        (run(law=False), "the law of frames"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_gate_that_does_not_hold_makes_the_run_void(void: Run, gate: str) -> None:
    broken = [found for found in gates_of(void) if not found.holds]
    assert len(broken) == 1
    assert broken[0].name.startswith(gate)
    assert document(conclude(void))["void"] is True


def test_a_calm_run_passes_every_gate() -> None:
    assert all(gate.holds for gate in gates_of(run()))


def test_the_picture_has_the_papers_points_over_its_bars() -> None:
    drawn = conclude(run()).picture
    assert isinstance(drawn, Bars)
    assert drawn.groups == ["4"]
    assert drawn.bars == {"off": [5.4], "vmq": [9.3]}
    assert drawn.published == {"off": [5.4], "vmq": [9.3]}
