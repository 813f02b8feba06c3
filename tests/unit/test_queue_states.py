"""The states of a VM queue: all 7 states and every event, by requests, as the published table has it."""

import pytest

from tests.unit.builders import accept, mac, ported
from vmdqemu.nic.adapter import (
    Adapter,
    AllocateQueue,
    BuffersReturned,
    ClearFilter,
    CompleteAllocation,
    DmaIdle,
    FreeQueue,
    Request,
    SetQueueFilter,
    SetQueueParameters,
    Status,
    apply,
)
from vmdqemu.nic.queue_states import TRANSITIONS, QueueEvent, QueueState

SET = SetQueueFilter(1, mac(1), untagged=True)
ANOTHER = SetQueueFilter(1, mac(9), untagged=True)
COMPLETE = CompleteAllocation((1,))

WAYS: dict[QueueState, tuple[Request, ...]] = {
    QueueState.UNDEFINED: (),
    QueueState.ALLOCATED: (AllocateQueue(1),),
    QueueState.SET: (AllocateQueue(1), SET),
    QueueState.RUNNING: (AllocateQueue(1), SET, COMPLETE),
    QueueState.PAUSED: (AllocateQueue(1), COMPLETE),
    QueueState.DMA_STOPPED: (AllocateQueue(1), COMPLETE, FreeQueue(1)),
    QueueState.FREEING: (AllocateQueue(1), COMPLETE, FreeQueue(1), DmaIdle(1)),
}
REQUESTS: dict[QueueEvent, Request] = {
    QueueEvent.ALLOCATE: AllocateQueue(1),
    QueueEvent.PARAMETERS: SetQueueParameters(1),
    QueueEvent.SET_FILTER: ANOTHER,
    QueueEvent.CLEAR_LAST_FILTER: ClearFilter(1),
    QueueEvent.COMPLETE: COMPLETE,
    QueueEvent.FREE: FreeQueue(1),
    QueueEvent.DMA_IDLE: DmaIdle(1),
    QueueEvent.BUFFERS_RETURNED: BuffersReturned(1),
}
# NDIS: queue-states-and-operations, one row of that page a line.
PUBLISHED = {
    QueueEvent.ALLOCATE: {"UNDEFINED": "ALLOCATED"},
    QueueEvent.PARAMETERS: {
        "ALLOCATED": "ALLOCATED",
        "SET": "SET",
        "RUNNING": "RUNNING",
        "PAUSED": "PAUSED",
    },
    QueueEvent.FILTER_PARAMETERS: {"SET": "SET", "RUNNING": "RUNNING"},
    QueueEvent.SET_FILTER: {"ALLOCATED": "SET", "SET": "SET", "RUNNING": "RUNNING", "PAUSED": "RUNNING"},
    QueueEvent.CLEAR_FILTER: {"SET": "SET", "RUNNING": "RUNNING"},
    QueueEvent.CLEAR_LAST_FILTER: {"SET": "ALLOCATED", "RUNNING": "PAUSED"},
    QueueEvent.COMPLETE: {"ALLOCATED": "PAUSED", "SET": "RUNNING"},
    QueueEvent.RECEIVE: {"RUNNING": "RUNNING"},
    QueueEvent.FREE: {"ALLOCATED": "DMA_STOPPED", "PAUSED": "DMA_STOPPED"},
    QueueEvent.DMA_IDLE: {"DMA_STOPPED": "FREEING"},
    QueueEvent.BUFFERS_RETURNED: {"FREEING": "UNDEFINED"},
}


def in_state(state: QueueState) -> Adapter:
    return accept(ported(None, None), *WAYS[state])


def state_of(adapter: Adapter) -> QueueState:
    queue = adapter.vm_queues.get(1)
    return queue.state if queue else QueueState.UNDEFINED


@pytest.mark.parametrize("event", QueueEvent, ids=lambda event: event.name)
@pytest.mark.parametrize("state", QueueState, ids=lambda state: state.name)
def test_the_table_is_the_published_one(state: QueueState, event: QueueEvent) -> None:
    published = PUBLISHED[event].get(state.name)
    after = TRANSITIONS.get((state, event))
    assert (after and after.name) == published


@pytest.mark.parametrize("event", REQUESTS, ids=lambda event: event.name)
@pytest.mark.parametrize("state", QueueState, ids=lambda state: state.name)
def test_a_request_is_carried_out_where_the_table_has_it_and_refused_elsewhere(
    state: QueueState, event: QueueEvent
) -> None:
    before = in_state(state)
    assert state_of(before) is state
    outcome = apply(before, REQUESTS[event])
    status = outcome.entries[0] if event is QueueEvent.COMPLETE else outcome.status
    after = TRANSITIONS.get((state, event))
    assert (status is Status.SUCCESS) == (after is not None)
    assert state_of(outcome.adapter) is (after or state)
    if after is None:
        assert outcome.adapter is before


@pytest.mark.parametrize("state", [QueueState.SET, QueueState.RUNNING])
def test_a_filter_that_is_not_the_last_leaves_the_state(state: QueueState) -> None:
    both = accept(in_state(state), ANOTHER)
    assert state_of(accept(both, ClearFilter(1))) is state
    assert state_of(accept(both, ClearFilter(2))) is state


def test_a_paused_queue_is_armed_again_without_a_second_completion() -> None:
    paused = accept(in_state(QueueState.RUNNING), ClearFilter(1))
    assert state_of(paused) is QueueState.PAUSED
    assert state_of(accept(paused, SET)) is QueueState.RUNNING


def test_tools_are_shown_four_states() -> None:
    assert {state.name: state.shown for state in QueueState} == {
        "UNDEFINED": "Undefined",
        "ALLOCATED": "Paused",
        "SET": "Paused",
        "RUNNING": "Running",
        "PAUSED": "Paused",
        "DMA_STOPPED": "DmaStopped",
        "FREEING": "DmaStopped",
    }
