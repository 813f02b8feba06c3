"""The states of a VF: every state and every event, by requests."""

import pytest

from tests.unit.builders import SMALL, accept, mac
from vmdqemu.nic.adapter import (
    Adapter,
    AllocateVf,
    CreateVPort,
    DeleteVPort,
    FreeVf,
    Request,
    ResetVf,
    Status,
    apply,
)
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.switch_objects import NicSwitch
from vmdqemu.nic.vf_states import TRANSITIONS, VfEvent, VfState

WAYS: dict[VfState, tuple[Request, ...]] = {
    VfState.FREE: (),
    VfState.ALLOCATED: (AllocateVf("vm1", mac(1)),),
    VfState.ATTACHED: (AllocateVf("vm1", mac(1)), CreateVPort("vm1", function=0)),
}
REQUESTS: dict[VfEvent, Request] = {
    VfEvent.CREATE_VPORT: CreateVPort("vm1", function=0),
    VfEvent.DELETE_VPORT: DeleteVPort(3),
    VfEvent.RESET: ResetVf(0),
    VfEvent.FREE: FreeVf(0),
}


@pytest.mark.parametrize("event", REQUESTS, ids=lambda event: event.name)
@pytest.mark.parametrize("state", VfState, ids=lambda state: state.name)
def test_a_request_is_carried_out_where_the_table_has_it_and_refused_elsewhere(
    state: VfState, event: VfEvent
) -> None:
    before = accept(Adapter(SMALL, VMQ, 1500, wire=True, switch=NicSwitch(vfs=1)), *WAYS[state])
    outcome = apply(before, REQUESTS[event])
    after = TRANSITIONS.get((state, event))
    assert (outcome.status is Status.SUCCESS) == (after is not None)
    if after is None:
        assert outcome.adapter is before
    else:
        vf = outcome.adapter.vfs.get(0)
        assert (vf.state if vf else VfState.FREE) is after
