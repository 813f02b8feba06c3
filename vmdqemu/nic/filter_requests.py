"""Requests for receive filters: of a VPort, of a VM queue, or of packet coalescing; all in one numbering.

Sources: NDIS: setting-a-vmq-filter, vmq-receive-filters, setting-a-receive-filter-on-a-virtual-port.
"""

from typing import NamedTuple

from vmdqemu.nic.coalescing import MOST_FILTERS, CoalescingFilter
from vmdqemu.nic.filters import ANY_VLAN, Vlan, is_vlan
from vmdqemu.nic.frame import is_multicast
from vmdqemu.nic.queue_requests import happen
from vmdqemu.nic.queue_states import QueueEvent
from vmdqemu.nic.state import Adapter, Filter, Outcome, lowest_free
from vmdqemu.nic.status import NO_SLOT, Status
from vmdqemu.nic.tables import DEFAULT_QUEUE, DEFAULT_VPORT
from vmdqemu.nic.vm_queue import VSWITCH
from vmdqemu.nic.vport_states import TRANSITIONS as VPORT_TRANSITIONS
from vmdqemu.nic.vport_states import VPortEvent


class SetFilter(NamedTuple):
    """OID_RECEIVE_FILTER_SET_FILTER on a VPort."""

    vport: int
    mac: bytes
    vlan: Vlan = None
    caller: str = VSWITCH


class SetQueueFilter(NamedTuple):
    """OID_RECEIVE_FILTER_SET_FILTER on a VM queue, or by anybody on the default queue.

    vlan: a test of the VID; untagged: the flag VLAN_UNTAGGED_OR_ZERO; neither: any VLAN, if the adapter can.
    inside: the flag PACKET_ENCAPSULATION: the address is that of the frame inside of a tunnel, the VLAN that
    of the frame outside (whether an inner tag is tested is printed nowhere).
    """

    queue: int
    mac: bytes
    vlan: int | None = None
    untagged: bool = False
    caller: str = VSWITCH
    inside: bool = False


class ClearFilter(NamedTuple):
    """OID_RECEIVE_FILTER_CLEAR_FILTER, by who set it."""

    filter: int
    caller: str = VSWITCH


class SetCoalescing(NamedTuple):
    """OID_RECEIVE_FILTER_SET_FILTER of type PacketCoalescing; filter: 0 for a new one, else which."""

    tests: CoalescingFilter
    filter: int = 0
    queue: int = DEFAULT_QUEUE


class MoveFilter(NamedTuple):
    """OID_RECEIVE_FILTER_MOVE_FILTER: in one step, so that at no instant it has no owner, or two.

    NDIS moves between the default VPort and a VF's; the emulator between any two VMs' VPorts.
    """

    filter: int
    vport: int
    caller: str = VSWITCH


def set_filter(adapter: Adapter, request: SetFilter) -> Outcome:
    """A filter on a VPort takes effect when the VPort is activated (a reading of ours)."""
    vport = adapter.vport(request.vport)
    on_switch = vport is not None and (vport.state, VPortEvent.FILTER) in VPORT_TRANSITIONS
    matched = is_vlan(request.vlan) and (request.vlan is None or adapter.vlan_filtering)
    if not on_switch or not matched:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    return _add(adapter, Filter(request.vport, request.mac, request.vlan, owner=request.caller))


def set_queue_filter(adapter: Adapter, request: SetQueueFilter) -> Outcome:
    """A queue that was completed runs from its first filter on, one in PAUSED again."""
    if not _is_matched(adapter, request):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    vlan = None if request.untagged else ANY_VLAN if request.vlan is None else request.vlan
    rest = request.caller, request.inside
    if request.queue == DEFAULT_QUEUE:
        return _add(adapter, Filter(DEFAULT_VPORT, request.mac, vlan, DEFAULT_QUEUE, *rest))
    asked = happen(adapter, request.queue, QueueEvent.SET_FILTER, request.caller)
    if asked.status is not Status.SUCCESS:
        return asked
    vport = adapter.vm_queues[request.queue].vport
    outcome = _add(asked.adapter, Filter(vport, request.mac, vlan, request.queue, *rest))
    return outcome if outcome.status is Status.SUCCESS else outcome._replace(adapter=adapter)


def _is_matched(adapter: Adapter, request: SetQueueFilter) -> bool:
    """Whether the adapter can match these tests (NDIS: setting-a-vmq-filter; the second is netvmini's)."""
    if request.inside and not adapter.model.inner_headers:
        return False
    if request.vlan is not None:
        return adapter.vlan_filtering and not request.untagged and is_vlan(request.vlan)
    return request.untagged or adapter.any_vlan


def _add(adapter: Adapter, made: Filter) -> Outcome:
    """One owner a (MAC, VLAN): X550 7.8.3.3.1 wants at most one pool for a unicast address."""
    whole = len(made.mac) == 6 and not is_multicast(made.mac)
    if not whole or any(_same(held, made) for held in adapter.filters.values()):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    number = lowest_free({**adapter.filters, **adapter.coalescing})
    return Outcome(adapter._replace(filters={**adapter.filters, number: made}), Status.SUCCESS, number)


def _same(one: Filter, other: Filter) -> bool:
    return (one.key, one.inside) == (other.key, other.inside)


def clear_filter(adapter: Adapter, request: ClearFilter) -> Outcome:
    """The last filter of a VM queue takes its traffic with it; the queue stays."""
    if request.filter in adapter.coalescing:
        kept = {number: held for number, held in adapter.coalescing.items() if number != request.filter}
        return Outcome(adapter._replace(coalescing=kept), Status.SUCCESS)
    if request.filter not in adapter.filters:
        return Outcome(adapter, Status.FILE_NOT_FOUND)
    cleared = adapter.filters[request.filter]
    if request.caller != cleared.owner:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    filters = {number: held for number, held in adapter.filters.items() if number != request.filter}
    without = adapter._replace(filters=filters)
    if not cleared.queue:  # a VPort's, or the default queue's
        return Outcome(without, Status.SUCCESS)
    others = any(held.queue == cleared.queue for held in filters.values())
    event = QueueEvent.CLEAR_FILTER if others else QueueEvent.CLEAR_LAST_FILTER
    return happen(without, cleared.queue, event, request.caller)


def set_coalescing(adapter: Adapter, request: SetCoalescing) -> Outcome:
    """NDIS: specifying-a-packet-coalescing-receive-filter. On the default queue alone."""
    unknown = request.filter != 0 and request.filter not in adapter.coalescing
    if unknown or request.queue != DEFAULT_QUEUE or not request.tests.is_sound:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if request.filter == 0 and len(adapter.coalescing) == MOST_FILTERS:
        return Outcome(adapter, NO_SLOT)
    number = request.filter or lowest_free({**adapter.filters, **adapter.coalescing})
    coalescing = {**adapter.coalescing, number: request.tests}
    return Outcome(adapter._replace(coalescing=coalescing), Status.SUCCESS, number)


def move_filter(adapter: Adapter, request: MoveFilter) -> Outcome:
    """From one VPort to another; a VM queue's is set anew instead (NDIS: both queue ids are 0)."""
    held = adapter.filters.get(request.filter)
    target = adapter.vports.get(request.vport)
    if held is None or held.queue is not None or held.owner != request.caller or target is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if (target.state, VPortEvent.FILTER) not in VPORT_TRANSITIONS:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    filters = {**adapter.filters, request.filter: held._replace(vport=request.vport)}
    return Outcome(adapter._replace(filters=filters), Status.SUCCESS, request.filter)
