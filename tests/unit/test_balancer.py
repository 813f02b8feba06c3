"""The balancer over time: thresholds, patience, rest, budget; and what holds for any load."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.balancing import Host
from vmdqemu.host.balance_settings import DYNAMIC_VMQ, Settings
from vmdqemu.host.balancer import Balancer
from vmdqemu.host.demand import ROUNDING, Entry, Item, Sample
from vmdqemu.host.plan import Move

PERIODS = (
    int(DYNAMIC_VMQ.rest + DYNAMIC_VMQ.patience) + 2
)  # by then a constant load is spread and drawn together


@pytest.mark.parametrize("processors", [(), (1, 2, 1)])
def test_a_set_that_is_none_is_refused_with_the_fields_name(processors: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"^processors: .*; "):
        Balancer(processors)


def test_a_processor_is_emptied_only_after_it_was_low_for_a_while() -> None:
    host = Host({1: 0.1}, settings=replace(DYNAMIC_VMQ, patience=3))
    host.placement[1] = 2
    assert host.run(3) == []
    assert host.run(1) == [Move(1, 2, 0)]


def test_a_burst_in_between_starts_the_wait_anew() -> None:
    host = Host({1: 0.1}, settings=replace(DYNAMIC_VMQ, patience=2))
    host.placement[1] = 2
    host.run(2)
    host.wants[1] = 0.7
    host.run(1)
    host.wants[1] = 0.1
    assert host.run(2) == []
    assert host.run(1) == [Move(1, 2, 0)]


def test_what_moved_rests_before_it_is_drawn_together() -> None:
    host = Host({1: 0.5, 2: 0.5}, settings=replace(DYNAMIC_VMQ, patience=0, rest=5))
    assert host.run(1) == [Move(1, 0, 1)]
    host.wants = {1: 0.1, 2: 0.1}
    assert host.run(4) == []
    assert host.run(1) == [Move(1, 1, 0)]


def test_what_moved_as_often_as_it_may_stays_until_the_minute_is_over() -> None:
    host = Host({1: 0.5, 2: 0.5}, settings=replace(DYNAMIC_VMQ, patience=0, rest=0, budget=2))
    busy: dict[Item, float] = {1: 0.5, 2: 0.5}
    quiet: dict[Item, float] = {1: 0.1, 2: 0.1}
    assert host.run(1) == [Move(1, 0, 1)]
    host.wants = quiet
    assert host.run(1) == [Move(1, 1, 0)]
    host.wants = busy
    assert host.run(1) == [Move(2, 0, 1)]
    host.wants = quiet
    assert host.run(1) == [Move(2, 1, 0)]
    host.wants = busy
    assert host.run(56) == []
    assert host.run(1) == [Move(1, 0, 1)]


def test_the_farthest_of_two_low_processors_is_emptied_into_the_nearer() -> None:
    host = Host({1: 0.7, 2: 0.4, 3: 0.4})
    host.placement = {1: 0, 2: 1, 3: 5}
    assert host.run(20) == [Move(3, 5, 1)]


def test_where_there_are_too_few_processors_hidden_loads_share_them_evenly() -> None:
    host = Host(dict.fromkeys(range(4), 1.0), processors=range(2), hidden=True)
    host.run(20)
    assert Counter(host.placement.values()) == {0: 2, 1: 2}


def test_an_item_may_go_at_any_time() -> None:
    balancer = Balancer(range(2))
    assert len(balancer.plan(Sample({}, {1: 0.5, 2: 0.5}, {1: 0, 2: 0}), now=0.0)) == 1
    assert balancer.plan(Sample({}, {}, {}), now=1.0) == ()


def test_what_stands_outside_the_set_is_left_alone() -> None:
    host = Host({1: 0.95, 2: 0.05}, processors=range(2))
    host.placement = {1: 5, 2: 5}
    assert host.run(20) == []


def test_16_hidden_loads_have_a_processor_each_within_3_periods() -> None:
    """TCP tells of no more than it gets; 16 processors are as many as an adapter has."""
    host = Host(dict.fromkeys(range(16), 1.0), processors=range(16), hidden=True)
    host.run(3)
    assert len(host.used) == 16


def test_255_known_loads_are_spread_in_one_period() -> None:
    host = Host(dict.fromkeys(range(255), 0.15), processors=range(64))
    host.run(1)
    assert all(host.offered(processor) <= DYNAMIC_VMQ.full + ROUNDING for processor in host.used)
    assert host.run(1) == []


shares = st.integers(0, 20).map(lambda twentieths: twentieths / 20)
queues: st.SearchStrategy[Item] = st.integers(1, 255)
queue_loads = st.dictionaries(queues, shares, min_size=1, max_size=24)


@st.composite
def entry_loads(draw: st.DrawFn) -> tuple[dict[Item, float], dict[int, int]]:
    """Up to three VPorts of up to 8 entries, with their queue pairs."""
    pairs = draw(st.dictionaries(st.integers(1, 3), st.integers(1, 4), min_size=1))
    loads: dict[Item, float] = {
        Entry(vport, index): draw(shares)
        for vport in sorted(pairs)
        for index in range(draw(st.integers(1, 8)))
    }
    return loads, pairs


@st.composite
def hosts(draw: st.DrawFn) -> Host:
    """Any items anywhere in the set."""
    loads, pairs = draw(entry_loads() | st.tuples(queue_loads, st.just({})))
    processors = draw(st.permutations(range(8)).map(lambda numbers: numbers[:6]))
    host = Host(loads, processors, hidden=draw(st.booleans()), queue_pairs=pairs)
    anywhere = st.sampled_from(processors)
    if not pairs:
        host.placement = {item: draw(anywhere) for item in loads}
    return host


@given(host=hosts(), changes=st.lists(st.tuples(st.integers(0, 23), shares), max_size=8))
def test_any_load_items_are_conserved_stay_in_the_set_and_within_their_queue_pairs(
    host: Host, changes: list[tuple[int, float]]
) -> None:
    items = list(host.wants)
    for index, share in [(0, host.wants[items[0]]), *changes]:
        host.wants[items[index % len(items)]] = share
        host.run(3)  # checks every move
        assert list(host.placement) == items
        for vport, pairs in host.queue_pairs.items():
            used = {
                place
                for item, place in host.placement.items()
                if isinstance(item, Entry) and item.vport == vport
            }
            assert len(used) <= pairs


@given(host=hosts())
def test_no_move_oversubscribes_a_processor_but_one_that_was_idle(host: Host) -> None:
    host.hidden = False  # so what the balancer predicts is what comes
    before = {processor: host.offered(processor) for processor in range(8)}
    for target in {move.target for move in host.run(1)}:
        idle = before[target] < DYNAMIC_VMQ.margin
        assert idle or host.offered(target) <= DYNAMIC_VMQ.full + ROUNDING


@given(loads=queue_loads, processors=st.integers(1, 12))
def test_what_should_move_has_moved_within_3_periods(loads: dict[Item, float], processors: int) -> None:
    """From home alone: whoever is still too busy has nothing that would fit anywhere."""
    host = Host(loads, processors=range(processors))
    host.run(3)
    for source in host.used:
        if host.offered(source) > DYNAMIC_VMQ.upper + ROUNDING:
            for item in (item for item, place in host.placement.items() if place == source):
                assert not host.wants[item] or not any(
                    host.offered(target) + host.wants[item] <= DYNAMIC_VMQ.full + ROUNDING
                    for target in range(processors)
                    if target != source
                )


@given(host=hosts())
def test_under_constant_load_an_item_moves_once_at_most_after_the_first_periods(host: Host) -> None:
    host.run(3)
    moves = Counter(move.item for move in host.run(5 * PERIODS))
    assert all(times <= 1 for times in moves.values())


@given(
    loads=st.lists(queue_loads, min_size=1, max_size=20),
    settings=st.builds(
        Settings, budget=st.integers(1, 4), rest=st.integers(0, 10), patience=st.integers(0, 3)
    ),
)
def test_no_item_moves_more_often_in_a_minute_than_its_budget(
    loads: list[dict[Item, float]], settings: Settings
) -> None:
    items = {item for load in loads for item in load}
    host = Host(dict.fromkeys(items, 0.0), settings=settings)
    moves: Counter[Item] = Counter()
    for load in loads:
        host.wants = {item: load.get(item, 0.0) for item in items}
        moves.update(move.item for move in host.run(2))
    assert all(times <= settings.budget for times in moves.values())
