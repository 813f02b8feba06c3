"""VLANs: no frame crosses from one into another, and a port VLAN is for the adapter and the wire alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.frames import BROADCAST, QINQ, Link, Ports, frame, ports, tag
from tests.system.harness import RunningLab, eventually, running
from tests.system.iperf import iperf3
from vmdqemu.nic.counters import DropReason

pytestmark = pytest.mark.system

# vm5 is in no VLAN; the outside host sees, and sends, every VLAN's frames with their tags.
FIVE_VMS = """
vm = [
  { name = "vm1", vlan = 10 },
  { name = "vm2", vlan = 10, queues = 4 },
  { name = "vm3", vlan = 20, queues = 4 },
  { name = "vm4", vlan = 20 },
  { name = "vm5" },
]
[adapter]
mode = "MODE"
[wire]
"""
VLANS = {"vm1": 10, "vm2": 10, "vm3": 20, "vm4": 20}
ACCESS = """
vm = [
  { name = "vm1", vlan = 10, address = ["10.0.0.1/24", "fd00::1/64"] },
  { name = "vm2", vlan = 10, address = ["10.0.0.2/24", "fd00::2/64"] },
]
[adapter]
offloads = OFFLOADS
[wire]
vlan = 10
address = ["10.0.0.3/24", "fd00::3/64"]
"""
# Without IPv6 nothing is sent that was not asked for.
QUIET = """
vm = [{ name = "vm1", vlan = 10, address = "10.0.0.1/24" }]
[wire]
vlan = 10
address = "10.0.0.3/24"
"""
SHORTEST = 14  # the kernel sends nothing shorter
GROUP = "01:00:5e:00:00:fb"
STRANGER = "02:ff:ff:00:00:01"
MB = 1_000_000


@pytest.fixture(scope="module", params=["off", "vmmq"])
def lab(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(FIVE_VMS.replace("MODE", request.param), tmp_path_factory.mktemp("vlan")) as lab:
        yield lab


@pytest.fixture
def there(lab: RunningLab) -> Iterator[Ports]:
    with ports(lab) as there:
        yield there


def tagged(octets: bytes, *tags: bytes) -> bytes:
    """The frame with tags, outermost first."""
    return octets[:12] + b"".join(tags) + octets[12:]


def drops(lab: RunningLab, port: str) -> dict[str, int]:
    counted: dict[str, int] = lab.port(port)["drops"]
    return counted


@pytest.mark.parametrize("sender", ["vm1", "vm4"])
@pytest.mark.parametrize("destination", [BROADCAST, GROUP])
def test_a_vms_group_frame_reaches_its_vlan_and_the_wire(
    lab: RunningLab, there: Ports, sender: str, destination: str
) -> None:
    sent = frame(destination, lab.mac(sender))
    (peer,) = (name for name in VLANS if VLANS[name] == VLANS[sender] and name != sender)
    assert there.send(sender, sent) == {peer: [sent], "ext": [tagged(sent, tag(VLANS[sender]))]}


@pytest.mark.parametrize("destination", ["vm3", "vm4", "vm5", STRANGER])
def test_an_address_that_is_not_in_the_senders_vlan_is_outside(
    lab: RunningLab, there: Ports, destination: str
) -> None:
    sent = frame(STRANGER if destination == STRANGER else lab.mac(destination), lab.mac("vm1"))
    assert there.send("vm1", sent) == {"ext": [tagged(sent, tag(10))]}


def test_inside_a_vlan_unicast_reaches_its_receiver_alone(lab: RunningLab, there: Ports) -> None:
    for sender, receiver in (("vm1", "vm2"), ("vm4", "vm3")):
        sent = frame(lab.mac(receiver), lab.mac(sender))
        assert there.send(sender, sent) == {receiver: [sent]}


@pytest.mark.parametrize("vid", [10, 20])
@pytest.mark.parametrize("destination", [BROADCAST, GROUP])
def test_a_group_frame_from_outside_reaches_the_vlan_of_its_tag(
    lab: RunningLab, there: Ports, vid: int, destination: str
) -> None:
    plain = frame(destination, lab.mac("ext"))
    members = [name for name in VLANS if VLANS[name] == vid]
    assert there.send("ext", tagged(plain, tag(vid, priority=5))) == {name: [plain] for name in members}


def test_from_outside_only_the_right_tag_reaches_a_vm(lab: RunningLab, there: Ports) -> None:
    plain = frame(lab.mac("vm2"), lab.mac("ext"))
    right, wrong = tagged(plain, tag(10)), (tagged(plain, tag(20)), tagged(plain, tag(0)), plain)
    before = drops(lab, "wire").get(DropReason.WRONG_VLAN, 0)
    assert there.send("ext", right, *wrong) == {"vm2": [plain]}
    assert drops(lab, "wire")[DropReason.WRONG_VLAN] - before == len(wrong)


def test_only_the_outermost_tag_is_the_adapters(lab: RunningLab, there: Ports) -> None:
    plain = frame(lab.mac("vm2"), lab.mac("ext"))
    for tpid in (tag(10), tag(10, tpid=QINQ)):
        inner = [tagged(plain, *[tag(20)] * count) for count in range(1, 12)]
        sent = [tagged(octets, tpid) for octets in inner]
        assert there.send("ext", *sent) == {"vm2": inner}


def test_a_short_frame_is_padded_on_the_wire_behind_its_new_tag(lab: RunningLab, there: Ports) -> None:
    whole = frame(STRANGER, lab.mac("vm1"), payload=bytes(range(1, 47)))
    sent = [whole[:octets] for octets in range(SHORTEST, len(whole) + 1)]
    assert there.send("vm1", *sent) == {"ext": [tagged(octets, tag(10)).ljust(60, b"\0") for octets in sent]}


def test_a_short_priority_tagged_frame_is_padded_on_the_wire(lab: RunningLab, there: Ports) -> None:
    whole = frame(STRANGER, lab.mac("vm5"), tag(0, priority=1), payload=bytes(range(1, 43)))
    sent = [whole[:octets] for octets in range(SHORTEST + len(tag(0)), len(whole) + 1)]
    assert there.send("vm5", *sent) == {"ext": [octets.ljust(60, b"\0") for octets in sent]}


@pytest.mark.parametrize("vid", [0, 10, 20])
def test_a_guest_on_a_port_vlan_sends_no_tag_of_its_own(lab: RunningLab, there: Ports, vid: int) -> None:
    before = drops(lab, "vm1").get(DropReason.TAG_NOT_ALLOWED, 0)
    for destination in (lab.mac("vm2"), lab.mac("vm3"), BROADCAST):
        assert there.send("vm1", tagged(frame(destination, lab.mac("vm1")), tag(vid))) == {}
    assert drops(lab, "vm1")[DropReason.TAG_NOT_ALLOWED] - before == 3


def test_a_guest_in_no_vlan_enters_none_by_its_tag(lab: RunningLab, there: Ports) -> None:
    before = drops(lab, "vm5").get(DropReason.ANTI_SPOOF_VLAN, 0)
    for destination in (lab.mac("vm1"), BROADCAST):
        for tags in ((tag(10),), (tag(0), tag(10))):
            assert there.send("vm5", tagged(frame(destination, lab.mac("vm5")), *tags)) == {}
    assert drops(lab, "vm5")[DropReason.ANTI_SPOOF_VLAN] - before == 4


def test_the_reserved_vid_is_dropped_everywhere(lab: RunningLab, there: Ports) -> None:
    for sender, mine in (("vm1", "vm1"), ("vm5", "vm5"), ("ext", "wire")):
        before = drops(lab, mine).get(DropReason.RESERVED_VID, 0)
        sent = tagged(frame(BROADCAST, lab.mac(sender)), tag(4095))
        assert there.send(sender, sent, tagged(sent, tag(10))) == {}
        assert drops(lab, mine)[DropReason.RESERVED_VID] - before == 2


def test_a_priority_tag_is_delivered_as_it_was(lab: RunningLab, there: Ports) -> None:
    outward = tagged(frame(STRANGER, lab.mac("vm5")), tag(0, priority=6))
    assert there.send("vm5", outward) == {"ext": [outward]}
    inward = tagged(frame(lab.mac("vm5"), lab.mac("ext")), tag(0, priority=7))
    assert there.send("ext", inward) == {"vm5": [inward]}


@pytest.mark.parametrize(("offloads", "least"), [("true", 100 * MB), ("false", 20 * MB)])
def test_tcp_on_a_port_vlan_loses_no_octet_to_the_tag(tmp_path: Path, offloads: str, least: int) -> None:
    with running(ACCESS.replace("OFFLOADS", offloads), tmp_path) as lab:
        for client, server, address in (
            ("vm1", "vm2", "10.0.0.2"),
            ("vm1", "ext", "10.0.0.3"),
            ("ext", "vm1", "10.0.0.1"),
            ("ext", "vm2", "fd00::2"),
        ):
            # iperf3 counts to its own end, when some megabytes are still on their way.
            end = iperf3(lab, client, server, address, "-n", str(2 * least))
            assert end["sum_received"]["bytes"] > least
            assert lab.run(server, "nstat", "-asz", "TcpInCsumErrors").split()[-2] == "0"
        for name in ("wire", "vm1", "vm2"):
            port = lab.port(name)
            assert port["drops"] == {}
            assert (port["write_wire"] > port["writes"]) is (offloads == "true"), name


def test_the_wire_carries_the_tag_in_both_directions_and_the_vm_never_sees_it(tmp_path: Path) -> None:
    with (
        running(QUIET, tmp_path) as lab,
        Link(lab.ns("nic"), "wire") as inward,
        Link(lab.ns("ext"), "wire0") as outward,
        Link(lab.ns("vm1"), "eth0") as guest,
    ):
        iperf3(lab, "vm1", "ext", "10.0.0.3", "-n", "1M")
        seen_inward: list[bytes] = []
        seen_outward: list[bytes] = []
        seen_by_guest: list[bytes] = []

        def the_guest_saw_all() -> bool:
            """The tag is all that the way changes, on superframes too. The last frames may be on it yet."""
            seen_inward.extend(inward.receive())
            seen_outward.extend(outward.receive())
            seen_by_guest.extend(guest.receive())
            return [octets[:12] + octets[16:] for octets in seen_inward] == seen_by_guest

        eventually(the_guest_saw_all, "the guest has seen what came in")
        assert {octets[12:16] for octets in seen_inward + seen_outward} == {tag(10)}
        assert {octets[12:14] for octets in seen_by_guest} == {b"\x08\x00", b"\x08\x06"}
        assert max(map(len, seen_outward)) > 1518
