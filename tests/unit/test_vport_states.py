"""The states of a VPort: every state and every event, by requests."""

import pytest

from tests.unit.builders import SMALL, accept, mac
from vmdqemu.nic.adapter import (
    Adapter,
    AllocateVf,
    ConnectPort,
    CreateSwitch,
    CreateVPort,
    DeleteVPort,
    Request,
    SetFilter,
    SetVPortState,
    Status,
    apply,
    compile_tables,
)
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.switch_objects import NicSwitch
from vmdqemu.nic.vport_states import TRANSITIONS, VPortEvent, VPortState

WAYS: dict[VPortState, Request] = {
    VPortState.UNKNOWN: ConnectPort("vm1", mac(1)),
    VPortState.DEACTIVATED: CreateVPort("vm1", activate=False),
    VPortState.ACTIVATED: CreateVPort("vm1"),
}
REQUESTS: dict[VPortEvent, Request] = {
    VPortEvent.ACTIVATE: SetVPortState(1, VPortState.ACTIVATED),
    VPortEvent.DEACTIVATE: SetVPortState(1, VPortState.DEACTIVATED),
    VPortEvent.FILTER: SetFilter(1, mac(1)),
    VPortEvent.DELETE: DeleteVPort(1),
}


def in_state(state: VPortState) -> Adapter:
    return accept(Adapter(SMALL, VMQ, mtu=1500, wire=True), WAYS[state])


@pytest.mark.parametrize("event", REQUESTS, ids=lambda event: event.name)
@pytest.mark.parametrize("state", VPortState, ids=lambda state: state.name)
def test_a_request_is_carried_out_where_the_table_has_it_and_refused_elsewhere(
    state: VPortState, event: VPortEvent
) -> None:
    before = in_state(state)
    outcome = apply(before, REQUESTS[event])
    after = TRANSITIONS.get((state, event))
    assert (outcome.status is Status.SUCCESS) == (after is not None)
    if after is None:
        assert outcome.adapter is before
    elif event is VPortEvent.DELETE:
        assert after is VPortState.UNKNOWN
        assert outcome.adapter.vports == {}
    else:
        assert outcome.adapter.vports[1].state is after


def test_there_is_no_way_back_from_activated_but_to_be_deleted() -> None:
    """N5."""
    ways = {after for (before, _), after in TRANSITIONS.items() if before is VPortState.ACTIVATED}
    assert ways == {VPortState.ACTIVATED, VPortState.UNKNOWN}
    assert not any(event is VPortEvent.DEACTIVATE for _, event in TRANSITIONS)


def test_a_vport_on_the_pf_is_created_deactivated_and_one_on_a_vf_activated() -> None:
    """N4."""
    before = Adapter(SMALL, VMQ, mtu=1500, wire=True, switch=NicSwitch(vfs=2))
    made = accept(before, CreateSwitch(vfs=2), AllocateVf("vm1", mac(1)), CreateVPort("vm1", function=0))
    assert made.vports[3].state is TRANSITIONS[VPortState.UNKNOWN, VPortEvent.CREATE_ON_VF]
    assert TRANSITIONS[VPortState.UNKNOWN, VPortEvent.CREATE_ON_PF] is VPortState.DEACTIVATED
    assert in_state(VPortState.DEACTIVATED).vports[1].state is VPortState.DEACTIVATED


@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("filtered", [False, True])
def test_only_what_is_activated_and_has_a_filter_has_traffic(active: bool, filtered: bool) -> None:
    """N6."""
    made = in_state(VPortState.ACTIVATED if active else VPortState.DEACTIVATED)
    if filtered:
        made = accept(made, SetFilter(1, mac(1)))
    seen = compile_tables(made, 1)
    assert bool(seen.filters) == bool(seen.addresses) == (active and filtered)
