"""Requests for VM queues: allocated, completed in a batch, changed, freed (NDIS: oid-receive-filter-* pages).

A VM queue is an RX queue of the adapter, and QueueId is its number. Queue 0 is the default queue: nobody's,
and neither allocated nor freed. Freeing takes three requests, since the last two happen when the data path
says so (NDIS: freeing-a-vm-queue).
"""

from typing import NamedTuple

from vmdqemu.nic.modes import Sort
from vmdqemu.nic.queue_states import TRANSITIONS, QueueEvent
from vmdqemu.nic.state import Adapter, Outcome, lowest_free
from vmdqemu.nic.status import Status
from vmdqemu.nic.vm_queue import VSWITCH, QueueFlag, QueueParameters, QueueType, VmQueue


class AllocateQueue(NamedTuple):
    """OID_RECEIVE_FILTER_ALLOCATE_QUEUE. NDIS assigns the lowest free number from 1 up."""

    vport: int  # PortId: of a port without a VPort on the NIC switch
    parameters: QueueParameters = QueueParameters()
    type: QueueType = QueueType.VM_QUEUE
    group: int = 0  # of its processors; the emulated host has one
    lookahead: int = 0  # octets; none may be asked for (NDIS 6.30)
    caller: str = VSWITCH


class CompleteAllocation(NamedTuple):
    """OID_RECEIVE_FILTER_QUEUE_ALLOCATION_COMPLETE: a batch; each queue has a status of its own."""

    queues: tuple[int, ...]
    caller: str = VSWITCH


class SetQueueParameters(NamedTuple):
    """OID_RECEIVE_FILTER_QUEUE_PARAMETERS. None: its change flag is not set."""

    queue: int
    flags: QueueFlag | None = None
    affinity: int | None = None
    suggested_buffers: int | None = None
    name: str | None = None
    caller: str = VSWITCH


class FreeQueue(NamedTuple):
    """OID_RECEIVE_FILTER_FREE_QUEUE: DMA stops. Filters go first. Pending until its buffers are back."""

    queue: int
    caller: str = VSWITCH


class DmaIdle(NamedTuple):
    """The data path: nothing more is written for a freed queue, and its state was indicated."""

    queue: int


class BuffersReturned(NamedTuple):
    """The data path: every frame of a freed queue was delivered. Its number may be allocated again."""

    queue: int


def allocate_queue(adapter: Adapter, request: AllocateQueue) -> Outcome:
    """With a NIC switch there are VPorts instead (NDIS: determining-nic-switch-capabilities)."""
    several = adapter.mode.sort is Sort.FILTERS and adapter.mode.queues != 1
    if adapter.switch is not None or several:
        return Outcome(adapter, Status.NOT_SUPPORTED)
    if not _is_sound(adapter, request):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    number = lowest_free(adapter.vm_queues)
    made = VmQueue(request.vport, request.caller, request.parameters)
    return Outcome(with_queue(adapter, number, made), Status.SUCCESS, number)


def _is_sound(adapter: Adapter, request: AllocateQueue) -> bool:
    """One queue a port: the vSwitch asks for no second, and which would a flow go to?"""
    taken = {queue.vport for queue in adapter.vm_queues.values()}
    port = request.vport in adapter.vports and request.vport not in taken
    unsplit = request.lookahead == 0
    return (
        port
        and unsplit
        and not request.group
        and request.type is QueueType.VM_QUEUE
        and (request.parameters.is_sound)
    )


def complete_allocation(adapter: Adapter, request: CompleteAllocation) -> Outcome:
    """Elements that fail do not fail the others, nor the request (NDIS: the OID's page, netvmini)."""
    if not request.queues:
        return Outcome(adapter, Status.INVALID_LENGTH)
    entries = []
    for number in request.queues:
        outcome = happen(adapter, number, QueueEvent.COMPLETE, request.caller)
        adapter = outcome.adapter
        entries.append(outcome.status)
    return Outcome(adapter, Status.SUCCESS, entries=tuple(entries))


def set_queue_parameters(adapter: Adapter, request: SetQueueParameters) -> Outcome:
    """Live: a queue that goes to another processor loses nothing, and keeps its state."""
    asked = happen(adapter, request.queue, QueueEvent.PARAMETERS, request.caller)
    if asked.status is not Status.SUCCESS:
        return asked
    queue = adapter.vm_queues[request.queue]
    fields = {field: getattr(request, field) for field in QueueParameters._fields}
    changed = queue.parameters._replace(
        **{name: value for name, value in fields.items() if value is not None}
    )
    if not changed.is_sound:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    return Outcome(with_queue(adapter, request.queue, queue._replace(parameters=changed)), Status.SUCCESS)


def free_queue(adapter: Adapter, request: FreeQueue) -> Outcome:
    """Its number stays taken until the buffers are back."""
    return happen(adapter, request.queue, QueueEvent.FREE, request.caller)


def dma_idle(adapter: Adapter, request: DmaIdle) -> Outcome:
    """From here on only frames that were received before are on their way."""
    return happen(adapter, request.queue, QueueEvent.DMA_IDLE)


def buffers_returned(adapter: Adapter, request: BuffersReturned) -> Outcome:
    """The queue is no more."""
    outcome = happen(adapter, request.queue, QueueEvent.BUFFERS_RETURNED)
    if outcome.status is not Status.SUCCESS:
        return outcome
    left = {number: queue for number, queue in adapter.vm_queues.items() if number != request.queue}
    moderated = {number: held for number, held in adapter.moderated.items() if number != request.queue}
    return Outcome(adapter._replace(vm_queues=left, moderated=moderated), Status.SUCCESS)


def happen(adapter: Adapter, number: int, event: QueueEvent, caller: str | None = None) -> Outcome:
    """Take a VM queue to its next state, if that is legal now. caller: who asks; None for the data path."""
    queue = adapter.vm_queues.get(number)
    if queue is None or caller not in (None, queue.owner):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    state = TRANSITIONS.get((queue.state, event))
    if state is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    return Outcome(with_queue(adapter, number, queue._replace(state=state)), Status.SUCCESS)


def with_queue(adapter: Adapter, number: int, queue: VmQueue) -> Adapter:
    """The adapter with one VM queue as given."""
    return adapter._replace(vm_queues={**adapter.vm_queues, number: queue})
