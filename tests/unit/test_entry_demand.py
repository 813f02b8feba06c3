"""A VPort's queues as the entries of its table: no load is lost, and entries are where their queue is."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.host.demand import DEFAULT_PROCESSOR, Entry, Item, Sample
from vmdqemu.host.entry_demand import by_entry
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_KEY, Rss
from vmdqemu.nic.scaling_entity import Entity
from vmdqemu.nic.vport import VPort

QUEUES = (4, 5, 6)


def vport(*table: int, default: int = 0, queues: tuple[int, ...] = QUEUES) -> VPort:
    return VPort("vm1", len(queues), None, True, Rss(DEFAULT_KEY, ALL_TYPES, table, default), queues)


def sample(*loads: float) -> Sample:
    """Of the three queues, on processors 0, 1 and 2, and of another VM's queue on processor 2."""
    served: dict[Item, float] = {9: 0.25}
    served.update(zip(QUEUES, loads, strict=True))
    return Sample({0: 0.5}, served, {4: 0, 5: 1, 6: 2, 9: 2})


def test_an_entry_is_where_its_queue_is_and_has_its_part_of_the_load() -> None:
    found = by_entry(sample(0.6, 0.2, 0.0), {1: vport(0, 0, 0, 1)})
    places: dict[Item, int] = {Entry(1, index): at for index, at in enumerate((0, 0, 0, 1))}
    assert found.placement == {9: 2, Entry(1, DEFAULT_PROCESSOR): 0, **places}
    assert found.loads == pytest.approx({9: 0.25, **dict.fromkeys(places, 0.2)})
    assert found.queue_pairs == {1: 3}
    assert found.busy == {0: 0.5}


def test_what_is_not_hashed_alone_counts_for_the_default_processor() -> None:
    found = by_entry(sample(0.0, 0.1, 0.3), {1: vport(0, 1, default=2)})
    assert found.loads[Entry(1, DEFAULT_PROCESSOR)] == 0.3
    assert found.placement[Entry(1, DEFAULT_PROCESSOR)] == 2


@pytest.mark.parametrize(
    "other",
    [
        vport(0, 1)._replace(scaling=Entity(False, 0, 0, (0, 0), 3)),
        vport(0, 0, queues=(4,)),
        vport(0, 1, queues=(4, 7)),
        vport(0, 1)._replace(rss=None),
    ],
    ids=["RSS is off", "one queue", "a queue that is new", "no RSS"],
)
def test_what_rss_does_not_spread_stays_whole_queues(other: VPort) -> None:
    assert by_entry(sample(0.1, 0.2, 0.3), {1: other}) == sample(0.1, 0.2, 0.3)


@given(
    st.lists(st.integers(0, 2), min_size=2, max_size=128),
    st.integers(0, 2),
    st.tuples(*[st.floats(0, 1)] * 3),
)
def test_no_load_is_lost_but_of_queues_that_nothing_names(
    table: list[int], default: int, loads: tuple[float, float, float]
) -> None:
    found = by_entry(sample(*loads), {1: vport(*table, default=default)})
    named = sum(loads[queue] for queue in {*table, default})
    assert sum(found.loads.values()) == pytest.approx(0.25 + named)
    on = Counter(found.placement.values())
    assert on.total() == len(table) + 2
