"""From one set of tables to another: what changes hands, what stays, and what is agreed on meanwhile."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import OUTSIDE, STRANGER, Vm, accept, adapter, granted, mac, parsed
from vmdqemu.nic import switch
from vmdqemu.nic.adapter import (
    Adapter,
    ClearFilter,
    CreateVPort,
    DeleteVPort,
    MoveFilter,
    Request,
    SetFilter,
    SetMode,
    apply,
    compile_tables,
)
from vmdqemu.nic.difference import compare
from vmdqemu.nic.modes import MODES, OFF, OFF_NOLOOKUP, RSS, VMDQ, VMMQ, VMQ, Mode
from vmdqemu.nic.rss import ALL_TYPES, Rss
from vmdqemu.nic.rss_requests import SetRss
from vmdqemu.nic.tables import DEFAULT_QUEUE, Tables

LAB = adapter(Vm(), Vm(vlan=10, queue_pairs=2), Vm(queue_pairs=2), mode=VMMQ)._replace(default_queue_pairs=1)
REQUESTS = st.one_of(
    st.builds(SetMode, st.sampled_from(list(MODES.values()))),
    st.builds(ClearFilter, st.integers(1, 4)),
    st.builds(SetFilter, st.integers(1, 4), st.integers(1, 5).map(mac), st.sampled_from([None, 10])),
    st.builds(SetRss, st.integers(1, 3), st.just(Rss.spread(2, types=ALL_TYPES, entries=4))),
    st.builds(CreateVPort, st.just("new"), st.integers(1, 3)),
    st.builds(DeleteVPort, st.integers(1, 4)),
)


def after(*requests: Request) -> Tables:
    return compile_tables(accept(LAB, *requests), 2)


BEFORE = compile_tables(LAB, 1)


def test_nothing_changes_but_the_default_queue_where_nothing_does() -> None:
    again = BEFORE._replace(generation=2)
    assert compare(BEFORE, again) == (frozenset({1, 2, 3, 4, 5}), frozenset({DEFAULT_QUEUE}), BEFORE, again)


def test_a_filter_that_moves_changes_its_old_vport_and_its_new_one() -> None:
    change = compare(BEFORE, after(ClearFilter(1), SetFilter(3, mac(1))))
    assert change.kept == {2, 3}
    assert change.changed == {DEFAULT_QUEUE, 1, 4, 5}
    assert change.meanwhile.filters == {(mac(2), 10): 2}


@pytest.mark.parametrize("mode", [OFF_NOLOOKUP, VMQ], ids=["processors", "copy"])
def test_every_queue_changes_where_the_host_is_to_serve_it_otherwise(mode: Mode) -> None:
    change = compare(after(SetMode(VMDQ)), after(SetMode(mode)))
    assert change[:2] == (frozenset(), frozenset({DEFAULT_QUEUE, 1, 2, 3}))


def test_a_filter_that_moves_to_another_vlan_changes_its_vport() -> None:
    change = compare(BEFORE, after(ClearFilter(1), SetFilter(1, mac(1), 10)))
    assert change.changed == {DEFAULT_QUEUE, 1}
    assert mac(1) not in {address for address, _ in change.meanwhile.filters}


def test_a_vport_that_comes_changes_no_other() -> None:
    change = compare(BEFORE, after(CreateVPort("vm4", 2), SetFilter(4, mac(4))))
    assert change.kept == {1, 2, 3, 4, 5}
    assert change.changed == {DEFAULT_QUEUE, 6, 7}
    assert change.meanwhile == BEFORE


def test_another_way_of_sorting_changes_every_queue_and_agrees_on_nothing() -> None:
    change = compare(BEFORE, after(SetMode(RSS)))
    assert change.kept == set()
    assert change.changed == {DEFAULT_QUEUE, 1, 2, 3, 4, 5}
    assert (change.meanwhile.filters, change.meanwhile.default_queues) == ({}, (DEFAULT_QUEUE,))


def test_a_vf_that_loses_its_addresses_is_as_it_was_until_all_workers_know() -> None:
    with_vf = granted(LAB, 1)
    old = compile_tables(with_vf, 1)
    new = compile_tables(accept(with_vf, MoveFilter(1, 1)), 2)
    change = compare(old, new)
    (vf,) = old.vfs
    assert new.vfs[vf].vport.macs == ()
    assert (change.joined.vfs, change.joined.filters) == (old.vfs, old.filters)
    assert change.meanwhile.filters == {key: number for key, number in old.filters.items() if number != vf}


def test_a_queue_that_means_the_same_in_another_mode_stays() -> None:
    assert compare(BEFORE, after(SetMode(VMQ))).kept == {1}


def test_queues_that_are_only_given_up_change_too() -> None:
    assert compare(BEFORE, after(SetMode(OFF))).changed == {DEFAULT_QUEUE, 1, 2, 3, 4, 5}


@given(requests=st.lists(REQUESTS, min_size=1, max_size=4), default=st.integers(1, 2))
def test_meanwhile_a_frame_is_where_both_place_it_or_waits_in_a_default_queue(
    requests: list[Request], default: int
) -> None:
    start = LAB._replace(default_queue_pairs=default)
    asked: Adapter = start
    for request in requests:
        asked = apply(asked, request).adapter
    old, new = compile_tables(start, 1), compile_tables(asked, 2)
    change = compare(old, new)
    for destination in (*map(mac, range(1, 6)), STRANGER):
        for vids in ([], [10]):
            frame = parsed(destination, OUTSIDE, vids)
            now, then, between = (
                switch.receive(frame, tables).queues[0] for tables in (old, new, change.meanwhile)
            )
            if between.queue not in change.meanwhile.default_queues:
                assert now == then == between
                assert now.queue in change.kept
            if now != then:
                assert {now.queue, then.queue} <= change.changed
