"""Requests for VFs: allocated, reset, freed (NDIS: handling-oid-nic-switch-allocate-vf-requests)."""

from typing import Final, NamedTuple

from vmdqemu.nic.frame import is_multicast
from vmdqemu.nic.state import Adapter, Outcome
from vmdqemu.nic.status import NO_SLOT, Status
from vmdqemu.nic.switch_objects import Driver, Vf
from vmdqemu.nic.vf_states import TRANSITIONS, VfEvent
from vmdqemu.nic.vm_queue import VSWITCH

VF_DRIVER: Final = "vf driver"  # the caller that a VF's own driver is


class AllocateVf(NamedTuple):
    """OID_NIC_SWITCH_ALLOCATE_VF. Its VFId is the lowest free number from 0 up; nothing of it changes."""

    vm: str
    mac: bytes
    caller: str = VSWITCH


class FreeVf(NamedTuple):
    """OID_NIC_SWITCH_FREE_VF. Its VPort goes first."""

    vf: int
    caller: str = VSWITCH


class ResetVf(NamedTuple):
    """OID_SRIOV_RESET_VF: function level reset. It touches no other function."""

    vf: int


def allocate_vf(adapter: Adapter, request: AllocateVf) -> Outcome:
    """Its hardware is there since the switch is."""
    if adapter.switch is None or not adapter.switch.vfs:
        return Outcome(adapter, Status.NOT_SUPPORTED)
    if len(request.mac) != 6 or is_multicast(request.mac):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if len(adapter.vfs) == adapter.switch.vfs:
        return Outcome(adapter, NO_SLOT)
    number = next(vf for vf in range(adapter.switch.vfs) if vf not in adapter.vfs)
    made = Vf(request.vm, request.mac, request.caller)
    return Outcome(adapter._replace(vfs={**adapter.vfs, number: made}), Status.SUCCESS, number)


def free_vf(adapter: Adapter, request: FreeVf) -> Outcome:
    """Only by who allocated it."""
    outcome = vf_happens(adapter, request.vf, VfEvent.FREE)
    if outcome.status is not Status.SUCCESS or request.caller != adapter.vfs[request.vf].owner:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    left = {number: vf for number, vf in adapter.vfs.items() if number != request.vf}
    return Outcome(adapter._replace(vfs=left), Status.SUCCESS)


def reset_vf(adapter: Adapter, request: ResetVf) -> Outcome:
    """What was asked for it stays; what its own driver had asked for goes."""
    outcome = vf_happens(adapter, request.vf, VfEvent.RESET)
    if outcome.status is not Status.SUCCESS:
        return Outcome(adapter, Status.FAILURE)
    return outcome._replace(adapter=without_driver(outcome.adapter, request.vf))


def without_driver(adapter: Adapter, number: int) -> Adapter:
    """The adapter without what a VF's driver has asked for."""
    ports = {port for port, vport in adapter.vports.items() if vport.function == number}
    kept = {
        index: held
        for index, held in adapter.filters.items()
        if not (held.vport in ports and held.owner == VF_DRIVER)
    }
    vf = adapter.vfs[number]._replace(driver=Driver())
    return adapter._replace(filters=kept, vfs={**adapter.vfs, number: vf})


def vf_happens(adapter: Adapter, number: int, event: VfEvent) -> Outcome:
    """Take a VF to its next state, if that is legal now."""
    vf = adapter.vfs.get(number)
    state = vf and TRANSITIONS.get((vf.state, event))
    if vf is None or state is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    changed = {**adapter.vfs, number: vf._replace(state=state)}
    return Outcome(adapter._replace(vfs=changed), Status.SUCCESS)
