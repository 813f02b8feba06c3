"""Which processors may serve queues, and in which order (rows D6, D14, C3 and R15 of the Microsoft rules)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.host.rss_profiles import NUMA, PROFILES, RssProfile
from vmdqemu.host.topology import (
    ANY_NODE,
    Address,
    Processor,
    Selection,
    in_range,
    processor_set,
    recommended,
    regular,
)


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ((1, 16), True),
        ((1, 31), True),
        ((2, 0), True),
        ((2, 63), True),
        ((3, 0), True),
        ((3, 8), True),
        ((0, 0), False),
        ((0, 32), False),
        ((1, 0), False),
        ((1, 15), False),
        ((3, 9), False),
        ((3, 31), False),
        ((4, 0), False),
    ],
)
def test_c3_the_range_is_in_group_and_number_order(address: Address, inside: bool) -> None:
    """The published example (NDIS: standardized-inf-keywords-for-rss)."""
    assert in_range(address, Selection(base=(1, 16), last=(3, 8))) is inside


def test_d6_base_is_home_and_last_and_the_count_are_honoured() -> None:
    machine = regular(cores=8)
    assert processor_set(machine, Selection(base=(0, 2))) == (2, 3, 4, 5, 6, 7)
    assert processor_set(machine, Selection(base=(0, 2), last=(0, 5))) == (2, 3, 4, 5)
    assert processor_set(machine, Selection(base=(0, 2), max_processors=3)) == (2, 3, 4)


def test_d6_hyper_thread_siblings_serve_no_queue() -> None:
    assert processor_set(regular(cores=4, threads=2), Selection()) == (0, 2, 4, 6)


def test_d6_a_node_confines_the_set() -> None:
    machine = regular(cores=8, nodes=2)
    assert processor_set(machine, Selection(node=1)) == (4, 5, 6, 7)
    assert processor_set(machine, Selection(base=(0, 6), node=1)) == (6, 7)


def test_d6_without_a_node_the_home_processors_node_comes_first() -> None:
    machine = regular(cores=6, nodes=3)
    assert processor_set(machine, Selection(base=(0, 1), max_processors=4)) == (1, 2, 3, 4)


def test_d6_the_nearest_node_comes_first_whatever_the_numbers() -> None:
    machine = [Processor(number, 0, number, node=number % 2, sibling=False) for number in range(6)]
    assert processor_set(machine, Selection(base=(0, 1))) == (1, 3, 5, 2, 4)


def test_d6_the_set_stays_in_the_home_processors_group() -> None:
    machine = regular(cores=8, group_size=4)
    assert processor_set(machine, Selection(base=(0, 2))) == (2, 3)
    assert processor_set(machine, Selection(base=(1, 0))) == (4, 5, 6, 7)


def test_r15_the_numa_profiles_go_round_the_nodes_and_ignore_the_preferred_one() -> None:
    machine = regular(cores=8, nodes=2)
    assert processor_set(machine, Selection(node=1, max_processors=5), NUMA) == (0, 4, 1, 5, 2)


def test_an_adapter_uses_16_processors_unless_told_otherwise() -> None:
    assert len(processor_set(regular(cores=64), Selection())) == 16


@pytest.mark.parametrize(
    ("selection", "field"),
    [
        (Selection(base=(0, 9)), "base"),
        (Selection(base=(1, 0)), "base"),
        (Selection(last=(0, 9)), "last"),
        (Selection(base=(0, 4), last=(0, 2)), "last"),
        (Selection(max_processors=0), "max_processors"),
        (Selection(node=2), "node"),
        (Selection(base=(0, 4), node=0), "base"),
        (Selection(base=(0, 3), last=(0, 3)), "base"),
    ],
)
def test_a_set_that_cannot_be_is_refused_with_the_fields_name(selection: Selection, field: str) -> None:
    with pytest.raises(ValueError, match=f"^{field}: .*; use "):
        processor_set(regular(cores=4, threads=2, nodes=2), selection)


@given(
    cores=st.integers(1, 80),
    threads=st.integers(1, 2),
    nodes=st.integers(1, 4),
    most=st.integers(1, 80),
    profile=st.sampled_from(list(PROFILES.values())),
    data=st.data(),
)
def test_a_set_is_never_empty_and_never_outside_what_was_selected(
    cores: int, threads: int, nodes: int, most: int, profile: RssProfile, data: st.DataObject
) -> None:
    machine = regular(cores, threads, nodes)
    first, last = sorted(data.draw(st.tuples(*[st.sampled_from(range(0, cores * threads, threads))] * 2)))
    selection = Selection(machine[first].address, machine[last].address, most, ANY_NODE)
    chosen = processor_set(machine, selection, profile)
    assert chosen
    assert chosen[0] == first
    assert len(set(chosen)) == len(chosen) <= most
    assert all(first <= number <= last and not machine[number].sibling for number in chosen)


@pytest.mark.parametrize(
    ("logical", "adapters", "hyper_threading", "base", "count"),
    [
        (16, 1, True, 2, 7),
        (16, 2, True, 2, 3),
        (64, 1, True, 2, 16),
        (8, 1, False, 1, 7),
        (8, 2, False, 1, 3),
        (32, 1, False, 1, 16),
        (2, 1, True, 2, 0),
        (1, 1, False, 1, 0),
    ],
)
def test_d14_the_host_cpu_budget(
    logical: int, adapters: int, hyper_threading: bool, base: int, count: int
) -> None:
    found = recommended(logical, adapters, hyper_threading)
    assert (found.base, found.max_processors) == ((0, base), count)
