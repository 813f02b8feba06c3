"""Fairness: what follows from the shares."""

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.measured_rows import STATUS
from vmdqemu.experiments.fairness import CASES, Entry, Run, conclude, jain, table


def run(shares: Mapping[str, tuple[float, ...]]) -> Run:
    entries = [
        Entry(case, f"vm{place}", weight, segment, share, share)
        for case in CASES
        for place, (weight, segment, share) in enumerate(
            zip(case.weights, case.segments, shares[case.name], strict=True), start=1
        )
    ]
    return Run(entries, STATUS, {"holds": True, "checks": []})


FAIR: dict[str, tuple[float, ...]] = {
    "deficit": (0.333, 0.333, 0.334),
    "weights 1:2:4": (1 / 7, 2 / 7, 4 / 7),
    "round robin": (0.33, 0.34, 0.33),
}


@given(st.lists(st.floats(0.01, 100), min_size=1, max_size=8))
def test_jains_index_is_between_one_for_all_and_all_for_one(values: list[float]) -> None:
    assert 1 / len(values) <= jain(values) * (1 + 1e-9)
    assert jain(values) <= 1 + 1e-9


def test_jains_index_at_its_ends() -> None:
    assert jain([3.0, 3.0, 3.0]) == pytest.approx(1)
    assert jain([1.0, 0.0, 0.0, 0.0]) == pytest.approx(1 / 4)


def test_weights_are_taken_into_account() -> None:
    found = conclude(run(FAIR))
    assert found.broken == []
    assert found.more["jain"]["weights 1:2:4"] == 1.0


def test_a_share_that_no_weight_explains_is_noticed() -> None:
    (broken,) = conclude(run(FAIR | {"deficit": (0.5, 0.3, 0.2)})).broken
    assert broken.name.startswith("deficit")


def test_the_table_says_what_is_shared() -> None:
    heads, lines = table(run(FAIR))
    assert (lines[0][0], lines[0][-1], lines[-1][-1]) == ("deficit", "octets", "wire frames")
    assert {len(line) for line in lines} == {len(heads)}
