"""Emulated processors: which one serves a queue, and how it is held to its share."""

from hypothesis import example, given
from hypothesis import strategies as st

from vmdqemu.host.processors import (
    CREDIT_SECONDS,
    SLICE_SECONDS,
    DutyCycle,
    Placing,
    Policy,
    place_statically,
    stay,
)
from vmdqemu.nic import adapter as control
from vmdqemu.nic.adapter import Adapter, compile_tables
from vmdqemu.nic.models import IDEAL
from vmdqemu.nic.modes import OFF, OFF_NOLOOKUP, RSS, VMMQ, VMQ, Mode
from vmdqemu.nic.tables import Tables


def _tables(mode: Mode, *queue_pairs: int, default: int = 1) -> Tables:
    adapter = Adapter(IDEAL, mode, mtu=1500, wire=True, default_queue_pairs=default)
    for number, pairs in enumerate(queue_pairs):
        adapter = control.apply(adapter, control.CreateVPort(f"vm{number}", pairs)).adapter
    return compile_tables(adapter, generation=1)


def test_without_sorting_everything_is_processor_0s() -> None:
    assert place_statically(_tables(OFF, 1, 4), range(8)) == {0: 0}


def test_rss_has_a_default_queue_on_each_processor() -> None:
    assert place_statically(_tables(RSS, 1, 4, default=4), range(4)) == {0: 0, 1: 1, 2: 2, 3: 3}


def test_queues_go_round_the_processors() -> None:
    assert place_statically(_tables(VMQ, 1, 1, 1), range(2)) == {0: 0, 1: 0, 2: 1, 3: 0}


def test_a_queue_that_is_placed_stays_and_a_new_one_goes_where_the_fewest_are() -> None:
    tables = _tables(VMQ, 1, 1, 1)
    assert place_statically(tables, range(2), {1: 1, 2: 1}) == {0: 0, 1: 1, 2: 1, 3: 0}
    assert place_statically(tables, range(2), {3: 0, 9: 1}) == {0: 0, 1: 1, 2: 0, 3: 0}


def test_a_vports_queues_are_on_different_processors() -> None:
    placement = place_statically(_tables(VMMQ, 4, default=2), range(4))
    assert [placement[queue] for queue in (0, 1)] == [0, 1]
    assert [placement[queue] for queue in (2, 3, 4, 5)] == [0, 1, 2, 3]


def test_a_vports_queues_stay_where_they_are_whatever_else_of_it_changes() -> None:
    before, after = _tables(VMMQ, 2, 2, default=2), _tables(VMMQ, 2, 3, default=2)
    placement = {0: 1, 1: 1, 2: 1, 3: 1, 4: 1, 5: 1}
    assert stay(placement, before, after) == placement
    assert stay(placement, before, _tables(VMMQ, 1, default=2)) == {0: 1, 1: 1, 2: 1}
    assert stay(placement, before, _tables(OFF_NOLOOKUP, 2, 2)) == {}


def test_a_mode_may_take_fewer_processors_than_there_are() -> None:
    assert place_statically(_tables(OFF_NOLOOKUP, 1, 1, 1), range(4)) == {0: 0, 1: 0, 2: 0, 3: 0}


@given(share=st.floats(0.01, 0.99), burst=st.floats(1e-4, 1e-3), seconds=st.integers(1, 3))
@example(share=0.0390625, burst=0.0006398340445392096, seconds=1)
def test_a_busy_processor_gets_its_share(share: float, burst: float, seconds: int) -> None:
    now = cpu = 0.0
    duty = DutyCycle(share, now, cpu)
    while now < seconds:
        now, cpu = now + burst, cpu + burst
        now += duty.pause(now, cpu)
    assert abs(cpu / now - share) <= 0.02 * share + (burst + SLICE_SECONDS) / now


def test_idle_time_is_saved_up_for_one_period_only() -> None:
    duty = DutyCycle(0.5, now=0.0, cpu=0.0)
    assert duty.pause(now=100.0, cpu=0.0) == 0
    saved = CREDIT_SECONDS * 0.5
    assert duty.pause(now=100.0, cpu=saved) == 0
    assert duty.pause(now=100.0, cpu=saved + 0.001) > 0


@given(share=st.floats(0.01, 0.99), debt=st.floats(1e-6, 1e-3))
def test_a_rest_earns_a_slice(share: float, debt: float) -> None:
    """Else a slow processor would spend what it earns on waking up."""
    duty = DutyCycle(share, now=0.0, cpu=0.0)
    pause = duty.pause(now=0.0, cpu=debt)
    worth = min(SLICE_SECONDS, CREDIT_SECONDS * share)
    assert duty.pause(now=pause, cpu=debt + 0.99 * worth) == 0
    assert duty.pause(now=pause, cpu=debt + 1.01 * worth) > 0


def test_what_is_excused_is_not_paid_for() -> None:
    duty = DutyCycle(0.1, now=0.0, cpu=0.0)
    duty.excuse(0.5)
    assert duty.pause(now=0.0, cpu=0.5) == 0
    assert duty.pause(now=0.0, cpu=0.501) > 0


def test_under_dynamic_placement_every_queue_starts_at_home() -> None:
    placing = Placing((2, 3, 0), Policy.DYNAMIC)
    tables = _tables(VMMQ, 2, 1, default=2)
    assert placing.place(tables) == dict.fromkeys(range(5), 2)
    assert placing.place(tables, {3: 0, 9: 3}) == {0: 2, 1: 2, 2: 2, 3: 0, 4: 2}


def test_queues_go_round_the_processors_of_the_set() -> None:
    assert Placing((2, 3, 0)).place(_tables(VMQ, 1, 1, 1, 1)) == {0: 2, 1: 2, 2: 3, 3: 0, 4: 2}
