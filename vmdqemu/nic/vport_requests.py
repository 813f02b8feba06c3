"""Requests for VPorts: made, activated, and deleted once their filters are gone.

Sources: NDIS: virtual-ports--vports-, creating-a-virtual-port, setting-the-parameters-of-a-virtual-port.
"""

from collections.abc import Mapping
from typing import NamedTuple

from vmdqemu.nic import rss_requests
from vmdqemu.nic.filters import Vlan, is_vlan
from vmdqemu.nic.moderation import Moderation
from vmdqemu.nic.pool_requests import without_vport
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.state import Adapter, Outcome, lowest_free
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_VPORT
from vmdqemu.nic.vf_requests import vf_happens
from vmdqemu.nic.vf_states import VfEvent
from vmdqemu.nic.vm_queue import VSWITCH
from vmdqemu.nic.vport import PF, VPort
from vmdqemu.nic.vport_states import TRANSITIONS, VPortEvent, VPortState


class CreateVPort(NamedTuple):
    """OID_NIC_SWITCH_CREATE_VPORT. The PF's have the lowest free number from 1 up, VFs' the highest free one.

    NDIS creates a PF's VPort Deactivated; the emulated vSwitch activates it with the same request. One for a
    VM's port has the number of the port.
    """

    name: str
    queue_pairs: int = 1
    vlan: Vlan = None
    spoof_check: bool = True
    rss: Rss | None = None  # None: an even spread, if it has several queue pairs
    function: int | None = PF  # or a VF's number
    activate: bool = True
    caller: str = VSWITCH
    port: int | None = None  # a VM's port that has no VPort yet


class SetVPortState(NamedTuple):
    """OID_NIC_SWITCH_VPORT_PARAMETERS with the flag STATE_CHANGED."""

    vport: int
    state: VPortState
    caller: str = VSWITCH


class DeleteVPort(NamedTuple):
    """OID_NIC_SWITCH_DELETE_VPORT. Its filters go first, its groups with it."""

    vport: int
    caller: str = VSWITCH


def create_vport(adapter: Adapter, request: CreateVPort) -> Outcome:
    """Its queues are free ones: nobody's frames are in them."""
    status = _can_be_made(adapter, request)
    if status is not Status.SUCCESS:
        return Outcome(adapter, status)
    made = VPort(request.name, request.queue_pairs, request.vlan, request.spoof_check, None)
    number = lowest_free(adapter.vports) if request.function is PF else _highest_free(adapter)
    if request.port is not None:  # what is the port's own stays
        number, port = request.port, adapter.vports[request.port]
        made = made._replace(mac=port.mac, share=port.share, vrss=port.vrss, pool=port.pool)
    if request.function is not PF:
        adapter = vf_happens(adapter, request.function, VfEvent.CREATE_VPORT).adapter
        made = made._replace(state=_after(VPortState.UNKNOWN, VPortEvent.CREATE_ON_VF))
    else:
        created = _after(VPortState.UNKNOWN, VPortEvent.CREATE_ON_PF)
        state = _after(created, VPortEvent.ACTIVATE) if request.activate else created
        spread = request.rss
        if spread is None and request.queue_pairs > 1:
            spread = adapter.model.queue_rules.spread(request.queue_pairs, adapter.model.hash_types)
        queues = adapter.free_queues(adapter.mode.rx_queues(request.queue_pairs))
        made = made._replace(state=state, rss=spread, queues=queues)
    made = made._replace(function=request.function, owner=request.caller)
    return Outcome(adapter._replace(vports={**adapter.vports, number: made}), Status.SUCCESS, number)


def _highest_free(adapter: Adapter) -> int:
    """So that VMs that come later are numbered as if there were no VFs."""
    numbers = range(adapter.model.vports - 1, 0, -1)
    return next((free for free in numbers if free not in adapter.vports), lowest_free(adapter.vports))


def _after(state: VPortState, event: VPortEvent) -> VPortState:
    return TRANSITIONS[state, event]


def _can_be_made(adapter: Adapter, request: CreateVPort) -> Status:
    model, rules = adapter.model, adapter.model.switch_rules
    if adapter.switch is None:
        return Status.NOT_SUPPORTED
    if not 1 <= request.queue_pairs <= model.queue_pairs or not is_vlan(request.vlan):
        return Status.INVALID_PARAMETER
    if request.rss is not None and not rss_requests.is_held(request.rss, request.queue_pairs, model):
        return Status.INVALID_PARAMETER
    if request.port is not None and not _is_bare(adapter, request):
        return Status.INVALID_PARAMETER
    others = {vport.queue_pairs for vport in adapter.vports.values() if vport.state is not VPortState.UNKNOWN}
    if not rules.asymmetric and others - {request.queue_pairs}:
        return Status.INVALID_PARAMETER
    if request.function is not PF:
        return vf_happens(adapter, request.function, VfEvent.CREATE_VPORT).status
    return Status.SUCCESS


def _is_bare(adapter: Adapter, request: CreateVPort) -> bool:
    """Whether it is a port without a VPort that asks for one."""
    port = adapter.vports.get(request.port or DEFAULT_VPORT)
    return port is not None and port.state is VPortState.UNKNOWN and request.function is PF


def set_vport_state(adapter: Adapter, request: SetVPortState) -> Outcome:
    """Activated once, and never Deactivated again."""
    vport = adapter.vports.get(request.vport)
    if vport is None or vport.owner != request.caller or request.state is VPortState.UNKNOWN:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    wanted = request.state is VPortState.ACTIVATED
    state = TRANSITIONS.get((vport.state, VPortEvent.ACTIVATE if wanted else VPortEvent.DEACTIVATE))
    if state is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    vports = {**adapter.vports, request.vport: vport._replace(state=state)}
    return Outcome(adapter._replace(vports=vports), Status.SUCCESS)


def delete_vport(adapter: Adapter, request: DeleteVPort) -> Outcome:
    """Its queues are free again; so is its VF. A VM's port is left without a VPort."""
    vport = adapter.vports.get(request.vport)
    if vport is None or vport.owner != request.caller:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    filtered = any(held.vport == request.vport for held in adapter.filters.values())
    if filtered or (vport.state, VPortEvent.DELETE) not in TRANSITIONS:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if vport.function is not PF:
        adapter = vf_happens(adapter, vport.function, VfEvent.DELETE_VPORT).adapter
    adapter = adapter._replace(moderated=_without(adapter.moderated, vport.queues))
    if vport.mac is None:
        return Outcome(without_vport(adapter, request.vport), Status.SUCCESS)
    bare = vport._replace(state=VPortState.UNKNOWN, queues=(), scaling=None, owner=VSWITCH)
    return Outcome(adapter._replace(vports={**adapter.vports, request.vport: bare}), Status.SUCCESS)


def _without(held: Mapping[int, Moderation], queues: tuple[int, ...]) -> Mapping[int, Moderation]:
    return {queue: moderation for queue, moderation in held.items() if queue not in queues}
