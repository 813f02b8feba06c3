"""The commands of `experiment`: which plan each runs."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.asking import ended
from vmdqemu.cli import experiment
from vmdqemu.experiments import dvmq, dvmq_simulated, fairness, figure3, latency, scaling, sriov


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was called instead of measuring."""
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(experiment, "figure3", lambda *call: calls.append(call))
    monkeypatch.setattr(experiment, "experiment", lambda *call: calls.append(call))
    monkeypatch.setattr(experiment, "simulation", lambda *call: calls.append(call))
    return calls


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        ((), figure3.DEFAULT),
        (("--quick",), figure3.QUICK),
        (("--full",), figure3.FULL),
        (("--full", "--controls"), figure3.FULL._replace(controls=True)),
    ],
)
def test_figure3_has_three_lengths_and_its_controls(
    options: tuple[str, ...],
    plan: figure3.Plan,
    ran: list[tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ended(monkeypatch, "experiment", "figure3", *options) == 0
    assert ran == [(plan, Path("results/figure3"))]


@pytest.mark.parametrize("module", [scaling, latency, fairness, dvmq, sriov], ids=lambda module: module.NAME)
def test_the_others_have_two(
    module: Any, ran: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ended(monkeypatch, "experiment", module.NAME, "--out", "there") == 0
    assert ended(monkeypatch, "experiment", module.NAME, "--quick") == 0
    assert ran == [
        (module, module.DEFAULT, Path("there")),
        (module, module.QUICK, Path("results") / module.NAME),
    ]


@pytest.mark.parametrize(
    ("options", "plan"),
    [
        ((), dvmq_simulated.DEFAULT),
        (("--quick", "--seed", "7"), dvmq_simulated.QUICK._replace(seed=7)),
        (("--hours", "2.5"), dvmq_simulated.DEFAULT._replace(hours=2.5)),
    ],
)
def test_the_simulation_has_its_seed_and_its_hours(
    options: tuple[str, ...],
    plan: dvmq_simulated.Plan,
    ran: list[tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert ended(monkeypatch, "experiment", "dvmq", "--simulate", *options) == 0
    assert ran == [(dvmq_simulated, plan, Path("results/dvmq-simulated"))]


def test_a_seed_without_the_simulation_is_a_usage_error(
    ran: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "experiment", "dvmq", "--seed", "7") == 2
    assert "give --simulate too" in capsys.readouterr().err
    assert ran == []
