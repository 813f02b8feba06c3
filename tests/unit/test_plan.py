"""One plan: who gives what to whom, by the loads that the moves before left."""

from collections.abc import Mapping

import pytest

from vmdqemu.host.balance_settings import Settings
from vmdqemu.host.demand import DEFAULT_PROCESSOR, Entry, Item, Sample
from vmdqemu.host.plan import Move, Plan

SETTINGS = Settings(upper=0.9, margin=0.1)


def _plan(
    loads: Mapping[Item, tuple[int, float]],
    busy: Mapping[int, float] | None = None,
    fixed: set[Item] | None = None,
    queue_pairs: Mapping[int, int] | None = None,
    processors: tuple[int, ...] = (0, 1, 2, 3),
) -> Plan:
    """loads: item -> (its processor, its share)."""
    placement = {item: processor for item, (processor, _) in loads.items()}
    shares = {item: share for item, (_, share) in loads.items()}
    sample = Sample(busy or {}, shares, placement, queue_pairs or {})
    return Plan(processors, sample, SETTINGS, fixed or set())


def test_a_processor_at_the_upper_threshold_gives_nothing_away() -> None:
    plan = _plan({1: (0, 0.5), 2: (0, 0.4)})
    plan.spread(0)
    assert plan.moves == []


def test_the_nearest_with_room_takes_it() -> None:
    plan = _plan({1: (0, 0.5), 2: (0, 0.45), 3: (1, 0.5), 4: (2, 0.35)})
    plan.spread(0)
    assert plan.moves == [Move(2, 0, 2)]


def test_a_target_may_be_filled_up_to_the_margin_and_no_further() -> None:
    for share, target in ((0.35, 1), (0.36, 2)):
        plan = _plan({1: (0, 0.5), 2: (0, 0.45), 3: (1, share)})
        plan.spread(0)
        assert plan.moves == [Move(2, 0, target)]


def test_the_smallest_that_is_enough_goes() -> None:
    plan = _plan({1: (0, 0.6), 2: (0, 0.25), 3: (0, 0.1)})
    plan.spread(0)
    assert plan.moves == [Move(2, 0, 1)]


def test_if_none_is_enough_the_largest_go_first() -> None:
    plan = _plan({item: (0, share) for item, share in enumerate((0.2, 0.3, 0.4, 0.35), start=1)})
    plan.spread(0)
    assert plan.moves == [Move(3, 0, 1), Move(4, 0, 1)]
    assert plan.loads[0] <= SETTINGS.full


def test_if_the_chosen_does_not_fit_another_is_tried() -> None:
    plan = _plan({1: (0, 0.6), 2: (0, 0.2), 3: (0, 0.15), 4: (1, 0.62)}, processors=(0, 1))
    plan.spread(0)
    assert plan.moves == [Move(3, 0, 1)]


def test_an_idle_item_stays_as_its_move_would_not_help() -> None:
    plan = _plan({1: (0, 0.95), 2: (0, 0.0)})
    plan.spread(0)
    assert plan.moves == []


def test_what_fills_a_processor_by_itself_stays_where_it_is_alone() -> None:
    plan = _plan({1: (0, 1.0)}, busy={0: 1.0})
    plan.spread(0)
    assert plan.moves == []


def test_two_that_each_fill_a_processor_do_not_share_one() -> None:
    plan = _plan({1: (0, 0.85), 2: (0, 0.85)})
    plan.spread(0)
    assert plan.moves == [Move(1, 0, 1)]


def test_what_runs_there_besides_counts_for_the_source_and_the_target() -> None:
    plan = _plan({1: (0, 0.2), 2: (0, 0.2)}, busy={0: 0.95, 1: 0.7})
    plan.spread(0)
    assert plan.moves == [Move(1, 0, 2)]


def test_a_fixed_item_stays() -> None:
    plan = _plan({1: (0, 0.5), 2: (0, 0.5)}, fixed={1})
    plan.spread(0)
    assert plan.moves == [Move(2, 0, 1)]


def test_drawing_together_empties_a_processor_into_those_in_use() -> None:
    plan = _plan({1: (0, 0.7), 2: (2, 0.5), 3: (3, 0.1), 4: (3, 0.2)})
    plan.draw_together(3, resting=set())
    assert plan.moves == [Move(4, 3, 2), Move(3, 3, 0)]


def test_drawing_together_is_all_or_nothing() -> None:
    plan = _plan({1: (0, 0.6), 2: (1, 0.3), 3: (1, 0.1)})
    plan.draw_together(1, resting=set())
    assert plan.moves == []


def test_drawing_together_opens_no_processor_but_home() -> None:
    plan = _plan({1: (3, 0.1)})
    plan.draw_together(3, resting=set())
    assert plan.moves == [Move(1, 3, 0)]


@pytest.mark.parametrize("resting", [{1}, {2}])
def test_a_resting_item_keeps_its_processor_in_use(resting: set[Item]) -> None:
    plan = _plan({1: (1, 0.1), 2: (1, 0.1)})
    plan.draw_together(1, resting)
    assert plan.moves == []


def test_what_was_just_spread_is_not_drawn_together() -> None:
    plan = _plan({1: (0, 0.75), 2: (0, 0.2)})
    plan.spread(0)
    plan.draw_together(1, resting=set())
    assert plan.moves == [Move(2, 0, 1)]


ENTRIES = [Entry(1, 0), Entry(1, 1), Entry(1, DEFAULT_PROCESSOR)]


def test_entries_of_a_vport_go_to_as_many_processors_as_it_has_queue_pairs() -> None:
    for pairs, used in ((3, {0, 1, 2}), (2, {0, 1})):
        plan = _plan(dict.fromkeys(ENTRIES, (0, 0.5)), queue_pairs={1: pairs})
        plan.spread(0)
        assert {0, *(move.target for move in plan.moves)} == used


def test_a_vport_at_its_limit_moves_with_all_its_entries_of_a_processor() -> None:
    loads: dict[Item, tuple[int, float]] = dict.fromkeys(ENTRIES, (0, 0.2))
    plan = _plan({**loads, 7: (0, 0.35)}, fixed={7}, queue_pairs={1: 1})
    plan.spread(0)
    assert [(move.item, move.target) for move in plan.moves] == [(entry, 1) for entry in ENTRIES]


def test_a_vport_below_its_limit_does_not_move_as_a_whole() -> None:
    loads: dict[Item, tuple[int, float]] = dict.fromkeys(ENTRIES, (0, 0.2))
    plan = _plan({**loads, 7: (0, 0.7), 8: (1, 0.5)}, fixed={7}, queue_pairs={1: 3})
    plan.spread(0)
    assert [move.target for move in plan.moves] == [1, 2, 2]


def test_a_vport_at_its_limit_may_use_a_processor_it_has() -> None:
    loads: dict[Item, tuple[int, float]] = {ENTRIES[0]: (0, 0.5), ENTRIES[1]: (0, 0.45), ENTRIES[2]: (3, 0.1)}
    plan = _plan(loads, queue_pairs={1: 2})
    plan.spread(0)
    assert plan.moves == [Move(ENTRIES[1], 0, 3)]


def test_entries_are_drawn_together_too() -> None:
    loads: dict[Item, tuple[int, float]] = {entry: (where, 0.1) for where, entry in enumerate(ENTRIES)}
    plan = _plan(loads, queue_pairs={1: 3})
    plan.draw_together(2, resting=set())
    assert plan.moves == [Move(ENTRIES[2], 2, 0)]


def test_a_processor_that_a_vport_left_no_longer_counts_for_it() -> None:
    loads: dict[Item, tuple[int, float]] = {
        7: (0, 0.65),
        8: (1, 0.5),
        ENTRIES[0]: (2, 0.2),
        ENTRIES[1]: (3, 0.1),
    }
    plan = _plan(loads, queue_pairs={1: 2})
    plan.draw_together(3, resting=set())
    plan.draw_together(2, resting=set())
    assert plan.moves == [Move(ENTRIES[1], 3, 0), Move(ENTRIES[0], 2, 1)]
