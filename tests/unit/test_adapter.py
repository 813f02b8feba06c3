"""The control model: a request is carried out whole or refused whole, and no limit is ever passed."""

import json
from typing import get_args

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.builders import GROUP, LAB, SMALL, Vm, accept, adapter, mac, rss, small
from vmdqemu.nic.adapter import (
    CARRIED_OUT_BY,
    Adapter,
    ClearFilter,
    CreateVPort,
    DeleteVPort,
    Filter,
    MoveFilter,
    Outcome,
    Request,
    SetFilter,
    apply,
    compile_tables,
)
from vmdqemu.nic.frame import is_multicast
from vmdqemu.nic.modes import MODES, VMMQ, Mode
from vmdqemu.nic.rss_requests import SetRss
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_QUEUE, DEFAULT_VPORT, from_json, to_json


def test_every_request_has_one_who_carries_it_out() -> None:
    assert set(CARRIED_OUT_BY) == set(get_args(Request))


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


def test_apply_leaves_the_adapter_it_was_given_as_it_was() -> None:
    before = adapter(*LAB)
    same = adapter(*LAB)
    requests: list[Request] = [CreateVPort("vm3"), SetFilter(1, mac(9)), SetRss(2, rss(1, 1)), ClearFilter(1)]
    after = accept(before, *requests)
    assert before == same != after


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
        assert {filter_.vport for filter_ in held} <= {DEFAULT_VPORT, *self.adapter.vports}
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
        assert owners == {(mac_, number) for (mac_, _), number in seen.addresses.items()}
        for vport in seen.vports.values():
            named = {*vport.rss.table, vport.rss.default} if vport.rss else {0}
            assert named <= set(range(vport.channels))
            assert len(vport.queues) in (0, 1, vport.channels)
        assert from_json(json.loads(json.dumps(to_json(seen)))) == seen


AdapterMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
test_any_requests_in_any_order = AdapterMachine.TestCase
