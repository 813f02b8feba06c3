"""The simulated experiment: what is concluded, and that a seed decides all of it."""

from pathlib import Path

import pytest

from vmdqemu.experiments.dvmq_simulated import JUDGED, SEEN, Entry, Plan, conclude, run, table
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.outcome import document
from vmdqemu.experiments.simulation import TRACES, Simulated

SHORT = Plan(hours=1 / 60)


def simulated(plan: Plan = SHORT) -> list[Entry]:
    with Interrupts() as interrupts:
        return list(run(plan, Path(), lambda _: None, interrupts))


def entry(used: int = 120, overload_seconds: int = 1) -> Entry:
    return Entry("offered", Simulated(JUDGED, 1, 100, 7, 7, used, 100, overload_seconds, 2))


def test_a_seed_decides_everything() -> None:
    assert conclude(simulated()) == conclude(simulated())
    assert conclude(simulated()).rows != conclude(simulated(SHORT._replace(seed=2))).rows


def test_every_trace_is_seen_both_ways() -> None:
    found = simulated()
    assert [(entry.found.trace, entry.seen) for entry in found] == [
        (trace, seen) for trace in TRACES for seen in SEEN
    ]
    concluded = conclude(found)
    assert concluded.ratios.keys() >= {"processors/bound@diurnal, offered", "overload@square, got"}
    heads, lines = table(found)
    assert {len(line) for line in lines} == {len(heads)}
    whole = document(concluded)
    assert (whole["lab"], whole["law"], len(whole["rows"])) == (None, None, len(found))


@pytest.mark.parametrize(
    ("found", "broken"),
    [(entry(), None), (entry(used=131), "processors"), (entry(overload_seconds=2), "overload")],
)
def test_a_day_is_held_against_its_aims(found: Entry, broken: str | None) -> None:
    names = [gate.name for gate in conclude([found]).broken]
    assert len(names) == (broken is not None)
    assert all(broken in name for name in names if broken)
