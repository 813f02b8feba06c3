"""The steps of a VF: from wherever they stop, the way back leads to where they began."""

import pytest

from tests.unit.builders import Vm, accept, adapter, mac
from vmdqemu.host import vf_steps
from vmdqemu.host.vf_steps import BRING_UP, SURPRISE, TEARDOWN, Do, undo
from vmdqemu.nic.adapter import Adapter, ConnectPort, SetFilter, SetShare
from vmdqemu.nic.models import IDEAL
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.share import Share
from vmdqemu.nic.switch_objects import NicSwitch
from vmdqemu.nic.vf_requests import VF_DRIVER

LAB = adapter(Vm(vlan=10), Vm(), switch=NicSwitch(vfs=1))


def carry_out(before: Adapter, *steps: Do) -> Adapter:
    for do in steps:
        before = accept(before, *vf_steps.requests(do, before, "vm1"))
    return before


UP = carry_out(LAB, *(step.do for step in BRING_UP))


@pytest.mark.parametrize("count", range(len(BRING_UP) + 1))
def test_the_way_back_begins_anywhere(count: int) -> None:
    done = BRING_UP[:count]
    there = carry_out(LAB, *(step.do for step in done))
    assert carry_out(there, *undo(done)) == LAB


def test_the_order_is_the_published_one() -> None:
    """N17, N18 (NDIS: virtual-function-initialization-sequence, virtual-function-teardown-sequence)."""
    assert [step.do for step in BRING_UP if step.do is not Do.ADD_DEVICE] == [
        Do.ALLOCATE_VF,
        Do.CREATE_VPORT,
        Do.MOVE_FILTERS,
        Do.BIND,
    ]
    assert [do for do in TEARDOWN if do is not Do.REMOVE_DEVICE] == [
        Do.RELEASE,
        Do.RETURN_FILTERS,
        Do.DELETE_VPORT,
        Do.RESET_VF,
        Do.FREE_VF,
    ]


def test_a_surprise_is_a_teardown_before_which_the_device_is_pulled_out() -> None:
    assert (Do.UNPLUG, *TEARDOWN) == SURPRISE
    assert carry_out(UP, *SURPRISE) == LAB


def test_the_vf_has_the_vms_filters_and_its_vlan() -> None:
    vf, vport = vf_steps.vf_of(UP, "vm1"), vf_steps.vport_of(UP, "vm1")
    assert (vf, vport) == (0, 255)
    assert {held.vport for held in UP.filters.values() if held.mac == mac(1)} == {255}
    assert UP.vports[255].vlan == 10
    assert UP.vfs[0].mac == mac(1)
    assert vf_steps.synthetic(UP, "vm1") == 1
    assert UP.filters[2] == LAB.filters[2]


def test_what_the_vfs_driver_had_set_goes_with_it() -> None:
    own = accept(UP, SetFilter(255, mac(9), 10, VF_DRIVER))
    assert carry_out(own, *TEARDOWN) == LAB


def test_a_vm_that_the_default_queue_serves_has_a_vf_all_the_same() -> None:
    bare = Adapter(IDEAL, VMQ, mtu=1500, wire=True, switch=NicSwitch(vfs=1))
    bare = accept(bare, ConnectPort("vm1", mac(1), vlan=10))
    up = carry_out(bare, *(step.do for step in BRING_UP))
    assert [held.key for held in up.filters.values()] == [(mac(1), 10)]
    assert carry_out(up, *TEARDOWN) == bare


def test_a_vm_without_a_vf_has_none() -> None:
    assert vf_steps.vf_of(UP, "vm2") is None
    assert vf_steps.vport_of(UP, "vm2") is None
    assert vf_steps.requests(Do.RESET_VF, UP, "vm2") == ()


def test_why_a_vm_has_no_vf() -> None:
    """N11, N19."""
    assert vf_steps.why_none(UP, "vm1") is None
    assert vf_steps.why_none(UP, "vm2") == vf_steps.NO_VF_LEFT
    assert vf_steps.why_none(LAB, "vm2") is None
    shared = accept(LAB, SetShare(2, Share(rate=100)))
    assert "bandwidth policy" in str(vf_steps.why_none(shared, "vm2"))
    assert vf_steps.granted(shared, "vm2") is shared
    assert vf_steps.granted(LAB, "vm1") == UP
    assert vf_steps.granted(UP, "vm2") is UP
