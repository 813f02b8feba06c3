"""Requests for the NIC switch: created, deleted once nothing hangs on it (NDIS: the oid-nic-switch-* pages).

VM queues and the NIC switch exclude each other: the first of them wins, and both are open again when the last
VM queue or the switch is gone (NDIS: determining-nic-switch-capabilities).
"""

from typing import NamedTuple

from vmdqemu.nic.state import Adapter, Outcome
from vmdqemu.nic.status import Status
from vmdqemu.nic.switch_objects import DEFAULT_SWITCH, NicSwitch, SwitchType
from vmdqemu.nic.vport_states import VPortState


class CreateSwitch(NamedTuple):
    """OID_NIC_SWITCH_CREATE_SWITCH."""

    switch: int = DEFAULT_SWITCH
    type: SwitchType = SwitchType.EXTERNAL
    vfs: int = 0


class DeleteSwitch(NamedTuple):
    """OID_NIC_SWITCH_DELETE_SWITCH. Filters, VPorts and VFs go first."""

    switch: int = DEFAULT_SWITCH


class SetNumVfs(NamedTuple):
    """The emulator's own: what creating the switch anew with more VFs does, without the loss (NumVFs)."""

    vfs: int


def set_num_vfs(adapter: Adapter, request: SetNumVfs) -> Outcome:
    """VFs that are allocated stay."""
    if adapter.switch is None:
        return Outcome(adapter, Status.NOT_SUPPORTED)
    least = 1 + max(adapter.vfs, default=-1)
    if not least <= request.vfs <= adapter.model.switch_rules.vfs:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    return Outcome(adapter._replace(switch=adapter.switch._replace(vfs=request.vfs)), Status.SUCCESS)


def create_switch(adapter: Adapter, request: CreateSwitch) -> Outcome:
    """One that is there already is only created again with the same parameters (static creation)."""
    made = NicSwitch(request.type, request.vfs)
    rules = adapter.model.switch_rules
    known = request.switch == DEFAULT_SWITCH and request.type is SwitchType.EXTERNAL
    if not known or request.vfs < 0 or adapter.switch not in (None, made):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if not (rules.without_sriov or request.vfs):
        return Outcome(adapter, Status.NOT_SUPPORTED)
    if adapter.vm_queues:
        return Outcome(adapter, Status.FAILURE)
    return Outcome(adapter._replace(switch=made), Status.SUCCESS)


def delete_switch(adapter: Adapter, request: DeleteSwitch) -> Outcome:
    """VMs' ports stay on the vSwitch: their frames come by the default queue."""
    on_it = [vport for vport in adapter.vports.values() if vport.state is not VPortState.UNKNOWN]
    if adapter.switch is None or request.switch != DEFAULT_SWITCH or on_it or adapter.vfs or adapter.filters:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    return Outcome(adapter._replace(switch=None), Status.SUCCESS)
