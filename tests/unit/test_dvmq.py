"""Dynamic VMQ live: what follows from the phases as they went."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.unit.measured_rows import STATUS
from vmdqemu.experiments.dvmq import (
    AFTER,
    FULL,
    PHASES,
    PROCESSORS,
    QUIET,
    SUDDEN,
    VMS,
    Plan,
    Run,
    Stretch,
    conclude,
    periods_until,
    table,
)
from vmdqemu.experiments.picture import Tracks
from vmdqemu.experiments.timeline import Point

ALONE, HOME = (0, 1, 2, 3), (0, 0, 0, 0)


def stretch(placement: str, place: int, *queues: tuple[int, ...], rate: float = 0.1) -> Stretch:
    """A phase with a look each second; a period is a second too."""
    began = 100.0 * place
    points = [
        Point(began + second, 1.0, rate, (rate / 5,) * PROCESSORS, queue)
        for second, queue in enumerate(queues, start=1)
    ]
    return Stretch(placement, PHASES[place], began, points, [])


def run(
    sudden: Sequence[tuple[int, ...]] = (HOME, ALONE, ALONE, ALONE),
    after: Sequence[tuple[int, ...]] = (ALONE, ALONE, HOME, HOME),
    rate: float = 4.7,
) -> Run:
    static = [stretch("static", place, *[ALONE] * 4) for place in range(len(PHASES))]
    dynamic = [stretch("dynamic", place, *[HOME] * 4) for place in range(len(PHASES))]
    static[SUDDEN] = stretch("static", SUDDEN, *[ALONE] * 4, rate=4.7)
    dynamic[SUDDEN] = stretch("dynamic", SUDDEN, *sudden, rate=rate)
    dynamic[AFTER] = stretch("dynamic", AFTER, *after)
    return Run(Plan(1.0), {"static": static, "dynamic": dynamic}, STATUS, {"holds": True, "checks": []})


def test_the_load_goes_up_and_down_by_steps_and_then_at_once() -> None:
    offered = [phase.offered for phase in PHASES]
    rising = offered[: offered.index(None)]
    assert rising == sorted(rate for rate in rising if rate is not None)
    assert (PHASES[0].layers, PHASES[SUDDEN].layers, PHASES[AFTER].layers) == (QUIET, FULL, QUIET)


def test_prompt_spreading_full_rate_and_one_processor_when_quiet_pass() -> None:
    found = conclude(run())
    assert found.broken == []
    assert found.more["periods"] == {"spread": 2.0, "gathered": 3.0}
    assert found.ratios["dynamic/static gbit_per_s@full"] == 1.0
    assert found.ratios["dynamic/static processors@quiet"] == 0.25


@pytest.mark.parametrize(
    ("changes", "gate"),
    [
        ({"sudden": [HOME] * 3 + [ALONE]}, "from quiet to full"),
        ({"after": [ALONE] * 5}, "quiet again"),
        ({"rate": 4.4}, "full: at least 95%"),
    ],
)
def test_what_falls_short_is_named(changes: dict[str, Any], gate: str) -> None:
    (broken,) = conclude(run(**changes)).broken
    assert broken.name.startswith(gate)


def test_a_count_of_processors_that_never_was_is_never_reached() -> None:
    assert periods_until(stretch("dynamic", 0, HOME, ALONE), 4, period=0.5) == 4.0
    assert periods_until(stretch("dynamic", 0, HOME), 3, period=1.0) is None


def test_rows_the_table_and_the_picture_have_every_phase_of_both() -> None:
    found = conclude(run())
    assert [(row["placement"], row["phase"]) for row in found.rows] == [
        (placement, phase.name) for placement in ("static", "dynamic") for phase in PHASES
    ]
    assert {row["limit"] for row in found.rows if row["phase"] != "full at once"} >= {"offered"}
    heads, lines = table(run())
    assert {len(line) for line in lines} == {len(heads)}
    assert isinstance(found.picture, Tracks)
    load, active, queues = found.picture.columns["dynamic placement"]
    assert len(queues.curves) == VMS
    assert {len(track.times) for track in (load, active, queues)} == {4 * len(PHASES)}
