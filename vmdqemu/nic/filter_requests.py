"""Requests for receive filters: of a VPort, or of the default queue's packet coalescing; one numbering."""

from typing import NamedTuple

from vmdqemu.nic.coalescing import MOST_FILTERS, CoalescingFilter
from vmdqemu.nic.filters import Vlan, is_vlan
from vmdqemu.nic.frame import is_multicast
from vmdqemu.nic.state import Adapter, Filter, Outcome, lowest_free
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_QUEUE


class SetFilter(NamedTuple):
    """OID_RECEIVE_FILTER_SET_FILTER on a VPort."""

    vport: int
    mac: bytes
    vlan: Vlan = None


class ClearFilter(NamedTuple):
    """OID_RECEIVE_FILTER_CLEAR_FILTER."""

    filter: int


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


def set_filter(adapter: Adapter, request: SetFilter) -> Outcome:
    """One owner a (MAC, VLAN): X550 7.8.3.3.1 wants at most one pool for a unicast address."""
    made = Filter(request.vport, request.mac, request.vlan)
    whole = len(request.mac) == 6 and not is_multicast(request.mac)
    taken = any(held.key == made.key for held in adapter.filters.values())
    if request.vport not in adapter.vports or not whole or not is_vlan(request.vlan) or taken:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if len(adapter.filters) == adapter.model.filters:
        return Outcome(adapter, Status.RESOURCES)
    number = lowest_free({**adapter.filters, **adapter.coalescing})
    return Outcome(adapter._replace(filters={**adapter.filters, number: made}), Status.SUCCESS, number)


def clear_filter(adapter: Adapter, request: ClearFilter) -> Outcome:
    if request.filter not in {*adapter.filters, *adapter.coalescing}:
        return Outcome(adapter, Status.FILE_NOT_FOUND)
    filters = {number: held for number, held in adapter.filters.items() if number != request.filter}
    kept = {number: held for number, held in adapter.coalescing.items() if number != request.filter}
    return Outcome(adapter._replace(filters=filters, coalescing=kept), Status.SUCCESS)


def set_coalescing(adapter: Adapter, request: SetCoalescing) -> Outcome:
    """NDIS: specifying-a-packet-coalescing-receive-filter. On the default queue alone."""
    unknown = request.filter != 0 and request.filter not in adapter.coalescing
    if unknown or request.queue != DEFAULT_QUEUE or not request.tests.is_sound:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if request.filter == 0 and len(adapter.coalescing) == MOST_FILTERS:
        return Outcome(adapter, Status.RESOURCES)
    number = request.filter or lowest_free({**adapter.filters, **adapter.coalescing})
    coalescing = {**adapter.coalescing, number: request.tests}
    return Outcome(adapter._replace(coalescing=coalescing), Status.SUCCESS, number)


def move_filter(adapter: Adapter, request: MoveFilter) -> Outcome:
    held = adapter.filters.get(request.filter)
    if held is None or request.vport not in adapter.vports:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    filters = {**adapter.filters, request.filter: held._replace(vport=request.vport)}
    return Outcome(adapter._replace(filters=filters), Status.SUCCESS, request.filter)
