"""Receive filters as OIDs set them, by the frames that pass: one matrix of addresses and VLANs a test."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import GRE, Ether
from scapy.layers.vxlan import VXLAN

from tests.system import numbered
from tests.system.frames import BROADCAST, MARKER, Ports, frame, ports, tag
from tests.system.harness import RunningLab, running, shared
from tests.system.oids import INVALID, SUCCESS, ask, carried, filters_of, status
from vmdqemu.nic.adapter import Status

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1", strip_vlan = true }, { name = "vm2", strip_vlan = true }]
[adapter]
mode = "vmq"
nic_switch = false
KEYS
[host]
processors = 2
[wire]
"""
QUEUE = 2  # vm2's, whose filters these tests set
A, B, STRANGER = "02:aa:00:00:00:01", "02:aa:00:00:00:02", "02:ff:ff:00:00:01"
GROUP, OTHER_GROUP = "01:00:5e:01:02:03", "01:00:5e:01:02:04"
EVERYTHING = ["promiscuous"]


lab = shared(LAB.replace("KEYS", ""))


@pytest.fixture
def there(lab: RunningLab) -> Iterator[Ports]:
    own = filters_of(lab, QUEUE)
    with ports(lab) as there:
        yield there
    for number in set(filters_of(lab, QUEUE)) - set(own):
        assert status(lab, "CLEAR_FILTER", filter=number) == SUCCESS
    assert lab.call("OID_GEN_CURRENT_PACKET_FILTER", types=EVERYTHING)["status"] == SUCCESS


def set_filter(lab: RunningLab, mac: str, vlan: int | None = None, queue: int = QUEUE, **more: object) -> str:
    tests = {"untagged_or_zero": True} if vlan is None else {"vlan": vlan}
    return status(lab, "SET_FILTER", queue=queue, mac=mac, **{**tests, **more})


def seen_by(lab: RunningLab, there: Ports, *frames: bytes) -> tuple[dict[int, int], dict[str, list[bytes]]]:
    """How many frames from outside each queue carried, and what each port received of them."""
    before = Counter(carried(lab))
    received = there.send("ext", *frames)
    after = Counter(carried(lab))
    after[0] -= 1  # the frame that tells the end is a broadcast
    return dict(after - before), received


def matrix(lab: RunningLab, mac: str) -> dict[str, bytes]:
    """A frame of each kind to an address."""
    kinds = {
        "untagged": [],
        "VID 0": [tag(0, 3)],
        "VID 5": [tag(5)],
        "VID 5, urgent": [tag(5, 7)],
        "VID 6": [tag(6)],
    }
    return {kind: frame(mac, lab.mac("ext"), *tags, payload=kind.encode()) for kind, tags in kinds.items()}


def test_an_untagged_filter_takes_priority_tagged_frames_too(lab: RunningLab, there: Ports) -> None:
    """F2."""
    sent = matrix(lab, A)
    assert set_filter(lab, A) == SUCCESS
    queues, received = seen_by(lab, there, *sent.values())
    assert queues == {QUEUE: 2, 0: 3}
    assert received == {"vm2": [sent["untagged"], untagged(sent["VID 0"])]}


def test_a_vlan_filter_takes_its_vid_alone_and_the_tag_is_stripped(lab: RunningLab, there: Ports) -> None:
    """F3, F19: what the queue carries is not looked up; the priority makes no difference."""
    sent = matrix(lab, A)
    assert set_filter(lab, A, vlan=5) == SUCCESS
    lookups = lab.port("wire")["lookups"]
    queues, received = seen_by(lab, there, *sent.values())
    assert queues == {QUEUE: 2, 0: 3}
    assert received == {"vm2": [untagged(sent["VID 5"]), untagged(sent["VID 5, urgent"])]}
    marker = 1
    assert lab.port("wire")["lookups"] == lookups + 3 + marker


def untagged(octets: bytes) -> bytes:
    return octets[:12] + octets[16:]


@pytest.mark.parametrize(
    "tests",
    [{}, {"vlan": 5, "untagged_or_zero": True}, {"vlan": 4095}, {"vlan": 0}],
    ids=["address alone", "both", "VID 4095", "VID 0"],
)
def test_a_vlan_test_that_cannot_be_is_refused(lab: RunningLab, tests: dict[str, object]) -> None:
    """F4, F5."""
    before = ask(lab, "ENUM_FILTERS")
    assert status(lab, "SET_FILTER", queue=QUEUE, mac=A, **tests) == INVALID
    assert ask(lab, "ENUM_FILTERS") == before


def test_a_frame_passes_all_tests_of_one_filter_or_none(lab: RunningLab, there: Ports) -> None:
    """F6."""
    assert (set_filter(lab, A, 5), set_filter(lab, B, 6)) == (SUCCESS, SUCCESS)
    sent = [frame(mac, lab.mac("ext"), tag(vid)) for mac in (A, B) for vid in (5, 6)]
    queues, received = seen_by(lab, there, *sent)
    assert queues == {QUEUE: 2, 0: 2}
    assert received == {"vm2": [untagged(sent[0]), untagged(sent[3])]}


def test_a_vm_changes_its_address_and_loses_nothing(lab: RunningLab, there: Ports) -> None:
    """F7: both addresses are its own in between; each takes a filter."""
    sent = [numbered.frame(lab, "vm2", number) for number in range(60)]
    renamed = [bytes.fromhex(A.replace(":", "")) + octets[6:] for octets in sent]
    before, count = carried(lab), len(filters_of(lab, QUEUE))
    there.links["ext"].send(*sent[:20])
    assert set_filter(lab, A) == SUCCESS
    assert len(filters_of(lab, QUEUE)) == count + 1
    there.links["ext"].send(*renamed[20:40], *sent[40:])
    (new,) = set(filters_of(lab, QUEUE)) - {2}
    assert there.send("ext") == {"vm2": [*sent[:20], *renamed[20:40], *sent[40:]]}
    assert carried(lab)[QUEUE] - before[QUEUE] == 60
    assert status(lab, "CLEAR_FILTER", filter=new) == SUCCESS
    assert seen_by(lab, there, renamed[0], sent[0]) == ({QUEUE: 1, 0: 1}, {"vm2": [sent[0]]})


def test_filter_numbers_are_the_adapters_and_an_address_has_one(lab: RunningLab, there: Ports) -> None:
    """F1, F8, F15: whoever is first has the frames."""
    numbers = [ask(lab, "SET_FILTER", queue=QUEUE, mac=A, vlan=vlan)["number"] for vlan in (5, 6, 7)]
    assert len({0, *filters_of(lab, 1), *filters_of(lab, QUEUE)}) == 6
    for queue in (1, QUEUE):
        assert set_filter(lab, A, vlan=6, queue=queue) == INVALID
    assert status(lab, "CLEAR_FILTER", filter=99) == Status.FILE_NOT_FOUND
    assert status(lab, "CLEAR_FILTER", filter=0) == Status.FILE_NOT_FOUND
    sent = frame(A, lab.mac("ext"), tag(6))
    assert seen_by(lab, there, sent) == ({QUEUE: 1}, {"vm2": [untagged(sent)]})
    assert status(lab, "CLEAR_FILTER", filter=numbers[1]) == SUCCESS
    assert ask(lab, "SET_FILTER", queue=1, mac=A, vlan=6)["number"] == numbers[1]
    assert seen_by(lab, there, sent) == ({1: 1}, {"vm1": [untagged(sent)]})
    assert status(lab, "CLEAR_FILTER", filter=numbers[1]) == SUCCESS


def test_group_frames_come_by_the_default_queue_to_every_vm_once(lab: RunningLab, there: Ports) -> None:
    """F11."""
    who_has = frame(BROADCAST, lab.mac("ext"), ethertype=0x0806, payload=bytes(28))
    group, other = (frame(mac, lab.mac("ext")) for mac in (GROUP, OTHER_GROUP))
    everybody = {vm: [who_has, group, other] for vm in ("vm1", "vm2")}
    before = lab.port("wire")["copies"]
    arrived = all_seen_by(lab, there, who_has, group, other)
    assert arrived == ({0: 3}, everybody)
    marker = 1
    assert lab.port("wire")["copies"] == before + 3 + marker
    types = ["broadcast", "multicast"]
    accepted = lab.call("OID_GEN_CURRENT_PACKET_FILTER", types=types, multicast_list=[GROUP])
    assert accepted["status"] == SUCCESS
    drops = lab.port("wire")["drops"].get("packet_filter", 0)
    arrived = all_seen_by(lab, there, who_has, group, other)
    assert arrived == ({0: 2}, {vm: [who_has, group] for vm in ("vm1", "vm2")})
    assert lab.port("wire")["drops"]["packet_filter"] == drops + 1


def all_seen_by(
    lab: RunningLab, there: Ports, *frames: bytes
) -> tuple[dict[int, int], dict[str, list[bytes]]]:
    """The same, of frames that `Ports.send` takes for noise."""
    before = Counter(carried(lab))
    last = frame(BROADCAST, lab.mac("ext"), ethertype=MARKER, payload=b"last")
    there.links["ext"].send(*frames, last)
    received = {vm: there.links[vm].wait_for(last)[:-1] for vm in ("vm1", "vm2")}
    lab.assert_law()
    after = Counter(carried(lab))
    after[0] -= 1
    return dict(after - before), received


ANY_VLAN = LAB.replace("KEYS", "any_vlan = true")


def test_an_address_alone_takes_any_vlan_where_the_adapter_can(tmp_path: Path) -> None:
    """F4, F15: of two filters that a frame passes the exact one has it."""
    with running(ANY_VLAN, tmp_path) as lab, ports(lab) as there:
        sent = matrix(lab, A)
        assert ask(lab, "CURRENT_CAPABILITIES")["answer"]["AnyVlanSupported"]
        assert status(lab, "SET_FILTER", queue=QUEUE, mac=A) == SUCCESS
        assert set_filter(lab, A, vlan=6, queue=1) == SUCCESS
        queues, received = seen_by(lab, there, *sent.values())
        assert queues == {QUEUE: 4, 1: 1}
        assert received["vm1"] == [untagged(sent["VID 6"])]
        stripped = [untagged(sent[kind]) for kind in ("VID 0", "VID 5", "VID 5, urgent")]
        assert received["vm2"] == [sent["untagged"], *stripped]


WITHOUT_VLANS = 'keywords = { "*VMQVlanFiltering" = 0 }' + LAB.replace("KEYS", "")


def test_without_vlan_filtering_no_vlan_can_be_tested(tmp_path: Path) -> None:
    """F5."""
    with running(WITHOUT_VLANS, tmp_path) as lab, ports(lab) as there:
        assert not ask(lab, "CURRENT_CAPABILITIES")["answer"]["VlanFiltering"]
        assert set_filter(lab, A, vlan=5) == INVALID
        assert set_filter(lab, A) == SUCCESS
        sent = frame(A, lab.mac("ext"))
        assert seen_by(lab, there, sent) == ({QUEUE: 1}, {"vm2": [sent]})


def test_the_encapsulation_flag_compares_the_address_inside_of_a_tunnel(
    lab: RunningLab, there: Ports
) -> None:
    """F18: a frame outside that has a filter of its own is that VM's, whatever is inside."""
    inner = Ether(src=lab.mac("ext"), dst=A) / IP(dst="10.0.0.2") / TCP(dport=80)
    outer = IP(src="192.0.2.1", dst="192.0.2.2")
    tunnels = (outer / UDP(dport=4789) / VXLAN(vni=7), outer / GRE(proto=0x6558, key_present=1, key=0x123400))
    host, vm1 = (
        [bytes(Ether(src=lab.mac("ext"), dst=mac) / tunnel / inner) for tunnel in tunnels]
        for mac in (STRANGER, lab.mac("vm1"))
    )
    other = bytes(Ether(src=lab.mac("ext"), dst=STRANGER) / tunnels[0] / Ether(dst=B) / IP())
    assert seen_by(lab, there, *host) == ({0: 2}, {})
    assert set_filter(lab, A, encapsulation=True) == SUCCESS
    queues, received = seen_by(lab, there, *host, *vm1, other, frame(A, lab.mac("ext")))
    assert queues == {QUEUE: 2, 1: 2, 0: 2}
    assert received == {"vm2": host, "vm1": vm1}
    assert set_filter(lab, A) == SUCCESS  # another filter
    assert set_filter(lab, A, encapsulation=True) == INVALID


SMALL = """
vm = [{ name = "vm1" }, { name = "vm2" }]
[adapter]
model = "82575"
mode = "vmq"
nic_switch = false
[wire]
"""
ADDRESSES = 16  # of an 82575


def test_an_address_more_than_there_is_room_for_is_refused_and_the_rest_keeps_working(tmp_path: Path) -> None:
    """F14."""
    with running(SMALL, tmp_path) as lab, ports(lab) as there:
        room = ADDRESSES - len(ask(lab, "ENUM_FILTERS")["answer"])
        mine = [f"02:bb:00:00:00:{number:02x}" for number in range(room + 1)]
        statuses = [set_filter(lab, mac) for mac in mine]
        assert statuses == [SUCCESS] * room + [Status.RESOURCES]
        sent = [frame(mac, lab.mac("ext")) for mac in mine]
        assert seen_by(lab, there, *sent) == ({QUEUE: room, 0: 1}, {"vm2": sent[:room]})
