"""Latency: what follows from the round trips."""

import pytest

from tests.unit.measured_rows import STATUS
from vmdqemu.experiments.latency import CLOSELY, LEVELS, LOADS, MODES, PINGED, Entry, Run, conclude, table
from vmdqemu.experiments.measure import RoundTrip
from vmdqemu.experiments.picture import Bars


def run(loaded: dict[str, float]) -> Run:
    """Loaded medians in ms by mode; idle ones are 0.2."""
    entries = [
        Entry(mode, load, "off", 0.0, RoundTrip(PINGED, 100, 99, median, 2 * median, 3 * median, median), 50)
        for mode in MODES
        for load, median in zip(LOADS, (0.2, loaded[mode]), strict=True)
    ]
    closely = RoundTrip(PINGED, 100, 100, 0.4, 0.5, 0.6, 0.4)
    entries += [Entry(MODES[-1], CLOSELY, level, 0.0, closely, 25) for level in LEVELS]
    return Run(entries, STATUS, {"holds": True, "checks": []})


def test_a_queue_of_its_own_shortens_the_round_trip_under_load() -> None:
    found = conclude(run({"off": 4.0, "vmdq": 1.2, "vmq": 1.0}))
    assert found.ratios == {"vmq/off, loaded": 0.25}
    assert found.broken == []
    assert isinstance(found.picture, Bars)
    assert found.picture.bars["off"] == [0.2, 4.0, None, None, None, None]
    assert found.picture.bars["vmq"] == [0.2, 1.0, 0.4, 0.4, 0.4, 0.4]


def test_a_queue_that_does_not_help_is_noticed() -> None:
    (broken,) = conclude(run({"off": 1.0, "vmdq": 1.2, "vmq": 1.1})).broken
    assert broken.found == "1.100 and 1.000 ms"


def test_the_table_is_in_microseconds() -> None:
    heads, lines = table(run({"off": 4.0, "vmdq": 1.2, "vmq": 1.0}))
    assert lines[1] == ("off", "loaded", "off", 0.0, 4000, 8000, 12000, 1, 50)
    assert len(heads) == len(lines[0])


@pytest.mark.parametrize("key", ["median_ms", "p99_ms", "max_ms", "mode", "load", "moderation"])
def test_a_row_has_what_was_measured(key: str) -> None:
    assert key in conclude(run({"off": 4.0, "vmdq": 1.2, "vmq": 1.0})).rows[0]
