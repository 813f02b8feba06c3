"""The control model: a request is carried out whole or refused whole, and no limit is ever passed."""

import json
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.builders import GROUP, Vm, accept, adapter, mac
from vmdqemu.nic.adapter import (
    Adapter,
    ClearFilter,
    CreateVPort,
    DeleteVPort,
    Filter,
    MoveFilter,
    Outcome,
    Request,
    SetFilter,
    SetMode,
    SetModeration,
    apply,
    compile_tables,
)
from vmdqemu.nic.frame import is_multicast
from vmdqemu.nic.models import Model
from vmdqemu.nic.moderation import OFF as OFF_MODERATION
from vmdqemu.nic.moderation import UNITS, Moderation
from vmdqemu.nic.modes import MODES, OFF, OFF_NOCOPY, RSS, VMMQ, VMQ, Mode, Sort
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_KEY, DEFAULT_TYPES, HashType, Rss
from vmdqemu.nic.rss_requests import SetRss
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_QUEUE, DEFAULT_VPORT, from_json, to_json

SMALL = Model(
    "small", rx_queues=6, vports=4, filters=3, queue_pairs=4, hash_types=DEFAULT_TYPES, inner_headers=False
)
LAB = (Vm(), Vm(vlan=10, queue_pairs=2))


def small(*vms: Vm, mode: Mode = OFF) -> Adapter:
    return adapter(*vms, model=SMALL, mode=mode)


def rss(*table: int, **changed: Any) -> Rss:
    return Rss(DEFAULT_KEY, ALL_TYPES, table)._replace(**changed)


REFUSED: dict[str, tuple[Request, Status]] = {
    "no queue pair": (CreateVPort("vm", 0), Status.INVALID_PARAMETER),
    "more queue pairs than a VPort has": (CreateVPort("vm", 5), Status.INVALID_PARAMETER),
    "port VLAN 0": (CreateVPort("vm", vlan=0), Status.INVALID_PARAMETER),
    "port VLAN 4095": (CreateVPort("vm", vlan=4095), Status.INVALID_PARAMETER),
    "RSS with a queue too many": (CreateVPort("vm", 2, rss=rss(0, 2)), Status.INVALID_PARAMETER),
    "delete the default VPort": (DeleteVPort(DEFAULT_VPORT), Status.INVALID_PARAMETER),
    "delete an unknown VPort": (DeleteVPort(9), Status.INVALID_PARAMETER),
    "delete a VPort with a filter": (DeleteVPort(1), Status.INVALID_PARAMETER),
    "filter on an unknown VPort": (SetFilter(9, mac(9)), Status.INVALID_PARAMETER),
    "filter for a group address": (SetFilter(1, GROUP), Status.INVALID_PARAMETER),
    "filter for no address": (SetFilter(1, b""), Status.INVALID_PARAMETER),
    "filter for a short address": (SetFilter(1, mac(9)[:5]), Status.INVALID_PARAMETER),
    "filter for a long address": (SetFilter(1, mac(9) + b"\0"), Status.INVALID_PARAMETER),
    "filter for VLAN 0": (SetFilter(1, mac(9), 0), Status.INVALID_PARAMETER),
    "filter for VLAN 4095": (SetFilter(1, mac(9), 4095), Status.INVALID_PARAMETER),
    "moderation of an unknown queue": (SetModeration(9, Moderation(1000)), Status.INVALID_PARAMETER),
    "an interval too long": (SetModeration(0, Moderation(1 << 40)), Status.INVALID_PARAMETER),
    "a filter twice": (SetFilter(1, mac(1)), Status.INVALID_PARAMETER),
    "a filter of another VPort": (SetFilter(1, mac(2), 10), Status.INVALID_PARAMETER),
    "clear an unknown filter": (ClearFilter(9), Status.FILE_NOT_FOUND),
    "clear filter 0": (ClearFilter(0), Status.FILE_NOT_FOUND),
    "move an unknown filter": (MoveFilter(9, 1), Status.INVALID_PARAMETER),
    "RSS of the default VPort": (SetRss(DEFAULT_VPORT, rss(0, 0)), Status.INVALID_PARAMETER),
    "RSS of an unknown VPort": (SetRss(9, rss(0, 0)), Status.INVALID_PARAMETER),
    "a queue too many in the table": (SetRss(2, rss(0, 2)), Status.INVALID_PARAMETER),
    "a default queue too many": (SetRss(2, rss(0, 1, default=2)), Status.INVALID_PARAMETER),
    "a table of 3": (SetRss(2, rss(0, 1, 0)), Status.INVALID_PARAMETER),
    "a table of 256": (SetRss(2, rss(*[0] * 256)), Status.INVALID_PARAMETER),
    "a short key": (SetRss(2, rss(0, 1, key=bytes(39))), Status.INVALID_PARAMETER),
    "an unknown hash type": (SetRss(2, rss(0, 1, types=HashType(1))), Status.INVALID_PARAMETER),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_names_the_status_and_changes_nothing(case: str) -> None:
    request, status = REFUSED[case]
    before = small(*LAB)
    outcome = apply(before, request)
    assert (outcome.status, outcome.number) == (status, 0)
    assert outcome.adapter is before


@pytest.mark.parametrize(
    ("before", "request_"),
    [
        (small(Vm(), Vm(), Vm()), CreateVPort("one more")),
        (small(Vm(queue_pairs=4), mode=VMMQ), CreateVPort("two queues of one", 2)),
        (small(Vm(macs=(mac(1), mac(2), mac(3)))), SetFilter(1, mac(4))),
    ],
    ids=["VPorts", "queues", "filters"],
)
def test_what_the_model_cannot_hold_is_refused_for_lack_of_resources(
    before: Adapter, request_: Request
) -> None:
    outcome = apply(before, request_)
    assert outcome.status is Status.RESOURCES
    assert outcome.adapter is before


def test_the_model_is_filled_to_its_last_vport_queue_and_filter() -> None:
    full = small(Vm(queue_pairs=3), Vm(), Vm(), mode=VMMQ)
    assert len(full.vports) + 1 == SMALL.vports  # with the default VPort
    assert full.rx_queues == SMALL.rx_queues  # with the default queue
    assert len(full.filters) == SMALL.filters


@pytest.mark.parametrize(("mode", "queues"), [(OFF, 1), (VMQ, 3), (VMMQ, 6)], ids=str)
def test_queue_pairs_take_the_rx_queues_of_the_mode(mode: Mode, queues: int) -> None:
    assert adapter(Vm(queue_pairs=4), Vm(), mode=mode).rx_queues == queues


def test_numbers_are_the_lowest_free_from_1() -> None:
    before = adapter(Vm(), Vm(), Vm())
    without = accept(before, ClearFilter(2), DeleteVPort(2))
    assert set(without.vports) == set(without.filters) == {1, 3}
    again = apply(without, CreateVPort("again"))
    assert again.number == 2
    assert apply(again.adapter, SetFilter(2, mac(2))).number == 2
    assert apply(before, CreateVPort("next")).number == 4


def test_apply_leaves_the_adapter_it_was_given_as_it_was() -> None:
    before = adapter(*LAB)
    same = adapter(*LAB)
    requests: list[Request] = [CreateVPort("vm3"), SetFilter(1, mac(9)), SetRss(2, rss(1, 1)), ClearFilter(1)]
    after = accept(before, *requests)
    assert before == same != after


def test_a_vport_moves_to_another_address_without_a_gap() -> None:
    both = accept(adapter(Vm()), SetFilter(1, mac(7)))
    assert compile_tables(both, 1).vports[1].macs == (mac(1), mac(7))
    assert compile_tables(accept(both, ClearFilter(1)), 2).filters == {(mac(7), None): 1}


@pytest.mark.parametrize("vlan", [1, 4094])
def test_the_outermost_vlans_are_legal(vlan: int) -> None:
    assert compile_tables(adapter(Vm(vlan=vlan)), 1).filters == {(mac(1), vlan): 1}


def test_a_vport_with_several_queue_pairs_starts_spread_over_them() -> None:
    spread = [vport.rss for vport in small(Vm(), Vm(queue_pairs=2), Vm(queue_pairs=3)).vports.values()]
    assert spread == [None, *(Rss.spread(pairs, types=SMALL.hash_types) for pairs in (2, 3))]


def test_a_vport_that_is_only_named_has_one_queue_pair_no_vlan_and_anti_spoof() -> None:
    named = accept(Adapter(SMALL, VMMQ, mtu=1500, wire=True), CreateVPort("vm1")).vports[1]
    assert (named.name, named.queue_pairs, named.vlan, named.spoof_check) == ("vm1", 1, None, True)


def test_rss_parameters_take_effect_whole() -> None:
    asked = rss(1, 1, key=bytes(40), types=HashType.IPV4, default=1)
    created = accept(adapter(), CreateVPort("vm1", 2, rss=asked))
    assert compile_tables(created, 1).vports[1].rss == asked
    changed = asked._replace(table=(1, 0, 0, 0), default=0)
    assert compile_tables(accept(created, SetRss(1, changed)), 1).vports[1].rss == changed


def test_queues_are_numbered_in_vport_order_behind_the_default_queue() -> None:
    vms = (Vm(queue_pairs=2), Vm(), Vm(queue_pairs=3))
    numbered = {
        mode: [vport.queues for vport in compile_tables(adapter(*vms, mode=mode), 1).vports.values()]
        for mode in (OFF, VMQ, VMMQ)
    }
    assert numbered == {OFF: [(), (), ()], VMQ: [(1,), (2,), (3,)], VMMQ: [(1, 2), (3,), (4, 5, 6)]}


def test_a_vport_that_goes_renumbers_no_other_and_leaves_its_queues_to_the_next() -> None:
    before = adapter(Vm(queue_pairs=2), Vm(queue_pairs=2), Vm(), mode=VMMQ)
    without = accept(before, ClearFilter(1), DeleteVPort(1))
    assert {number: vport.queues for number, vport in without.vports.items()} == {2: (3, 4), 3: (5,)}
    again = accept(without, CreateVPort("again", 3))
    assert again.vports[1].queues == (1, 2, 6)
    anew = accept(again, SetMode(VMQ), SetMode(VMMQ))
    assert [vport.queues for _, vport in sorted(anew.vports.items())] == [(1, 2, 3), (4, 5), (6,)]


@pytest.mark.parametrize(("mode", "queues"), [(OFF, (0,)), (RSS, (0, 1, 2)), (VMQ, (0,)), (VMMQ, (0, 1, 2))])
def test_the_default_vport_has_the_first_queues_and_spreads_over_them(
    mode: Mode, queues: tuple[int, ...]
) -> None:
    built = accept(Adapter(SMALL, mode, mtu=1500, wire=True, default_queue_pairs=3), CreateVPort("vm1"))
    seen = compile_tables(built, 1)
    assert seen.default_queues == queues
    assert seen.default_rss == (Rss.spread(3, types=SMALL.hash_types) if len(queues) > 1 else None)
    assert built.vports[1].queues == (() if mode.queues == 0 else (len(queues),))


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_the_registers_say_what_was_asked_for(mode: Mode) -> None:
    asked = adapter(Vm(vlan=10, queue_pairs=2, spoof_check=False), mode=mode, wire=False, mtu=9000)
    seen = compile_tables(asked, generation=7)
    assert (seen.generation, seen.wire, seen.mtu) == (7, False, 9000)
    vport = seen.vports[1]
    assert (vport.name, vport.macs, vport.vlan) == ("vm1", (mac(1),), 10)
    assert (vport.spoof_check, vport.channels) == (False, 2)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("shared", [False, True])
def test_a_vms_queue_is_copied_from_unless_it_lies_in_the_vms_memory(mode: Mode, shared: bool) -> None:
    seen = compile_tables(Adapter(SMALL, mode, mtu=1500, wire=True, shared_memory=shared), 1)
    assert (seen.sort, seen.lookup) == (mode.sort, mode.lookup)
    assert seen.copy == (mode.copy or (mode in (VMQ, VMMQ) and not shared))
    assert seen.default_copy == (mode is not OFF_NOCOPY)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("asked", [False, True])
def test_only_an_adapter_that_sorts_switches_and_only_if_asked_to(mode: Mode, asked: bool) -> None:
    sorts = mode.sort is Sort.FILTERS  # without queues there is nothing to switch to
    before = Adapter(SMALL, mode, mtu=1500, wire=True)
    assert not compile_tables(before, 1).local_switch
    assert compile_tables(before._replace(local_switch=asked), 1).local_switch == (asked and sorts)


class AdapterMachine(RuleBasedStateMachine):
    """Any requests in any order."""

    adapter: Adapter

    @initialize(mode=st.sampled_from(list(MODES.values())))
    def start(self, mode: Mode) -> None:
        self.adapter = small(mode=mode)._replace(default_queue_pairs=2)

    def ask(self, request: Request) -> Outcome:
        before = self.adapter
        outcome = apply(before, request)
        assert (outcome.status is Status.SUCCESS) == (outcome.adapter is not before)
        self.adapter = outcome.adapter
        return outcome

    @rule(pairs=st.integers(0, 5), vlan=st.sampled_from([None, 0, 10, 4095]), check=st.booleans())
    def create_vport(self, pairs: int, vlan: int | None, check: bool) -> None:
        taken = set(self.adapter.vports)
        outcome = self.ask(CreateVPort("vm", pairs, vlan, check))
        if outcome.status is Status.SUCCESS:
            assert set(self.adapter.vports) == taken | {outcome.number}
            assert outcome.number not in taken | {DEFAULT_VPORT}

    @rule(vport=st.integers(0, 4))
    def delete_vport(self, vport: int) -> None:
        held = [filter_ for filter_ in self.adapter.filters.values() if filter_.vport == vport]
        outcome = self.ask(DeleteVPort(vport))
        assert outcome.status is Status.INVALID_PARAMETER or not held
        assert outcome.status is not Status.SUCCESS or vport not in self.adapter.vports

    @rule(
        vport=st.integers(0, 4),
        address=st.sampled_from([mac(1), mac(2), mac(3), GROUP, b"\x02"]),
        vlan=st.sampled_from([None, 0, 10, 4095]),
    )
    def set_filter(self, vport: int, address: bytes, vlan: int | None) -> None:
        outcome = self.ask(SetFilter(vport, address, vlan))
        if outcome.status is Status.SUCCESS:
            assert self.adapter.filters[outcome.number] == Filter(vport, address, vlan)

    @rule(number=st.integers(0, 4))
    def clear_filter(self, number: int) -> None:
        known = number in self.adapter.filters
        assert (self.ask(ClearFilter(number)).status is Status.SUCCESS) == known
        assert number not in self.adapter.filters

    @rule(number=st.integers(0, 4), vport=st.integers(0, 4))
    def move_filter(self, number: int, vport: int) -> None:
        before = self.adapter.filters
        if self.ask(MoveFilter(number, vport)).status is Status.SUCCESS:
            assert self.adapter.filters == {**before, number: before[number]._replace(vport=vport)}

    @rule(vport=st.integers(0, 4), table=st.lists(st.integers(0, 4), max_size=8), default=st.integers(0, 4))
    def set_rss(self, vport: int, table: list[int], default: int) -> None:
        wanted = rss(*table, default=default)
        if self.ask(SetRss(vport, wanted)).status is Status.SUCCESS:
            assert self.adapter.vports[vport].rss == wanted

    @invariant()
    def no_limit_is_passed(self) -> None:
        assert self.adapter.rx_queues <= SMALL.rx_queues
        assert len(self.adapter.vports) + 1 <= SMALL.vports
        assert len(self.adapter.filters) <= SMALL.filters
        assert all(1 <= vport.queue_pairs <= SMALL.queue_pairs for vport in self.adapter.vports.values())

    @invariant()
    def every_filter_is_a_vports_and_only_one_passes_a_frame(self) -> None:
        held = list(self.adapter.filters.values())
        assert len({filter_.key for filter_ in held}) == len(held)
        assert {filter_.vport for filter_ in held} <= set(self.adapter.vports)
        assert not any(is_multicast(filter_.mac) for filter_ in held)

    @invariant()
    def the_registers_follow(self) -> None:
        seen = compile_tables(self.adapter, 1)
        assert set(seen.vports) == set(self.adapter.vports)
        queues = [*seen.default_queues, *(queue for vport in seen.vports.values() for queue in vport.queues)]
        assert seen.default_queues[0] == DEFAULT_QUEUE
        assert len(set(queues)) == len(queues) == self.adapter.rx_queues
        assert max(queues) < SMALL.rx_queues
        owners = {(mac_, number) for number, vport in seen.vports.items() for mac_ in vport.macs}
        assert owners == {(mac_, number) for (mac_, _), number in seen.filters.items()}
        for vport in seen.vports.values():
            named = {*vport.rss.table, vport.rss.default} if vport.rss else {0}
            assert named <= set(range(vport.channels))
            assert len(vport.queues) in (0, 1, vport.channels)
        assert from_json(json.loads(json.dumps(to_json(seen)))) == seen


AdapterMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
test_any_requests_in_any_order = AdapterMachine.TestCase


def test_moderation_is_of_one_queue_or_of_all_and_settled_by_the_model() -> None:
    model = SMALL._replace(moderation=UNITS["82599"])
    built = adapter(*LAB, model=model, mode=VMQ)
    everywhere = accept(built, SetModeration(None, Moderation(5_001)))
    one = accept(everywhere, SetModeration(1, OFF_MODERATION))
    settled = Moderation(4_000)
    assert compile_tables(one, 1).moderation == {0: settled, 1: OFF_MODERATION, 2: settled}
    again = accept(one, SetModeration(None, OFF_MODERATION))
    assert set(compile_tables(again, 1).moderation.values()) == {OFF_MODERATION}


def test_a_queue_that_changes_hands_forgets_its_moderation() -> None:
    built = accept(small(Vm(), mode=VMQ), SetModeration(1, Moderation(9_000)))
    cleared = accept(built, ClearFilter(1), DeleteVPort(1), CreateVPort("next"))
    assert compile_tables(cleared, 1).moderation[1] == OFF_MODERATION
    assert compile_tables(accept(built, SetMode(VMMQ)), 1).moderation[1] == OFF_MODERATION
