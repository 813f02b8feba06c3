"""The adapter's state: numbers are found in it, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import Vm, adapter
from vmdqemu.nic.modes import OFF, VMMQ, VMQ, Mode
from vmdqemu.nic.state import lowest_free


@given(st.sets(st.integers(1, 9)))
def test_the_lowest_free_number_is_free_and_none_below_it_is(taken: set[int]) -> None:
    number = lowest_free(dict.fromkeys(taken))
    assert number not in taken
    assert set(range(1, number)) <= taken


@given(st.sampled_from([OFF, VMQ, VMMQ]), st.lists(st.integers(1, 4), max_size=4), st.integers(0, 5))
def test_free_queues_are_nobodys_and_the_lowest(mode: Mode, pairs: list[int], count: int) -> None:
    built = adapter(*(Vm(queue_pairs=each) for each in pairs), mode=mode)
    free = built.free_queues(count)
    assert len(free) == count
    assert not set(free) & set(built.queues)
    assert set(range(max(free, default=0) + 1)) <= {*free, *built.queues}
