"""What items are taken to want, by what was measured."""

import pytest

from vmdqemu.host.balance_settings import Settings
from vmdqemu.host.demand import Entry, Item, Sample, wanted

SETTINGS = Settings(saturated=0.97, growth=2.0)


def test_below_saturation_an_item_wants_what_it_got() -> None:
    found = wanted(Sample({0: 0.5}, {1: 0.2, 2: 0.3}, {1: 0, 2: 0}), [0], SETTINGS)
    assert found.items == {0: {1: 0.2, 2: 0.3}}
    assert found.loads == {0: 0.5}


def test_what_runs_there_besides_counts() -> None:
    assert wanted(Sample({0: 0.7}, {1: 0.2}, {1: 0}), [0], SETTINGS).loads == {0: 0.7}


def test_a_saturated_processors_items_are_taken_to_want_more_each_in_its_part() -> None:
    found = wanted(Sample({0: 1.0}, {1: 0.25, 2: 0.75}, {1: 0, 2: 0}), [0], SETTINGS)
    assert found.items == {0: {1: 0.5, 2: 1.5}}
    assert found.loads == {0: 2.0}


def test_where_it_is_known_how_much_waits_nothing_is_guessed() -> None:
    found = wanted(Sample({0: 1.0}, {1: 0.5, 2: 0.75}, {1: 0, 2: 0}), [0], SETTINGS)
    assert found.loads == {0: 1.25}


def test_an_item_outside_the_set_is_not_seen() -> None:
    placement: dict[Item, int] = {1: 5, Entry(1, 0): 0}
    found = wanted(Sample({0: 0.1, 5: 0.9}, {1: 0.9}, placement), [0, 1], SETTINGS)
    assert found.items == {0: {Entry(1, 0): 0.0}, 1: {}}
    assert found.loads == {0: pytest.approx(0.1), 1: 0.0}
