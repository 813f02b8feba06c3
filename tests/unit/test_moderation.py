"""Interrupt moderation: the chips' registers, the levels, the counter on a virtual clock.

Covers NDIS row C4 and Intel row 55.
"""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.nic.models import MODELS
from vmdqemu.nic.moderation import LEVELS, OFF, UNITS, Moderation, Throttle, Units, adapt, read

MICROSECONDS = 1e-6
INTERVALS = st.integers(0, 2000)  # microseconds


def interrupts(throttle: Throttle, events: list[float]) -> list[float]:
    """When a vector interrupts if its queue is read empty at once each time."""
    fired: list[float] = []
    waiting = None
    for event in sorted(events):
        if waiting is not None and waiting <= event:
            throttle.fire(waiting)
            fired.append(waiting)
            waiting = None
        if waiting is None:
            waiting = max(event, throttle.due)
    if waiting is not None:
        fired.append(waiting)
    return fired


def test_the_first_event_interrupts_at_once_and_the_rest_once_an_interval() -> None:
    """Intel row 55: an interval of 1000 us, 20 events 100 us apart."""
    fired = interrupts(Throttle(read(1000)), [number * 100 * MICROSECONDS for number in range(20)])
    assert fired[0] == 0
    assert len(fired) in (2, 3)


def test_an_event_after_a_quiet_interval_interrupts_at_once() -> None:
    throttle = Throttle(read(1000))
    throttle.fire(5.0)
    assert throttle.due == pytest.approx(5.001)
    assert interrupts(throttle, [5.0005]) == [pytest.approx(5.001)]
    assert interrupts(throttle, [6.0]) == [6.0]


def test_without_moderation_every_event_interrupts() -> None:
    events = [number * MICROSECONDS for number in range(20)]
    assert interrupts(Throttle(OFF), events) == events


@given(INTERVALS, st.lists(st.floats(0, 0.1), max_size=60))
def test_two_interrupts_are_never_closer_than_the_interval_and_no_event_waits_longer(
    microseconds: int, events: list[float]
) -> None:
    fired = interrupts(Throttle(read(microseconds)), events)
    interval = microseconds * MICROSECONDS
    assert all(later - earlier >= interval - 1e-12 for earlier, later in pairwise(fired))
    assert all(any(event <= at <= event + interval + 1e-12 for at in fired) for event in events)


@pytest.mark.parametrize(
    ("chip", "largest", "step"), [("82576", 8191, 1), ("82599", 1022, 2), ("82575", 16776, 0.256)]
)
def test_a_chip_has_its_own_unit_and_largest_interval(chip: str, largest: int, step: float) -> None:
    """Intel row 55: 8191 us (82576), 1022 us (82599)."""
    units = UNITS[chip]
    assert units.most // 1000 == largest
    assert units.settle(largest * 1000) <= largest * 1000
    assert units.settle(1) == step * 1000
    with pytest.raises(ValueError, match=f"use 0 to {largest}"):
        units.settle(units.most + 1)


@given(st.sampled_from(list(UNITS.values())), st.data())
def test_a_register_holds_whole_steps_and_turns_nothing_off(units: Units, data: st.DataObject) -> None:
    asked = data.draw(st.integers(0, units.most))
    taken = units.settle(asked)
    assert taken % units.step == 0
    assert (taken == 0) == (asked == 0)
    assert abs(taken - asked) < units.step
    assert units.settle(taken) == taken


@pytest.mark.parametrize("model", MODELS)
def test_every_model_can_hold_every_level(model: str) -> None:
    units = UNITS[model]
    low, medium, high = (units.settle(LEVELS[name].interval) for name in ("low", "medium", "high"))
    assert 0 < low < medium < high


@pytest.mark.parametrize(
    ("written", "moderation"),
    [(0, OFF), ("0", OFF), ("off", OFF), (250, Moderation(250_000)), ("adaptive", LEVELS["adaptive"])],
)
def test_moderation_is_written_as_a_level_or_microseconds(written: object, moderation: Moderation) -> None:
    assert read(written) == moderation


@pytest.mark.parametrize("written", ["fast", -1, 1.5, True, "", "9" * 5000, None, "²", [0]])
def test_anything_else_is_refused_with_the_cure(written: object) -> None:
    with pytest.raises(ValueError, match="use whole microseconds or one of off, low"):
        read(written)


def test_the_interval_follows_the_load() -> None:
    slow, fast = adapt(9_000, 1e-3), adapt(1_000_000, 1e-3)
    assert slow < adapt(15_000, 1e-3) < fast
    assert adapt(0, 0.0) == slow
    throttle = Throttle(LEVELS["adaptive"])
    throttle.fire(0.0)
    throttle.carried(1_000_000)
    throttle.fire(1e-3)
    assert throttle.interval == fast
    throttle.fire(2e-3)
    assert throttle.interval == slow


def test_a_moderation_is_spelled_as_it_is_written() -> None:
    assert [LEVELS[name].spelled for name in ("off", "low", "adaptive")] == [0, 102.4, "adaptive"]
