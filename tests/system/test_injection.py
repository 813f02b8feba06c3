"""Frames made by hand, in a VM and outside: each arrives as it was, at its receiver alone, or is counted."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from netns import links
from tests.system.frames import BROADCAST, QINQ, Ports, frame, ports, tag
from tests.system.harness import RunningLab, running
from vmdqemu.nic.counters import DropReason

pytestmark = pytest.mark.system

# Four channels, so that layers 3 and 4 are read.
THREE_VMS = """
vm = [
  { name = "vm1" },
  { name = "vm2", queues = 4 },
  { name = "vm3" },
]
[wire]
"""
GROUP = "01:00:5e:00:00:fb"
STRANGER = "02:ff:ff:00:00:01"
SHORTEST = 14  # the kernel sends nothing shorter
PAYLOAD = bytes(range(24))


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """One lab for this file. Whatever it was sent, at the end the same workers serve it."""
    with running(THREE_VMS, tmp_path_factory.mktemp("injection")) as lab:
        before = [lab.worker(role) for role in ("nic", "cpu0")]
        yield lab
        assert [lab.worker(role) for role in ("nic", "cpu0")] == before
        assert lab.call("status")["crashes"] == 0


@pytest.fixture
def there(lab: RunningLab) -> Iterator[Ports]:
    with ports(lab) as there:
        yield there


def drops(lab: RunningLab, port: str) -> dict[str, int]:
    return {reason: count for reason, count in lab.port(port)["drops"].items() if count}


def new_drops(lab: RunningLab, port: str, before: dict[str, int]) -> dict[str, int]:
    """By reason, what was dropped of the port's frames since."""
    now = drops(lab, port)
    return {
        reason: now[reason] - before.get(reason, 0) for reason in now if now[reason] != before.get(reason)
    }


def packets() -> list[Packet]:
    """One of each kind that a stack sends, with headers to lose, and none so short that the wire pads it."""
    v4, v6 = IP(src="192.0.2.1", dst="192.0.2.2"), IPv6(src="2001:db8::1", dst="2001:db8::2")
    upper = [TCP(sport=1, dport=2) / PAYLOAD, UDP(sport=1, dport=2) / PAYLOAD]
    return [
        *(v4 / layer for layer in (*upper, ICMP() / PAYLOAD)),
        *(v6 / layer for layer in upper),
        IP(src="192.0.2.1", dst="192.0.2.2", options=[b"\x01" * 4]) / upper[0],
        v6 / IPv6ExtHdrDestOpt() / upper[0],
        v6 / IPv6ExtHdrFragment(id=1, m=1) / upper[1],
    ]


@pytest.mark.parametrize(
    ("sender", "receiver"), [("vm1", "vm2"), ("vm3", "vm1"), ("ext", "vm2"), ("vm1", "ext")]
)
def test_every_kind_of_packet_arrives_as_it_was_at_its_receiver_alone(
    lab: RunningLab, there: Ports, sender: str, receiver: str
) -> None:
    header = Ether(src=lab.mac(sender), dst=lab.mac(receiver))
    sent = [bytes(header / packet) for packet in packets()]
    assert there.send(sender, *sent) == {receiver: sent}


@pytest.mark.parametrize("sender", ["vm1", "ext"])
@pytest.mark.parametrize("group", [GROUP, BROADCAST])
def test_a_group_frame_arrives_everywhere_but_where_it_came_from(
    lab: RunningLab, there: Ports, sender: str, group: str
) -> None:
    sent = frame(group, lab.mac(sender))
    others = {"vm1", "vm2", "vm3", "ext"} - {sender}
    assert there.send(sender, sent) == {name: [sent] for name in others}


def test_an_unknown_address_is_outside(lab: RunningLab, there: Ports) -> None:
    outward = frame(STRANGER, lab.mac("vm1"))
    assert there.send("vm1", outward) == {"ext": [outward]}

    before = drops(lab, "wire")
    assert there.send("ext", frame(STRANGER, lab.mac("ext"))) == {}
    assert new_drops(lab, "wire", before) == {DropReason.PORT_LIST_IS_EMPTY: 1}


@pytest.mark.parametrize(
    ("destination", "source", "reason"),
    [
        ("vm2", STRANGER, DropReason.ANTI_SPOOF_MAC),
        ("vm2", "vm3", DropReason.ANTI_SPOOF_MAC),
        (BROADCAST, "ext", DropReason.ANTI_SPOOF_MAC),
        ("vm2", "03:00:00:00:00:01", DropReason.SOURCE_MAC_IS_MULTICAST),
        ("vm2", BROADCAST, DropReason.SOURCE_MAC_IS_MULTICAST),
        ("01:80:c2:00:00:00", "vm1", DropReason.RESERVED_MULTICAST),
        ("01:80:c2:00:00:0e", "vm1", DropReason.RESERVED_MULTICAST),
        ("vm1", "vm1", DropReason.PORT_LOOPBACK_FILTER),
    ],
)
def test_what_a_vm_may_not_send_is_counted_and_reaches_nobody(
    lab: RunningLab, there: Ports, destination: str, source: str, reason: DropReason
) -> None:
    before = drops(lab, "vm1")
    sent = frame(address(lab, destination), address(lab, source))
    assert there.send("vm1", sent) == {}
    assert new_drops(lab, "vm1", before) == {reason: 1}


def address(lab: RunningLab, name: str) -> str:
    return name if ":" in name else lab.mac(name)


@pytest.mark.parametrize("sender", ["vm1", "ext"])
def test_short_frames_reach_a_vm_unpadded(lab: RunningLab, there: Ports, sender: str) -> None:
    whole = frame(lab.mac("vm2"), lab.mac(sender), payload=bytes(range(1, 47)))
    sent = [whole[:octets] for octets in range(SHORTEST, 60)]
    assert there.send(sender, *sent) == {"vm2": sent}


def test_the_kernel_sends_no_frame_without_a_whole_header(there: Ports) -> None:
    for octets in range(1, SHORTEST):
        with pytest.raises(OSError, match="Invalid argument"):
            there.links["vm1"].send(bytes(octets))
    assert there.send("vm1") == {}


@pytest.mark.parametrize("sender", ["vm1", "ext"])
def test_a_packet_cut_off_anywhere_arrives_as_it_is(lab: RunningLab, there: Ports, sender: str) -> None:
    header = Ether(src=lab.mac(sender), dst=lab.mac("vm2"))
    for packet in packets():
        whole = bytes(header / packet)
        sent = [whole[:octets] for octets in range(SHORTEST, len(whole))]
        assert there.send(sender, *sent) == {"vm2": sent}


def test_a_tag_cut_off_anywhere_is_counted(lab: RunningLab, there: Ports) -> None:
    for tags in (tag(0), tag(0) + tag(0)):
        before = drops(lab, "vm1")
        whole = frame(lab.mac("vm2"), lab.mac("vm1"), tags)
        cuts = range(len(tags) - 4 + 14, len(tags) + 14)  # before the EtherType behind the last tag is whole
        assert there.send("vm1", *(whole[:octets] for octets in cuts)) == {}
        assert new_drops(lab, "vm1", before) == {DropReason.TRUNCATED_TAG: 4}


@pytest.mark.parametrize("tags", range(1, 13))
def test_a_tower_of_tags_is_counted(lab: RunningLab, there: Ports, tags: int) -> None:
    before = drops(lab, "vm1"), drops(lab, "wire")
    tower = tag(7, tpid=QINQ) * tags
    assert there.send("vm1", frame(lab.mac("vm2"), lab.mac("vm1"), tower)) == {}
    assert there.send("ext", frame(lab.mac("vm2"), lab.mac("ext"), tower)) == {}
    assert new_drops(lab, "vm1", before[0]) == {DropReason.ANTI_SPOOF_VLAN: 1}
    assert new_drops(lab, "wire", before[1]) == {DropReason.WRONG_VLAN: 1}


def test_only_a_frame_over_the_mtu_is_oversize(tmp_path: Path) -> None:
    with running(THREE_VMS, tmp_path) as lab, ports(lab) as there:
        links.up(lab.ns("vm1"), "eth0", mtu=9000)
        largest = frame(lab.mac("vm2"), lab.mac("vm1"), payload=bytes(1500))
        assert len(largest) == 1514
        tagged = frame(lab.mac("vm2"), lab.mac("vm1"), tag(0, priority=5), payload=bytes(1500))
        sent = [largest, largest + b"\0", tagged, tagged + b"\0", largest.ljust(9014, b"\0")]
        assert there.send("vm1", *sent) == {"vm2": [largest, tagged]}
        assert drops(lab, "vm1") == {DropReason.OVERSIZE: 3}
