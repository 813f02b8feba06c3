"""VM queues live: a lab without a NIC switch, driven by OIDs while real frames come."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from tests.system import numbered
from tests.system.harness import RunningLab, eventually, running
from tests.system.oids import INVALID, SUCCESS, ask, carried, filters_of, state, status
from vmdqemu.errors import UsageError, VmdqemuError

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1" }, { name = "vm2" }]
[adapter]
mode = "vmq"
nic_switch = false
[host]
processors = 2
[wire]
address = "10.0.0.254/24"
"""


class Ends:
    """The outside's end of the wire and the ends of two VMs."""

    def __init__(self, lab: RunningLab, stack: ExitStack) -> None:
        self.lab = lab
        self.outside = stack.enter_context(numbered.link(lab, "ext", "wire0"))
        self.vms = {name: stack.enter_context(numbered.link(lab, name, "eth0")) for name in ("vm1", "vm2")}
        self.sent = 0

    def burst(self, count: int = 20) -> None:
        """Numbered frames for both."""
        for _ in range(count):
            for name in self.vms:
                self.outside.send(numbered.frame(self.lab, name, self.sent))
            self.sent += 1

    def all_arrive(self) -> None:
        """Everything that was sent is there, in order."""
        for end in self.vms.values():
            received: list[int] = []
            numbered.receive(end, received, self.sent)
            assert received == list(range(self.sent))
        self.sent = 0


@contextmanager
def ends(lab: RunningLab) -> Iterator[Ends]:
    with ExitStack() as stack, numbered.on_one_cpu():
        yield Ends(lab, stack)


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[RunningLab]:
    with running(LAB, tmp_path) as lab:
        yield lab


def test_a_vms_frames_come_by_its_queue_only_while_it_runs(lab: RunningLab) -> None:
    """Q5, Q6, F1, F17: cleared, they come by the default queue; set again, by the VM queue again."""
    mac = lab.mac("vm1")
    with ends(lab) as both:
        both.burst(10)
        both.all_arrive()
        eventually(lambda: carried(lab)[1] == carried(lab)[2] == 10, "each VM queue carried its VM's frames")
        lookups = lab.port("wire")["lookups"]
        assert status(lab, "CLEAR_FILTER", filter=1) == SUCCESS
        assert state(lab, 1) == "PAUSED"
        both.burst(10)
        both.all_arrive()
        assert 1 not in carried(lab)
        lab.assert_law()
        assert lab.port("wire")["lookups"] >= lookups + 10
        assert status(lab, "SET_FILTER", queue=1, mac=mac, untagged_or_zero=True) == SUCCESS
        assert state(lab, 1) == "RUNNING"
        both.burst(10)
        both.all_arrive()
        eventually(lambda: carried(lab)[1] == 20, "the VM queue carries them again")


def test_a_queue_is_freed_and_allocated_anew_under_numbered_frames(lab: RunningLab, full: bool) -> None:
    """Q8, Q9, F16: nothing is lost, doubled or out of order, and the other VM does not notice."""
    mac = lab.mac("vm1")
    with ends(lab) as both:
        for _ in range(200 if full else 10):
            both.burst()
            assert status(lab, "FREE_QUEUE", queue=1) == INVALID  # its filter goes first
            (mine,) = filters_of(lab, 1)
            assert status(lab, "CLEAR_FILTER", filter=mine) == SUCCESS
            both.burst()
            assert status(lab, "FREE_QUEUE", queue=1) == SUCCESS
            assert state(lab, 1) == "UNDEFINED"
            both.burst()
            assert ask(lab, "ALLOCATE_QUEUE", port=1) == {"status": SUCCESS, "number": 1}
            set_ = status(lab, "SET_FILTER", queue=1, mac=mac, untagged_or_zero=True)
            assert (set_, state(lab, 1)) == (SUCCESS, "SET")
            both.burst()
            batch = ask(lab, "QUEUE_ALLOCATION_COMPLETE", queues=[1, 9, 2])
            assert batch["entries"] == [SUCCESS, INVALID, INVALID]
        both.all_arrive()
    assert lab.port("wire")["drops"] == {}
    events = lab.call("status")["events"]
    assert [event for event in events if event["event"] == "queue_state"][-1]["state"] == "DmaStopped"


def test_only_the_allocator_acts_and_an_application_sees_all(lab: RunningLab) -> None:
    """Q14, Q15."""
    assert status(lab, "CLEAR_FILTER", filter=1, caller="another") == INVALID
    assert status(lab, "QUEUE_PARAMETERS", queue=1, queue_name="mine", caller="another") == INVALID
    assert status(lab, "QUEUE_PARAMETERS", queue=1, queue_name="mine") == SUCCESS
    assert ask(lab, "ENUM_QUEUES", caller="another")["answer"] == []
    seen = ask(lab, "ENUM_QUEUES", caller="application")["answer"]
    assert [(row["QueueID"], row["QueueName"], row["NumFilters"]) for row in seen] == [
        (1, "mine", 1),
        (2, "vm2", 1),
    ]
    assert status(lab, "FREE_QUEUE", queue=0) == INVALID
    with pytest.raises(UsageError, match="queue: None is not a whole number"):
        ask(lab, "FREE_QUEUE")


def test_what_no_filter_placed_is_held_against_the_packet_filter(lab: RunningLab) -> None:
    """F10, F13."""
    stranger = "02:ff:ff:00:00:01"
    with ends(lab) as both:
        frame = bytes.fromhex(stranger.replace(":", "")) + numbered.frame(lab, "vm1", 0)[6:]
        strict = lab.call("OID_GEN_CURRENT_PACKET_FILTER", types=["directed", "broadcast"])
        assert strict["status"] == SUCCESS
        both.outside.send(frame)
        eventually(lambda: lab.port("wire")["drops"] == {"packet_filter": 1}, "it is dropped by name")
        both.burst(5)
        both.all_arrive()
        default = status(lab, "SET_FILTER", queue=0, mac=stranger, untagged_or_zero=True, caller="another")
        assert default == SUCCESS
        both.outside.send(frame)
        gone = {"packet_filter": 1, "port_list_is_empty": 1}
        eventually(lambda: lab.port("wire")["drops"] == gone, "the filter lets it in, and nobody has it")
        assert lab.call("OID_GEN_CURRENT_PACKET_FILTER", types=["promiscuous"])["status"] == SUCCESS


def test_vms_come_and_go_and_the_mode_changes(lab: RunningLab) -> None:
    with ends(lab) as both:
        lab.call("vm.add", tables='vm = [{ name = "vm3" }]')
        assert state(lab, 3) == "RUNNING"
        for mode in ("off", "vmdq", "rss", "vmq"):
            lab.call("mode.set", mode=mode)
            both.burst()
        lab.call("vm.remove", vm="vm3")
        assert state(lab, 3) == "UNDEFINED"
        both.burst()
        both.all_arrive()


def test_the_switch_is_made_once_the_last_queue_is_gone(lab: RunningLab) -> None:
    """K5, Q13."""
    assert lab.call("OID_NIC_SWITCH_CREATE_SWITCH")["status"] == "NDIS_STATUS_FAILURE"
    assert ask(lab, "CURRENT_CAPABILITIES")["answer"]["NumQueues"] == 255
    for number in (1, 2):
        assert status(lab, "CLEAR_FILTER", filter=number) == SUCCESS
        assert status(lab, "FREE_QUEUE", queue=number) == SUCCESS
    assert lab.call("OID_NIC_SWITCH_CREATE_SWITCH", vfs=2)["status"] == SUCCESS
    assert status(lab, "ALLOCATE_QUEUE", port=1) == "NDIS_STATUS_NOT_SUPPORTED"
    assert ask(lab, "CURRENT_CAPABILITIES")["answer"]["NumQueues"] == 0
    made = lab.call("OID_NIC_SWITCH_ALLOCATE_VF", vm="vm1", mac="02:00:00:00:00:99")
    assert made == {"status": SUCCESS, "number": 0}
    vport = lab.call("OID_NIC_SWITCH_CREATE_VPORT", name="vm1", vf=0)
    assert lab.call("OID_NIC_SWITCH_FREE_VF", vf=0)["status"] == INVALID
    assert lab.call("OID_NIC_SWITCH_DELETE_VPORT", vport=vport["number"])["status"] == SUCCESS
    assert lab.call("OID_NIC_SWITCH_FREE_VF", vf=0)["status"] == SUCCESS
    assert lab.call("OID_NIC_SWITCH_DELETE_SWITCH")["status"] == SUCCESS


KEYWORDS = """
vm = [{ name = "vm1" }]
keywords = { "*RssOnHostVPorts" = 0, "*SriovPreferred" = 1, "*NumVFs" = 2 }
[adapter]
mode = "vmq"
[wire]
"""


def test_keywords_hold_on_a_running_lab(tmp_path: Path) -> None:
    """V15."""
    with running(KEYWORDS, tmp_path) as lab:
        with pytest.raises(VmdqemuError, match="RssOnHostVPorts"):
            lab.call("mode.set", mode="vmmq")
        lab.call("mode.set", mode="off")
        assert lab.call("OID_NIC_SWITCH_CURRENT_CAPABILITIES")["answer"]["NumVFs"] == 2
