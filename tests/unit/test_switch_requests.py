"""The NIC switch: one, of one type, and either it or VM queues."""

import pytest

from tests.unit.builders import SMALL, accept, mac, ported, refuse
from vmdqemu.nic.adapter import (
    Adapter,
    AllocateQueue,
    AllocateVf,
    BuffersReturned,
    CompleteAllocation,
    CreateSwitch,
    CreateVPort,
    DeleteSwitch,
    DmaIdle,
    FreeQueue,
    Request,
    SetNumVfs,
    SetQueueFilter,
    Status,
)
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.switch_objects import NicSwitch, SwitchRules, SwitchType

BARE = Adapter(SMALL, VMQ, mtu=1500, wire=True, switch=None)


@pytest.mark.parametrize(
    "wrong",
    [CreateSwitch(1), CreateSwitch(type=SwitchType.UNSPECIFIED), CreateSwitch(vfs=64), CreateSwitch(vfs=-1)],
    ids=["id", "type", "more VFs than there are", "no number of VFs"],
)
def test_a_wrong_switch_is_refused(wrong: CreateSwitch) -> None:
    """N1."""
    assert refuse(BARE, wrong) is Status.INVALID_PARAMETER


def test_a_switch_that_is_there_is_only_created_again_as_it_is() -> None:
    """N1: static creation."""
    static = BARE._replace(switch=NicSwitch(vfs=2))
    assert accept(static, CreateSwitch(vfs=2)) == static
    assert refuse(static, CreateSwitch(vfs=3)) is Status.INVALID_PARAMETER


def test_an_adapter_that_needs_sriov_for_it_makes_no_switch_without_vfs() -> None:
    model = SMALL._replace(switch_rules=SwitchRules(vfs=2, without_sriov=False))
    assert refuse(BARE._replace(model=model), CreateSwitch()) is Status.NOT_SUPPORTED
    assert accept(BARE._replace(model=model), CreateSwitch(vfs=1)).switch == NicSwitch(vfs=1)


@pytest.mark.parametrize(
    "on_it",
    [CreateVPort("vm1"), AllocateVf("vm1", mac(1)), SetQueueFilter(0, mac(1), untagged=True)],
    ids=["VPort", "VF", "filter"],
)
def test_a_switch_with_something_on_it_is_not_deleted(on_it: Request) -> None:
    """N2."""
    made = accept(BARE, CreateSwitch(vfs=1))
    assert refuse(accept(made, on_it), DeleteSwitch()) is Status.INVALID_PARAMETER
    assert accept(made, DeleteSwitch()).switch is None
    assert refuse(BARE, DeleteSwitch()) is Status.INVALID_PARAMETER


def test_vm_queues_and_the_switch_exclude_each_other_and_the_first_wins() -> None:
    """K5."""
    queued = accept(ported(None), AllocateQueue(1), CompleteAllocation((1,)))
    assert refuse(queued, CreateSwitch()) is Status.FAILURE
    freeing = accept(queued, FreeQueue(1), DmaIdle(1))
    assert refuse(freeing, CreateSwitch()) is Status.FAILURE
    switched = accept(freeing, BuffersReturned(1), CreateSwitch())
    assert refuse(switched, AllocateQueue(1)) is Status.NOT_SUPPORTED
    assert accept(switched, DeleteSwitch(), AllocateQueue(1)).vm_queues


def test_vfs_are_added_and_taken_where_none_is_allocated() -> None:
    two = accept(Adapter(SMALL, VMQ, mtu=1500, wire=True), SetNumVfs(2), AllocateVf("vm1", mac(1)))
    assert two.switch is not None
    assert two.switch.vfs == 2
    assert accept(two, SetNumVfs(1)).vfs == two.vfs
    assert refuse(two, SetNumVfs(0)) is Status.INVALID_PARAMETER
    assert refuse(two, SetNumVfs(64)) is Status.INVALID_PARAMETER
    assert refuse(two._replace(switch=None), SetNumVfs(1)) is Status.NOT_SUPPORTED
