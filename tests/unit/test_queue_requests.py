"""VM queues: allocated, completed, filtered, freed; and what a frame finds at any time."""

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.unit.builders import GROUP, SMALL, STRANGER, accept, mac, parsed, ported, queued, refuse
from vmdqemu.host.decide import decide
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.adapter import (
    Adapter,
    AllocateQueue,
    BuffersReturned,
    ClearFilter,
    CompleteAllocation,
    ConnectPort,
    DisconnectPort,
    DmaIdle,
    FreeQueue,
    Request,
    SetMode,
    SetQueueFilter,
    SetQueueParameters,
    Status,
    apply,
    compile_tables,
)
from vmdqemu.nic.modes import MODES, OFF, VMMQ, VMQ, Mode
from vmdqemu.nic.queue_states import QueueState
from vmdqemu.nic.vm_queue import QueueFlag, QueueParameters, QueueType

FREED = (FreeQueue(1), DmaIdle(1), BuffersReturned(1))


def placed(adapter: Adapter, *vids: int, destination: bytes = mac(1)) -> tuple[int, list[int]]:
    """The RX queue that a frame is placed in, and the VMs that get it."""
    verdict = decide(parsed(destination, STRANGER, vids), WIRE, compile_tables(adapter, 1))
    return verdict.nic.queues[0].queue, [delivery.port for delivery in verdict.deliveries]


@pytest.mark.parametrize(
    "wrong",
    [
        AllocateQueue(0),
        AllocateQueue(9),
        AllocateQueue(1, QueueParameters(affinity=0)),
        AllocateQueue(1, group=1),
        AllocateQueue(1, type=QueueType.UNSPECIFIED),
        AllocateQueue(1, lookahead=64),
        FreeQueue(0),
        FreeQueue(9),
        DmaIdle(9),
        BuffersReturned(9),
        SetQueueParameters(0, name="default"),
        SetQueueFilter(9, mac(1), untagged=True),
    ],
    ids=str,
)
def test_a_wrong_request_is_refused(wrong: Request) -> None:
    """Q1, Q2."""
    assert refuse(ported(None), wrong) is Status.INVALID_PARAMETER


def test_queues_are_numbered_from_1_and_as_many_as_there_are() -> None:
    """Q2."""
    model = SMALL._replace(rx_queues=3)
    full = accept(ported(None, None, None, model=model), AllocateQueue(1), AllocateQueue(2))
    assert set(full.vm_queues) == {1, 2}
    assert refuse(full, AllocateQueue(3)) is Status.RESOURCES
    assert refuse(ported(None, None), CompleteAllocation(())) is Status.INVALID_LENGTH
    assert refuse(accept(ported(None), AllocateQueue(1)), AllocateQueue(1)) is Status.INVALID_PARAMETER


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_a_mode_with_several_queues_a_vm_has_no_vm_queues(mode: Mode) -> None:
    status = apply(ported(None, mode=mode), AllocateQueue(1)).status
    assert status is (Status.NOT_SUPPORTED if mode is VMMQ else Status.SUCCESS)


def test_an_element_that_fails_fails_no_other() -> None:
    """Q3."""
    built = accept(ported(None, None), AllocateQueue(1), AllocateQueue(2), CompleteAllocation((2,)))
    outcome = apply(built, CompleteAllocation((1, 9, 2)))
    wrong = Status.INVALID_PARAMETER
    assert (outcome.status, outcome.entries) == (Status.SUCCESS, (Status.SUCCESS, wrong, wrong))
    assert outcome.adapter.vm_queues[1].state is QueueState.PAUSED


def test_a_queue_that_is_set_and_not_complete_is_silent() -> None:
    """Q5: its frames go where unmatched ones go."""
    built = accept(ported(None), AllocateQueue(1), SetQueueFilter(1, mac(1), untagged=True))
    assert placed(built) == (0, [1])
    assert placed(accept(built, CompleteAllocation((1,)))) == (1, [1])


def test_a_paused_queue_receives_nothing_until_it_is_armed_again() -> None:
    """Q6."""
    paused = accept(queued(None), ClearFilter(1))
    assert placed(paused) == (0, [1])
    assert placed(accept(paused, SetQueueFilter(1, mac(1), untagged=True))) == (1, [1])


def test_a_queue_with_a_filter_is_not_freed_and_goes_on() -> None:
    """Q9."""
    running = queued(None)
    assert refuse(running, FreeQueue(1)) is Status.INVALID_PARAMETER
    assert placed(running) == (1, [1])


def test_the_number_of_a_freed_queue_is_taken_until_its_buffers_are_back() -> None:
    """Q8."""
    paused = accept(ported(None, None), AllocateQueue(1), CompleteAllocation((1,)))
    for freed in (FREED[:1], FREED[:2]):
        outcome = apply(accept(paused, *freed), AllocateQueue(2))
        assert outcome.number == 2
    assert apply(accept(paused, *FREED), AllocateQueue(2)).number == 1


def test_only_what_is_flagged_is_changed() -> None:
    """Q11."""
    before = accept(ported(None), AllocateQueue(1, QueueParameters(name="q", affinity=2)))
    changed = accept(before, SetQueueParameters(1, affinity=4))
    assert changed.vm_queues[1].parameters == QueueParameters(name="q", affinity=4)
    flags = QueueFlag.PER_QUEUE_RECEIVE_INDICATION
    named = accept(changed, SetQueueParameters(1, flags=flags, suggested_buffers=512, name="r"))
    assert named.vm_queues[1].parameters == QueueParameters(flags, 4, 512, "r")
    assert accept(named, SetQueueParameters(1)) == named
    assert refuse(named, SetQueueParameters(1, affinity=0)) is Status.INVALID_PARAMETER


@pytest.mark.parametrize(
    "request_",
    [
        FreeQueue(1, caller="another"),
        SetQueueParameters(1, name="mine", caller="another"),
        SetQueueFilter(1, mac(9), untagged=True, caller="another"),
        ClearFilter(1, caller="another"),
    ],
    ids=str,
)
def test_only_the_allocator_acts(request_: Request) -> None:
    """Q14."""
    assert refuse(queued(None), request_) is Status.INVALID_PARAMETER


def test_somebody_elses_queue_is_not_completed() -> None:
    built = accept(ported(None), AllocateQueue(1))
    assert apply(built, CompleteAllocation((1,), caller="another")).entries == (Status.INVALID_PARAMETER,)


ROWS: list[tuple[dict[str, Any], tuple[int, int, int, int]]] = [
    ({"untagged": True}, (1, 1, 0, 0)),
    ({"vlan": 5}, (0, 0, 1, 0)),
    ({}, (1, 1, 1, 1)),
]


@pytest.mark.parametrize(("tests", "queues"), ROWS, ids=["untagged or zero", "VLAN 5", "any VLAN"])
def test_the_vlan_matrix(tests: dict[str, Any], queues: tuple[int, ...]) -> None:
    """F2, F3, F4: untagged, priority tag, VID 5, VID 6 (NDIS: vmq-receive-filters)."""
    built = ported(tests.get("vlan"), any_vlan=True)
    running = accept(built, AllocateQueue(1), CompleteAllocation((1,)), SetQueueFilter(1, mac(1), **tests))
    assert tuple(placed(running, *vids)[0] for vids in ((), (0,), (5,), (6,))) == queues


@pytest.mark.parametrize(
    ("options", "tests"),
    [
        ({}, {}),
        ({"any_vlan": True}, {"vlan": 5, "untagged": True}),
        ({"vlan_filtering": False}, {"vlan": 5}),
        ({}, {"vlan": 0}),
        ({}, {"vlan": 4095}),
        ({}, {"untagged": True, "mac": GROUP}),
        ({}, {"untagged": True, "mac": b"\x02"}),
    ],
    ids=["MAC only", "contradiction", "no VLAN filtering", "VLAN 0", "VLAN 4095", "group", "short"],
)
def test_tests_that_the_adapter_cannot_match_are_refused(
    options: dict[str, Any], tests: dict[str, Any]
) -> None:
    """F4, F5."""
    built = accept(ported(None, **options), AllocateQueue(1))
    assert refuse(built, SetQueueFilter(1, **{"mac": mac(1), **tests})) is Status.INVALID_PARAMETER


def test_tests_of_a_filter_are_and_filters_of_a_queue_are_or() -> None:
    """F6, F7."""
    built = accept(ported(2), AllocateQueue(1), CompleteAllocation((1,)))
    both = accept(built, SetQueueFilter(1, mac(7), 2), SetQueueFilter(1, mac(8), 3))
    found = {
        (number, vid): placed(both, vid, destination=mac(number))[0] for number in (7, 8) for vid in (2, 3)
    }
    assert found == {(7, 2): 1, (7, 3): 0, (8, 2): 0, (8, 3): 1}


def test_filter_numbers_are_the_adapters_and_a_filter_is_set_once() -> None:
    """F8."""
    two = queued(None, None)
    assert set(two.filters) == {1, 2}
    assert refuse(two, SetQueueFilter(1, mac(2), untagged=True)) is Status.INVALID_PARAMETER
    assert refuse(two, ClearFilter(9)) is Status.FILE_NOT_FOUND


def test_a_full_filter_table_leaves_the_rest_working() -> None:
    """F14."""
    full = queued(None, None, None)
    assert refuse(full, SetQueueFilter(1, mac(9), untagged=True)) is Status.RESOURCES
    assert placed(full) == (1, [1])


def test_vm_queues_rest_while_the_mode_does_not_sort_and_a_mode_with_others_is_refused() -> None:
    off = accept(queued(None, None), SetMode(OFF))
    assert (placed(off), off.queues) == ((0, [1]), (0,))
    assert placed(accept(off, SetMode(VMQ))) == (1, [1])
    assert refuse(off, SetMode(VMMQ)) is Status.NOT_SUPPORTED


class QueueMachine(RuleBasedStateMachine):
    """Any requests for VM queues in any order."""

    adapter: Adapter

    @initialize()
    def start(self) -> None:
        self.adapter = ported(None, 5, any_vlan=True)

    def ask(self, request: Request) -> None:
        before = self.adapter
        outcome = apply(before, request)
        accepted = outcome.status is Status.SUCCESS
        assert accepted or outcome.adapter is before
        self.adapter = outcome.adapter

    @rule(port=st.integers(0, 4), affinity=st.integers(0, 2), caller=st.sampled_from(["vswitch", "other"]))
    def allocate(self, port: int, affinity: int, caller: str) -> None:
        self.ask(AllocateQueue(port, QueueParameters(affinity=affinity), caller=caller))

    @rule(queues=st.lists(st.integers(0, 4), max_size=3), caller=st.sampled_from(["vswitch", "other"]))
    def complete(self, queues: list[int], caller: str) -> None:
        self.ask(CompleteAllocation(tuple(queues), caller))

    @rule(
        queue=st.integers(0, 4),
        number=st.integers(1, 4),
        vlan=st.sampled_from([None, 0, 5, 6]),
        untagged=st.booleans(),
        caller=st.sampled_from(["vswitch", "other"]),
    )
    def set_filter(self, queue: int, number: int, vlan: int | None, untagged: bool, caller: str) -> None:
        self.ask(SetQueueFilter(queue, mac(number), vlan, untagged, caller))

    @rule(number=st.integers(0, 4), caller=st.sampled_from(["vswitch", "other"]))
    def clear_filter(self, number: int, caller: str) -> None:
        self.ask(ClearFilter(number, caller))

    @rule(queue=st.integers(0, 4), kind=st.sampled_from([FreeQueue, DmaIdle, BuffersReturned]))
    def free(self, queue: int, kind: Any) -> None:
        self.ask(kind(queue))

    @rule(number=st.integers(1, 4), connect=st.booleans())
    def port(self, number: int, connect: bool) -> None:
        self.ask(ConnectPort(f"vm{number}", mac(number)) if connect else DisconnectPort(number))

    @invariant()
    def a_queue_has_filters_in_set_and_running_alone(self) -> None:
        filtered = {held.queue for held in self.adapter.filters.values() if held.queue}
        for number, queue in self.adapter.vm_queues.items():
            has = queue.state in (QueueState.SET, QueueState.RUNNING)
            assert (number in filtered) == has
        assert filtered <= set(self.adapter.vm_queues)

    @invariant()
    def a_frame_is_placed_in_a_running_queue_or_the_default_one(self) -> None:
        """Invariants 1, 3 and 11 of the fact sheet."""
        running = {
            number for number, queue in self.adapter.vm_queues.items() if queue.state is QueueState.RUNNING
        }
        seen = compile_tables(self.adapter, 1)
        for number in range(1, 5):
            for vids in ((), (5,), (6,)):
                verdict = decide(parsed(mac(number), STRANGER, vids), WIRE, seen)
                assert len(verdict.nic.queues) == 1
                assert verdict.nic.queues[0].queue in running | {0}
        assert len(self.adapter.vm_queues) + 1 <= SMALL.rx_queues
        assert len(self.adapter.filters) <= SMALL.filters

    @invariant()
    def every_owner_is_who_asked_for_it(self) -> None:
        for held in self.adapter.filters.values():
            assert not held.queue or held.owner == self.adapter.vm_queues[held.queue].owner


QueueMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
test_any_requests_in_any_order = QueueMachine.TestCase
