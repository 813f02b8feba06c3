"""The life of VM queues, asked for by OID: every state with every event, and what frames find meanwhile."""

import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from pathlib import Path

import pytest

from tests.system import numbered
from tests.system.frames import Ports, frame, ports
from tests.system.harness import RunningLab, eventually, running, shared
from tests.system.observer import ended, observer
from tests.system.oids import INVALID, SUCCESS, ask, carried, filters_of, give_up, state, status
from tests.system.workers import stopped
from vmdqemu.nic.adapter import Status
from vmdqemu.nic.disciplines import BUDGET_FRAMES
from vmdqemu.nic.queue_states import TRANSITIONS, QueueEvent, QueueState

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1" }, { name = "vm2" }, { name = "vm3" }]
[adapter]
mode = "vmq"
nic_switch = false
[host]
processors = 3
[wire]
"""
SPARE = 3  # the queue that is freed, and the port that has none then
ANOTHER = "02:aa:00:00:00:01"


running_lab = shared(LAB)


@pytest.fixture(scope="module")
def lab(running_lab: RunningLab) -> Iterator[RunningLab]:
    """Port 3 has no VM queue between two tests."""
    give_up(running_lab, SPARE)
    yield running_lab
    assert running_lab.call("status")["crashes"] == 0


@pytest.fixture
def there(lab: RunningLab) -> Iterator[Ports]:
    with ports(lab) as there:
        yield there
    give_up(lab, SPARE)


@pytest.fixture
def spare(lab: RunningLab) -> Iterator[RunningLab]:
    yield lab
    give_up(lab, SPARE)


def allocate(lab: RunningLab) -> str:
    return status(lab, "ALLOCATE_QUEUE", port=SPARE)


def set_filter(lab: RunningLab, mac: str = "") -> str:
    return status(lab, "SET_FILTER", queue=SPARE, mac=mac or lab.mac("vm3"), untagged_or_zero=True)


def complete(lab: RunningLab) -> str:
    (ended,) = ask(lab, "QUEUE_ALLOCATION_COMPLETE", queues=[SPARE])["entries"]
    return str(ended)


def clear_last(lab: RunningLab) -> str:
    return status(lab, "CLEAR_FILTER", filter=next(iter(filters_of(lab, SPARE)), 99))


Request = Callable[[RunningLab], str]
WAYS: dict[QueueState, tuple[Request, ...]] = {
    QueueState.UNDEFINED: (),
    QueueState.ALLOCATED: (allocate,),
    QueueState.SET: (allocate, set_filter),
    QueueState.RUNNING: (allocate, set_filter, complete),
    QueueState.PAUSED: (allocate, complete),
}
EVENTS: dict[QueueEvent, Request] = {
    QueueEvent.PARAMETERS: lambda lab: status(lab, "QUEUE_PARAMETERS", queue=SPARE),
    QueueEvent.SET_FILTER: lambda lab: set_filter(lab, ANOTHER),
    QueueEvent.CLEAR_LAST_FILTER: clear_last,
    QueueEvent.COMPLETE: complete,
    QueueEvent.FREE: lambda lab: status(lab, "FREE_QUEUE", queue=SPARE),
}
AT_ONCE: dict[QueueState | None, str] = {
    QueueState.DMA_STOPPED: "UNDEFINED"
}  # the request ends when the last buffer is back


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: event.name)
@pytest.mark.parametrize("before", WAYS, ids=lambda state: state.name)
def test_an_event_is_carried_out_or_refused_as_the_table_has_it(
    spare: RunningLab, before: QueueState, event: QueueEvent
) -> None:
    """Q4."""
    for step in WAYS[before]:
        assert step(spare) == SUCCESS
    assert state(spare, SPARE) == before.name
    after = TRANSITIONS.get((before, event))
    assert (EVENTS[event](spare) == SUCCESS) == (after is not None)
    assert state(spare, SPARE) == (AT_ONCE.get(after, after.name) if after else before.name)


@pytest.mark.parametrize(
    "wrong",
    [
        {"port": 1},  # it has a queue
        {"port": 9},
        {"affinity": 0},
        {"group": 1},
        {"type": "unspecified"},
        {"lookahead": 64},
        {"suggested_buffers": -1},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_a_wrong_allocation_changes_nothing(lab: RunningLab, wrong: dict[str, object]) -> None:
    """Q2."""
    before = ask(lab, "ENUM_QUEUES", caller="application")
    assert status(lab, "ALLOCATE_QUEUE", **{"port": SPARE, **wrong}) == INVALID
    assert ask(lab, "ENUM_QUEUES", caller="application") == before


def test_an_allocated_queue_has_a_number_of_its_own_and_frames_once_it_runs(
    lab: RunningLab, there: Ports
) -> None:
    """Q2, Q3."""
    sent = frame(lab.mac("vm3"), lab.mac("ext"))
    assert ask(lab, "ALLOCATE_QUEUE", port=SPARE) == {"status": SUCCESS, "number": SPARE}
    assert allocate(lab) == INVALID  # one for each port
    assert set_filter(lab) == SUCCESS
    batch = ask(lab, "QUEUE_ALLOCATION_COMPLETE", queues=[9, SPARE, 1])
    assert (batch["status"], batch["entries"]) == (SUCCESS, [INVALID, SUCCESS, INVALID])
    assert there.send("ext", sent) == {"vm3": [sent]}
    assert carried(lab)[SPARE] == 1


FULL = LAB.replace("[adapter]", "[adapter]\nrx_queues = 3")


def test_a_queue_more_than_there_are_is_refused_and_its_vm_has_the_default_queue(tmp_path: Path) -> None:
    """Q2: of three queues one is the default queue."""
    with running(FULL, tmp_path) as lab, ports(lab) as there:
        queues = ask(lab, "ENUM_QUEUES")["answer"]
        assert [row["QueueID"] for row in queues] == [1, 2]
        assert allocate(lab) == Status.RESOURCES
        assert ask(lab, "ENUM_QUEUES")["answer"] == queues
        sent = frame(lab.mac("vm3"), lab.mac("ext"))
        assert there.send("ext", sent) == {"vm3": [sent]}


def test_the_default_queue_is_nobodys_and_takes_what_no_filter_takes(lab: RunningLab, there: Ports) -> None:
    """Q1."""
    assert status(lab, "FREE_QUEUE", queue=0) == INVALID
    assert status(lab, "QUEUE_PARAMETERS", queue=0, queue_name="mine") == INVALID
    assert ask(lab, "QUEUE_ALLOCATION_COMPLETE", queues=[0])["entries"] == [INVALID]
    before = carried(lab)
    mine = frame(lab.mac("vm3"), lab.mac("ext"))  # vm3 has no queue now
    assert there.send("ext", mine, frame("02:ff:ff:00:00:01", lab.mac("ext"))) == {"vm3": [mine]}
    marker = 1
    assert carried(lab) == {**before, 0: before[0] + 2 + marker}


def test_what_waits_in_a_queue_is_delivered_before_its_last_filter_is_gone(
    lab: RunningLab, there: Ports
) -> None:
    """Q7: afterwards nothing is in it, and nothing comes by it."""
    assert (allocate(lab), set_filter(lab), complete(lab)) == (SUCCESS,) * 3
    assert status(lab, "QUEUE_PARAMETERS", queue=SPARE, affinity=0b100) == SUCCESS
    waiting = [numbered.frame(lab, "vm3", number) for number in range(50)]
    arrived = arrivals(lab)[SPARE]
    with ThreadPoolExecutor() as beside:
        with stopped(lab, "cpu2"):
            there.links["ext"].send(*waiting)
            eventually(lambda: arrivals(lab)[SPARE] == arrived + 50, "they wait")
            cleared = beside.submit(clear_last, lab)
            assert there.links["vm3"].receive() == []
            assert not cleared.done()
        assert cleared.result() == SUCCESS
        assert there.links["vm3"].receive() == waiting  # they are there when the request ends
    late = numbered.frame(lab, "vm3", 50)
    before = carried(lab)[0]
    assert there.send("ext", late) == {"vm3": [late]}
    assert carried(lab)[0] == before + 2
    assert SPARE not in carried(lab)


def arrivals(lab: RunningLab) -> dict[int, int]:
    return {row["QueueID"]: row["arrivals"] for row in lab.call("queue.list")["queues"]}


def test_only_what_is_flagged_changes_and_only_for_its_owner(lab: RunningLab, there: Ports) -> None:
    """Q11, V12: another affinity is another processor, the lowest of the mask; nothing is lost."""
    assert allocate(lab) == SUCCESS

    def parameters() -> tuple[object, ...]:
        (row,) = (row for row in ask(lab, "ENUM_QUEUES")["answer"] if row["QueueID"] == SPARE)
        return row["QueueName"], row["ProcessorAffinityMask"], row["NumSuggestedReceiveBuffers"]

    def change(**params: object) -> str:
        return status(lab, "QUEUE_PARAMETERS", queue=SPARE, **params)

    assert (set_filter(lab), complete(lab), parameters()) == (SUCCESS, SUCCESS, ("", 1, 0))
    assert (change(), parameters()) == (SUCCESS, ("", 1, 0))
    assert (change(queue_name="of vm3"), parameters()) == (SUCCESS, ("of vm3", 1, 0))
    assert (change(caller="another", queue_name="stolen"), parameters()) == (INVALID, ("of vm3", 1, 0))
    sent = [numbered.frame(lab, "vm3", number) for number in range(100)]
    for half, mask in ((sent[:50], 0b110), (sent[50:], 0b100)):
        there.links["ext"].send(*half)
        assert (change(affinity=mask), parameters()) == (SUCCESS, ("of vm3", mask, 0))
        assert processor(lab, SPARE) == {0b110: 1, 0b100: 2}[mask]
    assert there.send("ext") == {"vm3": sent}
    assert (change(affinity=0b1000), parameters()) == (INVALID, ("of vm3", 0b100, 0))
    assert processor(lab, SPARE) == 2


def processor(lab: RunningLab, queue: int) -> int:
    (row,) = (row for row in lab.call("queue.list")["queues"] if row["QueueID"] == queue)
    return int(row["Processor"].removeprefix("0:"))


def test_a_pass_reads_one_queue_in_order_and_no_more_than_its_bound(lab: RunningLab, there: Ports) -> None:
    """Q17, Q18, Q19: frames that alternate on the wire are indicated queue by queue."""
    for queue in (1, 2):
        lab.call("queue.set", queue=queue, processor=1)
    count = 200
    with observer(lab, "capture", "--port", "vm1", "--port", "vm2", "-c", str(2 * count)) as process:
        interrupts, arrived = woken(lab), arrivals(lab)
        with stopped(lab, "cpu1"):
            for number in range(count):
                there.links["ext"].send(*(numbered.frame(lab, vm, number) for vm in ("vm1", "vm2")))
            eventually(
                lambda: [arrivals(lab)[queue] - arrived[queue] for queue in (1, 2)] == [count] * 2, "all wait"
            )
        rings = [line.split(" ring ")[1][0] for line in lines(process)]
    passes = [(ring, len(list(run))) for ring, run in groupby(rings)]
    assert {ring: sum(size for of, size in passes if of == ring) for ring in "12"} == {"1": count, "2": count}
    assert max(size for _, size in passes) <= BUDGET_FRAMES
    assert woken(lab) - interrupts <= 4
    for vm in ("vm1", "vm2"):
        assert there.links[vm].receive() == [numbered.frame(lab, vm, number) for number in range(count)]


def woken(lab: RunningLab) -> int:
    """How often the processor of queues 1 and 2 was."""
    return sum(row["interrupts"] for row in lab.call("queue.list")["queues"] if row["QueueID"] in (1, 2))


def lines(process: subprocess.Popen[bytes]) -> list[str]:
    return ended(process)[0].decode().splitlines()
