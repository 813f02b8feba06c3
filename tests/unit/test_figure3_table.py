"""Figure 3 for the eye."""

import pytest

from tests.unit.measured_rows import row, run
from vmdqemu.cli import figure3_table, table
from vmdqemu.experiments.controls import Control
from vmdqemu.experiments.figure3 import DEFAULT, FULL, QUICK
from vmdqemu.experiments.row import Limit


def printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_the_papers_numbers_stand_beside_ours(capsys: pytest.CaptureFixture[str]) -> None:
    figure3_table.show(run(controls=(Control("C2", "the limiter", "0.1 of a CPU", True),)))
    lines = printed(capsys)
    assert "vmq 4 9.41 9.30 9.30 -1% 500 29.03 wire" in lines
    assert "C2 holds: the limiter: 0.1 of a CPU" in lines
    assert any(line.startswith("vmq: as vmdq") for line in lines)


def test_a_mode_that_only_the_machine_limited_has_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    figure3_table.show(run(row("off"), row("vmq", 8.0, limit=Limit.MACHINE)))
    assert "vmq 4 9.41 - 9.30 - - - machine" in printed(capsys)


def test_every_mode_of_every_plan_is_explained() -> None:
    assert {mode for plan in (QUICK, DEFAULT, FULL) for mode in plan.modes} <= set(figure3_table.MODES)


def test_the_table_fits_80_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "room", lambda: 80)
    figure3_table.show(run())
    assert max(map(len, capsys.readouterr().out.splitlines()[:3])) <= 80
