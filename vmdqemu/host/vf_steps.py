"""How a VM gets a virtual function and how it loses it: the published steps, each with its undo.

First the VM's frames take the synthetic path, and they do so again afterwards: its VPort on the PF stays, and
only the filters move. NDIS adds the device to the guest behind the filters, so that what the hardware already
delivers is held or lost; here it is there before them, and what it delivers the VM receives.

Source: NDIS: virtual-function-initialization-sequence, virtual-function-teardown-sequence,
sr-iov-vf-failover-and-live-migration-support.
"""

from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from typing import Final, NamedTuple

from vmdqemu.host.vf_policy import obstacle
from vmdqemu.nic.adapter import (
    Adapter,
    AllocateVf,
    ClearFilter,
    CreateVPort,
    DeleteVPort,
    FreeVf,
    MoveFilter,
    Request,
    ResetVf,
    SetFilter,
    SetPool,
    Status,
    apply,
)
from vmdqemu.nic.pools import PoolSettings
from vmdqemu.nic.vf_requests import VF_DRIVER
from vmdqemu.nic.vm_queue import VSWITCH
from vmdqemu.nic.vport import PF
from vmdqemu.nic.vport_states import VPortState


class Do(Enum):
    """What is done in one step: with the adapter, or with the guest's device."""

    ALLOCATE_VF = "allocate VF"
    CREATE_VPORT = "create VPort"
    ADD_DEVICE = "add device"
    MOVE_FILTERS = "move filters"
    BIND = "bind"  # the guest sends by the device from now on
    RELEASE = "release"
    RETURN_FILTERS = "return filters"
    UNPLUG = "unplug"  # nothing passes the device any more
    REMOVE_DEVICE = "remove device"
    DELETE_VPORT = "delete VPort"
    RESET_VF = "reset VF"
    FREE_VF = "free VF"


class Step(NamedTuple):
    """What is done, and what undoes it."""

    do: Do
    undo: tuple[Do, ...]


BRING_UP: Final = (
    Step(Do.ALLOCATE_VF, (Do.RESET_VF, Do.FREE_VF)),
    Step(Do.CREATE_VPORT, (Do.DELETE_VPORT,)),
    Step(Do.ADD_DEVICE, (Do.REMOVE_DEVICE,)),
    Step(Do.MOVE_FILTERS, (Do.RETURN_FILTERS,)),
    Step(Do.BIND, (Do.RELEASE,)),
)


NO_VF_LEFT: Final = "the NIC switch has no VF left; use a larger adapter.vfs, or take another VM's"


def undo(done: Iterable[Step]) -> tuple[Do, ...]:
    """The way back from behind these steps."""
    return tuple(do for step in reversed(tuple(done)) for do in step.undo)


TEARDOWN: Final = undo(BRING_UP)
# The guest is not asked: its device goes under load, and what comes until the filters are back is lost.
SURPRISE: Final = (Do.UNPLUG, *TEARDOWN)


def vf_of(adapter: Adapter, vm: str) -> int | None:
    """The VF that a VM has."""
    return next((number for number, vf in adapter.vfs.items() if vf.vm == vm and vf.owner == VSWITCH), None)


def vport_of(adapter: Adapter, vm: str) -> int | None:
    """The VPort that is on it."""
    vf = vf_of(adapter, vm)
    return None if vf is None else adapter.vport_on(vf)


def synthetic(adapter: Adapter, vm: str) -> int:
    """A VM's VPort on the PF. Every VM has one."""
    return next(n for n, vport in adapter.vports.items() if vport.name == vm and vport.function is PF)


def requests(do: Do, adapter: Adapter, vm: str) -> tuple[Request, ...]:
    """What a step asks of the adapter; nothing, if it is a matter of the device alone."""
    ask = _REQUESTS.get(do)
    return () if ask is None else tuple(ask(adapter, vm))


def why_none(adapter: Adapter, vm: str) -> str | None:
    """What keeps a VM without a VF: a policy, or too few VFs; None if it has one, or nothing does."""
    if vf_of(adapter, vm) is not None:
        return None
    full = adapter.switch is None or len(adapter.vfs) >= adapter.switch.vfs
    policy = obstacle(adapter.vports[synthetic(adapter, vm)])
    return policy or (NO_VF_LEFT if full else None)


def granted(adapter: Adapter, vm: str) -> Adapter:
    """The adapter once a VM has its VF; as it is where it stays without."""
    if why_none(adapter, vm):
        return adapter
    there = adapter
    for step in BRING_UP:
        for request in requests(step.do, there, vm):
            outcome = apply(there, request)
            if outcome.status is not Status.SUCCESS:
                return adapter
            there = outcome.adapter
    return there


def _allocate(adapter: Adapter, vm: str) -> Iterable[Request]:
    home = synthetic(adapter, vm)
    macs = [held.mac for _, held in sorted(adapter.filters.items()) if held.vport == home]
    return [AllocateVf(vm, adapter.vports[home].mac or (macs[0] if macs else b""))]


def _create(adapter: Adapter, vm: str) -> Iterable[Request]:
    """As the synthetic one is, on one queue pair."""
    home, vf = adapter.vports[synthetic(adapter, vm)], vf_of(adapter, vm)
    return [CreateVPort(vm, 1, home.vlan, home.spoof_check, function=vf)]


def _move(adapter: Adapter, vm: str) -> Iterable[Request]:
    """What the VM's pool accepts, a chip's VF accepts too.

    A VM that the default queue serves has no filter: then the VF has one of its own.
    """
    home, port, vf = synthetic(adapter, vm), vport_of(adapter, vm), vf_of(adapter, vm)
    if port is None or vf is None:
        return
    if (pool := adapter.vports[home].pool) != PoolSettings():
        yield SetPool(port, pool)
    mine = [(number, held) for number, held in sorted(adapter.filters.items()) if held.vport == home]
    if not mine:
        yield SetFilter(port, adapter.vfs[vf].mac, adapter.vports[home].vlan)
    for number, held in mine:
        yield MoveFilter(number, port, held.owner)


def _return(adapter: Adapter, vm: str) -> Iterable[Request]:
    """What the VF's own driver had set goes with it."""
    home, port = synthetic(adapter, vm), vport_of(adapter, vm)
    on_switch = adapter.vports[home].state is not VPortState.UNKNOWN
    for number, held in sorted(adapter.filters.items()):
        if held.vport == port:
            kept = on_switch and held.owner != VF_DRIVER
            yield MoveFilter(number, home, held.owner) if kept else ClearFilter(number, held.owner)


def _of_vf(make: Callable[[int], Request]) -> Callable[[Adapter, str], Iterable[Request]]:
    def ask(adapter: Adapter, vm: str) -> Iterable[Request]:
        vf = vf_of(adapter, vm)
        return [] if vf is None else [make(vf)]

    return ask


def _delete(adapter: Adapter, vm: str) -> Iterable[Request]:
    port = vport_of(adapter, vm)
    return [] if port is None else [DeleteVPort(port)]


_REQUESTS: Final[Mapping[Do, Callable[[Adapter, str], Iterable[Request]]]] = {
    Do.ALLOCATE_VF: _allocate,
    Do.CREATE_VPORT: _create,
    Do.MOVE_FILTERS: _move,
    Do.RETURN_FILTERS: _return,
    Do.DELETE_VPORT: _delete,
    Do.RESET_VF: _of_vf(ResetVf),
    Do.FREE_VF: _of_vf(FreeVf),
}
