"""The silicon's half: admission, filters, RSS inside a VPort, anti-spoof, and the switch between VPorts."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, mac, octets, packet, parsed, tables
from vmdqemu.nic import switch
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST, ETHERTYPE_QINQ, Frame, parse
from vmdqemu.nic.modes import MODES, OFF, VMMQ, VMQ, Mode
from vmdqemu.nic.packet import PROTOCOL_TCP, PROTOCOL_UDP
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_KEY, HashType, Rss
from vmdqemu.nic.switch import NicVerdict, ToQueue
from vmdqemu.nic.tables import DEFAULT_QUEUE, DEFAULT_VPORT, Tables

VECTORS = json.loads((Path(__file__).parents[1] / "vectors/rss_vectors.json").read_text())["published"]
KINDS = {"ip_only": (0xFD, None), "tcp": (PROTOCOL_TCP, 1), "udp_derived": (PROTOCOL_UDP, 1)}
DEFAULT = (ToQueue(DEFAULT_VPORT, DEFAULT_QUEUE),)
SORTING = [VMQ, VMMQ]

# 1 and 2 without a VLAN, 3 and 4 in VLAN 10, 5 in VLAN 20
LAB = (Vm(), Vm(), Vm(vlan=10), Vm(vlan=10), Vm(vlan=20))


def lab(mode: Mode = VMQ, **options: Any) -> Tables:
    return tables(*LAB, mode=mode, **options)


@pytest.mark.parametrize(
    ("cut", "reason"), [(0, "too_short"), (13, "too_short"), (14, "truncated_tag"), (17, "truncated_tag")]
)
def test_a_frame_without_whole_headers_is_dropped_at_every_port(cut: int, reason: str) -> None:
    seen = parse(octets(mac(1), mac(2), [10])[:cut])
    assert switch.receive(seen, lab()).drop == switch.transmit(seen, 2, lab()).drop == reason


@pytest.mark.parametrize("vids", [[4095], [0, 4095]])
def test_vid_4095_is_dropped_at_every_port(vids: list[int]) -> None:
    seen = parsed(mac(1), mac(2), vids)
    assert switch.receive(seen, lab()).drop == switch.transmit(seen, 2, lab()).drop == DropReason.RESERVED_VID


@pytest.mark.parametrize("vids", [[], [0], [0, 10]], ids=str)
@pytest.mark.parametrize("mtu", [576, 1500, 9000])
def test_each_tag_makes_the_largest_frame_four_octets_longer(vids: list[int], mtu: int) -> None:
    in_effect, largest = lab(mtu=mtu), parsed(mac(1), OUTSIDE, vids, payload=bytes(mtu))
    assert switch.receive(largest, in_effect).drop is None
    longer = largest._replace(length=largest.length + 1)
    assert switch.receive(longer, in_effect) == NicVerdict(drop=DropReason.OVERSIZE)
    assert switch.transmit(longer, 2, in_effect).drop is DropReason.OVERSIZE


def test_a_short_frame_is_no_runt() -> None:
    bare = parsed(mac(1), OUTSIDE, payload=b"")
    assert bare.length == 14
    assert switch.receive(bare, lab()).drop is None


@pytest.mark.parametrize("source", [GROUP, BROADCAST], ids=bytes.hex)
def test_nobody_sends_from_a_group_address(source: bytes) -> None:
    seen, unchecked = parsed(mac(1), source), tables(Vm(), Vm(spoof_check=False))
    assert switch.receive(seen, unchecked).drop is DropReason.SOURCE_MAC_IS_MULTICAST
    assert switch.transmit(seen, 2, unchecked).drop is DropReason.SOURCE_MAC_IS_MULTICAST


@pytest.mark.parametrize("mode", SORTING, ids=lambda mode: mode.name)
@pytest.mark.parametrize(
    ("destination", "vids", "vport"),
    [
        (mac(1), [], 1),
        (mac(1), [0], 1),  # a priority tag carries no VLAN
        (mac(3), [10], 3),
        (mac(3), [10, 20], 3),  # QinQ: the outermost tag counts
        (mac(5), [20], 5),
    ],
)
def test_a_filter_hit_goes_to_the_queue_of_its_vport(
    mode: Mode, destination: bytes, vids: list[int], vport: int
) -> None:
    in_effect = lab(mode)
    placed = ToQueue(vport, in_effect.vports[vport].queues[0])
    seen = switch.receive(parsed(destination, OUTSIDE, vids), in_effect)
    assert seen == NicVerdict(LAB[vport - 1].vlan, queues=(placed,))


@pytest.mark.parametrize("mode", SORTING, ids=lambda mode: mode.name)
@pytest.mark.parametrize(
    ("destination", "vids"),
    [
        (STRANGER, []),
        (mac(1), [10]),  # a VM's address, in a VLAN that it is not in
        (mac(3), []),
        (mac(3), [0]),
        (mac(3), [20]),
        (mac(3), [20, 10]),  # an inner tag is payload
        (BROADCAST, []),
        (BROADCAST, [10]),
        (GROUP, [10]),
    ],
)
def test_a_miss_and_every_group_address_go_to_the_default_queue(
    mode: Mode, destination: bytes, vids: list[int]
) -> None:
    assert switch.receive(parsed(destination, OUTSIDE, vids), lab(mode)).queues == DEFAULT


def test_a_service_tag_counts_as_the_outermost_tag() -> None:
    frame = octets(mac(3), OUTSIDE, [10])
    service = frame[:12] + ETHERTYPE_QINQ.to_bytes(2, "big") + frame[14:]
    assert [queue.vport for queue in switch.receive(parse(service), lab()).queues] == [3]


def test_with_one_receive_queue_nothing_is_sorted() -> None:
    for number in range(1, 6):
        vlan = LAB[number - 1].vlan
        seen = switch.receive(parsed(mac(number), OUTSIDE, [vlan] if vlan else []), lab(OFF))
        assert (seen.vlan, seen.queues) == (vlan, DEFAULT)


def frame_of(vector: dict[str, Any], kind: str, vids: list[int]) -> Frame:
    protocol, with_ports = KINDS[kind]
    ports = (vector["src_port"], vector["dst_port"]) if with_ports else None
    ethertype, payload = packet(vector["src"], vector["dst"], protocol, ports)
    return parsed(mac(2), OUTSIDE, vids, ethertype=ethertype, payload=payload)


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["id"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("vlan", [None, 10])
def test_vmmq_takes_the_queue_that_the_table_names_for_the_published_hash(
    vector: dict[str, Any], kind: str, vlan: int | None
) -> None:
    table = tuple((7 * entry + 3) % 16 for entry in range(128))
    spread = Rss(DEFAULT_KEY, ALL_TYPES, table)
    in_effect = tables(Vm(), Vm(vlan=vlan, queue_pairs=16, rss=spread), Vm(queue_pairs=2), mode=VMMQ)
    seen = switch.receive(frame_of(vector, kind, [vlan] if vlan else []), in_effect)
    relative = table[vector[kind]["table_index"]["128"]]
    assert seen.queues == (ToQueue(2, 2 + relative, relative),)  # behind the default queue and vm1's
    assert seen.spread
    assert seen.hash is not None
    assert (seen.hash.type.ndis_name, seen.hash.value) == (
        vector[kind]["hash_type"],
        vector[kind]["hash_int"],
    )


def test_vmmq_takes_the_default_queue_of_the_vport_for_a_frame_without_a_hash() -> None:
    spread = Rss(DEFAULT_KEY, ALL_TYPES, (0, 1), default=2)
    in_effect = tables(Vm(queue_pairs=3, rss=spread), mode=VMMQ)
    seen = switch.receive(parsed(mac(1), OUTSIDE, ethertype=0x0806), in_effect)
    assert (seen.hash, seen.queues) == (None, (ToQueue(1, 3, 2),))


def test_vmq_has_one_queue_a_vport_and_hashes_nothing() -> None:
    in_effect = tables(Vm(queue_pairs=4), Vm(queue_pairs=4), mode=VMQ)
    for vector in VECTORS:
        seen = switch.receive(frame_of(vector, "tcp", []), in_effect)
        assert (seen.queues, seen.spread, seen.hash) == ((ToQueue(2, 2),), False, None)


def test_a_hash_type_that_is_off_hashes_by_addresses_alone() -> None:
    spread = Rss.spread(4, types=HashType.IPV4)
    in_effect = tables(Vm(), Vm(queue_pairs=4, rss=spread), mode=VMMQ)
    vector = VECTORS[0]
    assert switch.receive(frame_of(vector, "tcp", []), in_effect).queues == (
        switch.receive(frame_of(vector, "ip_only", []), in_effect).queues
    )


@pytest.mark.parametrize(
    ("sender", "vids", "reason"),
    [
        (1, [], None),
        (1, [0], None),
        (1, [10], DropReason.ANTI_SPOOF_VLAN),
        (1, [10, 20], DropReason.ANTI_SPOOF_VLAN),
        (1, [0, 20], DropReason.ANTI_SPOOF_VLAN),  # a tag hidden behind a priority tag
        (3, [], None),
        (3, [0], DropReason.TAG_NOT_ALLOWED),
        (3, [10], DropReason.TAG_NOT_ALLOWED),  # its own VLAN: the adapter inserts that tag
        (3, [20], DropReason.TAG_NOT_ALLOWED),
        (3, [10, 20], DropReason.TAG_NOT_ALLOWED),
    ],
)
def test_a_vm_may_send_no_tag_but_a_priority_tag_without_a_port_vlan(
    sender: int, vids: list[int], reason: DropReason | None
) -> None:
    for local_switch in (False, True):
        seen = switch.transmit(parsed(STRANGER, mac(sender), vids), sender, lab(local_switch=local_switch))
        assert seen.drop == reason
        assert seen.vlan == LAB[sender - 1].vlan


@pytest.mark.parametrize("source", [mac(2), STRANGER, bytes(6)], ids=bytes.hex)
def test_anti_spoof_lets_out_the_vports_own_addresses_alone(source: bytes) -> None:
    several = tables(Vm(macs=(mac(1), mac(7))), Vm())
    assert switch.transmit(parsed(STRANGER, source), 1, several).drop is DropReason.ANTI_SPOOF_MAC
    assert all(switch.transmit(parsed(STRANGER, own), 1, several).drop is None for own in (mac(1), mac(7)))


def test_without_anti_spoof_a_vm_may_send_from_any_unicast_address() -> None:
    unchecked = tables(Vm(spoof_check=False), Vm())
    assert switch.transmit(parsed(STRANGER, mac(2)), 1, unchecked).drop is None


def test_the_tag_is_judged_before_the_source() -> None:
    assert switch.transmit(parsed(STRANGER, mac(1), [10]), 3, lab()).drop is DropReason.TAG_NOT_ALLOWED


@pytest.mark.parametrize("destination", [mac(2), STRANGER, BROADCAST], ids=bytes.hex)
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_an_adapter_without_a_local_switch_leaves_every_frame_to_the_host(
    mode: Mode, destination: bytes
) -> None:
    assert switch.transmit(parsed(destination, mac(1)), 1, lab(mode)) == NicVerdict(vswitch=True)


@pytest.mark.parametrize(
    ("sender", "destination", "receivers", "wire"),
    [
        (1, mac(2), [2], False),  # an exact match stays inside
        (3, mac(4), [4], False),
        (1, STRANGER, [], True),
        (3, mac(1), [], True),  # nobody has that address in VLAN 10
        (1, BROADCAST, [2], True),  # a group address goes both ways
        (1, GROUP, [2], True),
        (3, BROADCAST, [4], True),
        (5, BROADCAST, [], True),
    ],
)
def test_the_local_switch_splits_between_vports_and_the_wire(
    sender: int, destination: bytes, receivers: list[int], wire: bool
) -> None:
    in_effect = lab(local_switch=True)
    seen = switch.transmit(parsed(destination, mac(sender)), sender, in_effect)
    assert seen.queues == tuple(ToQueue(number, in_effect.vports[number].queues[0]) for number in receivers)
    assert (seen.wire, seen.vswitch, seen.drop) == (wire, False, None)


@pytest.mark.parametrize(
    ("sender", "destination", "reason"),
    [
        (1, mac(1), DropReason.PORT_LOOPBACK_FILTER),
        (5, BROADCAST, DropReason.PORT_LIST_IS_EMPTY),
        (1, STRANGER, DropReason.PORT_LIST_IS_EMPTY),
        (1, bytes.fromhex("0180c200000e"), DropReason.RESERVED_MULTICAST),
    ],
)
def test_the_local_switch_without_a_wire_names_why_nobody_gets_a_frame(
    sender: int, destination: bytes, reason: DropReason
) -> None:
    seen = switch.transmit(parsed(destination, mac(sender)), sender, lab(local_switch=True, wire=False))
    assert (seen.drop, seen.queues, seen.wire) == (reason, (), False)


def test_a_looped_frame_takes_queue_0_of_its_vport() -> None:
    in_effect = tables(Vm(), Vm(queue_pairs=4), mode=VMMQ, local_switch=True)
    vector = VECTORS[0]
    ethertype, payload = packet(vector["src"], vector["dst"], PROTOCOL_TCP, (1, 2))
    seen = switch.transmit(parsed(mac(2), mac(1), ethertype=ethertype, payload=payload), 1, in_effect)
    assert (seen.queues, seen.spread, seen.hash) == ((ToQueue(2, 2),), False, None)


def test_an_adapter_that_does_not_sort_does_not_switch() -> None:
    assert switch.transmit(parsed(mac(2), mac(1)), 1, lab(OFF, local_switch=True)).vswitch


def test_a_vm_without_a_queue_is_the_default_vports_and_the_vswitchs() -> None:
    registers = tables(Vm(), Vm(own_queues=False), mode=VMQ, local_switch=True)
    placed = switch.receive(parsed(mac(2), OUTSIDE), registers)
    assert [(to.vport, to.queue) for to in placed.queues] == [(DEFAULT_VPORT, DEFAULT_QUEUE)]
    assert switch.transmit(parsed(mac(2), mac(1)), 1, registers).vswitch
    assert switch.transmit(parsed(mac(1), mac(2)), 2, registers).vswitch
