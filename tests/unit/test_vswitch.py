"""The host's half: who gets a frame that the silicon left to software, on which channel, and how tagged."""

import pytest

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, mac, packet, parsed, tables
from tests.unit.chips import PLAIN, registers
from vmdqemu.host import vswitch
from vmdqemu.host.decide import decide
from vmdqemu.host.vswitch import WIRE, Delivery, Edit, HostVerdict
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST, ETHERTYPE_ARP
from vmdqemu.nic.pools import NOTHING
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_KEY, Rss, hash_frame

# 1 and 2 without a VLAN, 3 and 4 in VLAN 10, 5 in VLAN 20
LAB = (Vm(), Vm(), Vm(vlan=10), Vm(vlan=10), Vm(vlan=20))


def route(source: int, destination: bytes, vids: tuple[int, ...] = (), *, wire: bool = True) -> HostVerdict:
    """The host's verdict on a frame of the VM at port `source`, or of the outside host."""
    sender = OUTSIDE if source == WIRE else mac(source)
    vlan = (vids[0] or None if vids else None) if source == WIRE else LAB[source - 1].vlan
    return vswitch.route(parsed(destination, sender, vids), vlan, source, tables(*LAB, wire=wire))


@pytest.mark.parametrize(
    ("source", "destination", "vids", "delivery"),
    [
        (WIRE, mac(1), (), Delivery(1)),
        (WIRE, mac(1), (0,), Delivery(1)),  # a priority tag stays on
        (WIRE, mac(3), (10,), Delivery(3, edit=Edit.STRIP)),
        (WIRE, mac(3), (10, 20), Delivery(3, edit=Edit.STRIP)),
        (1, mac(2), (), Delivery(2)),
        (3, mac(4), (), Delivery(4)),  # inside a port VLAN no tag is seen
        (1, STRANGER, (), Delivery(WIRE)),
        (1, STRANGER, (0,), Delivery(WIRE)),
        (3, STRANGER, (), Delivery(WIRE, edit=Edit.INSERT)),
        (3, mac(1), (), Delivery(WIRE, edit=Edit.INSERT)),  # in this VLAN that address is outside
    ],
)
def test_unicast_goes_to_the_vm_with_that_address_in_that_vlan_else_to_the_wire(
    source: int, destination: bytes, vids: tuple[int, ...], delivery: Delivery
) -> None:
    assert route(source, destination, vids) == HostVerdict(lookup=True, deliveries=(delivery,))


@pytest.mark.parametrize(
    ("source", "destination", "vids", "reason"),
    [
        (WIRE, STRANGER, (), DropReason.PORT_LIST_IS_EMPTY),  # never back to the wire
        (WIRE, mac(1), (10,), DropReason.WRONG_VLAN),
        (WIRE, mac(3), (), DropReason.WRONG_VLAN),
        (WIRE, mac(3), (0,), DropReason.WRONG_VLAN),
        (WIRE, mac(3), (20, 10), DropReason.WRONG_VLAN),
        (WIRE, BROADCAST, (30,), DropReason.PORT_LIST_IS_EMPTY),
        (1, mac(1), (), DropReason.PORT_LOOPBACK_FILTER),
        (3, mac(3), (), DropReason.PORT_LOOPBACK_FILTER),
    ],
)
def test_a_frame_for_nobody_is_dropped_for_a_reason(
    source: int, destination: bytes, vids: tuple[int, ...], reason: DropReason
) -> None:
    assert route(source, destination, vids) == HostVerdict(lookup=True, drop=reason)


@pytest.mark.parametrize(
    ("source", "destination", "reason"),
    [
        (1, STRANGER, DropReason.PORT_LIST_IS_EMPTY),
        (1, mac(3), DropReason.WRONG_VLAN),
        (5, BROADCAST, DropReason.PORT_LIST_IS_EMPTY),
    ],
)
def test_without_a_wire_nothing_is_outside(source: int, destination: bytes, reason: DropReason) -> None:
    assert route(source, destination, wire=False) == HostVerdict(lookup=True, drop=reason)


@pytest.mark.parametrize("destination", [BROADCAST, GROUP], ids=bytes.hex)
@pytest.mark.parametrize(
    ("source", "vids", "edits"),
    [
        (WIRE, (), {1: Edit.KEEP, 2: Edit.KEEP}),
        (WIRE, (0,), {1: Edit.KEEP, 2: Edit.KEEP}),
        (WIRE, (10,), {3: Edit.STRIP, 4: Edit.STRIP}),
        (1, (), {WIRE: Edit.KEEP, 2: Edit.KEEP}),
        (3, (), {WIRE: Edit.INSERT, 4: Edit.KEEP}),
        (5, (), {WIRE: Edit.INSERT}),
    ],
)
def test_a_group_frame_is_replicated_inside_its_vlan_but_not_to_its_sender(
    destination: bytes, source: int, vids: tuple[int, ...], edits: dict[int, Edit]
) -> None:
    seen = route(source, destination, vids)
    assert {delivery.port: delivery.edit for delivery in seen.deliveries} == edits
    assert seen.copies == len(edits) - 1 == len(seen.deliveries) - 1


def test_a_vport_without_a_filter_gets_no_copy() -> None:
    in_effect = tables(Vm(), Vm(macs=()), Vm())
    seen = vswitch.route(parsed(BROADCAST, OUTSIDE), None, WIRE, in_effect)
    assert [delivery.port for delivery in seen.deliveries] == [1, 3]


@pytest.mark.parametrize("last", range(0x10))
@pytest.mark.parametrize("source", [WIRE, 1])
def test_a_reserved_group_address_is_not_forwarded(source: int, last: int) -> None:
    seen = route(source, bytes.fromhex("0180c20000") + bytes([last]))
    assert seen == HostVerdict(lookup=True, drop=DropReason.RESERVED_MULTICAST)


def test_the_next_group_address_is_forwarded() -> None:
    assert len(route(1, bytes.fromhex("0180c2000010")).deliveries) == 2


def test_a_dropped_frame_has_no_copies() -> None:
    assert route(1, mac(1)).copies == 0


@pytest.mark.parametrize("mode_of_address", ["192.0.2.1", "2001:db8::1"])
def test_each_vm_gets_a_flow_on_the_channel_that_its_own_table_names(mode_of_address: str) -> None:
    forward = Rss(DEFAULT_KEY, ALL_TYPES, (0, 1, 2, 3))
    backward = Rss(DEFAULT_KEY, ALL_TYPES, (3, 2, 1, 0))
    in_effect = tables(Vm(queue_pairs=4, rss=forward), Vm(queue_pairs=4, rss=backward), Vm())
    channels = set()
    for port in range(64):
        ethertype, payload = packet(mode_of_address, mode_of_address, ports=(port, 5001))
        frame = parsed(BROADCAST, OUTSIDE, ethertype=ethertype, payload=payload)
        seen = vswitch.route(frame, None, WIRE, in_effect)
        frame_hash = hash_frame(frame, forward)
        assert frame_hash is not None
        entry = frame_hash.value & 3
        assert seen.deliveries == (Delivery(1, entry), Delivery(2, 3 - entry), Delivery(3))
        assert seen.spread
        channels.add(entry)
    assert channels == {0, 1, 2, 3}


def test_a_frame_without_a_hash_takes_the_default_channel() -> None:
    in_effect = tables(Vm(queue_pairs=4, rss=Rss(DEFAULT_KEY, ALL_TYPES, (0, 1), default=3)))
    arp = parsed(mac(1), OUTSIDE, ethertype=ETHERTYPE_ARP)
    assert vswitch.route(arp, None, WIRE, in_effect).deliveries == (Delivery(1, 3),)


def test_a_verdict_for_vms_with_one_channel_is_the_same_for_every_flow() -> None:
    assert not route(WIRE, BROADCAST).spread
    assert not route(WIRE, mac(1)).spread


def test_a_group_that_the_adapter_replicates_is_for_vms_without_queues_alone() -> None:
    """A pool that does not accept broadcast gets none by way of the PF's pool either."""
    deaf = {2: PLAIN._replace(accept=NOTHING)}
    for replication, ports in ((True, [1]), (False, [1, 2])):
        in_effect = registers(Vm(), Vm(), pools=deaf, replication=replication)
        verdict = decide(parsed(BROADCAST, OUTSIDE), WIRE, in_effect)
        assert [delivery.port for delivery in verdict.deliveries] == ports
