"""decide(): whatever the frame, the tables and the mode, exactly one fate, inside the VLAN, never back."""

from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.builders import (
    GROUP,
    OUTSIDE,
    STRANGER,
    Vm,
    accept,
    adapter,
    mac,
    octets,
    packet,
    parsed,
    tables,
)
from vmdqemu.host.decide import Verdict, decide, sorted_into
from vmdqemu.host.vswitch import WIRE, Delivery, Edit
from vmdqemu.nic.adapter import ClearFilter, SetFilter, compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import Vlan, vlan_of
from vmdqemu.nic.frame import BROADCAST, insert_tag, is_multicast, parse, strip_tag
from vmdqemu.nic.modes import MODES, OFF, VMMQ, VMQ, Mode
from vmdqemu.nic.steps import Steps
from vmdqemu.nic.tables import DEFAULT_VPORT, Tables

MOST_VMS = 4
SHARED = [mac(100), mac(101)]  # addresses that several VMs may have, each in a VLAN of its own
ADDRESSES = [mac(number) for number in range(1, MOST_VMS + 1)] + SHARED
GROUPS = [BROADCAST, GROUP, bytes.fromhex("0180c200000e")]
NOBODY = {DropReason.PORT_LIST_IS_EMPTY, DropReason.WRONG_VLAN, DropReason.PORT_LOOPBACK_FILTER}


class Case(NamedTuple):
    """A frame, where it came in, and what the adapter holds."""

    octets: bytes
    source: int
    vms: tuple[Vm, ...]
    wire: bool
    mode: Mode = OFF
    local_switch: bool = False

    @property
    def verdict(self) -> Verdict:
        return decide(parse(self.octets), self.source, self.tables)

    @property
    def tables(self) -> Tables:
        return tables(*self.vms, wire=self.wire, mode=self.mode, local_switch=self.local_switch)

    @property
    def vlan(self) -> Vlan:
        """The VLAN that the frame came in on."""
        vid = parse(self.octets).vlan if self.source == WIRE else self.vms[self.source - 1].vlan
        return None if vid == 0 else vid

    @property
    def named(self) -> set[int]:
        """The ports that the frame's destination names in its VLAN."""
        destination = parse(self.octets).destination
        group = is_multicast(destination)
        inside = {
            number
            for number, vm in enumerate(self.vms, start=1)
            if vm.vlan == self.vlan and vm.macs and (group or destination in vm.macs)
        }
        outside = {WIRE} if self.wire and (group or not inside) else set()
        return (inside | outside) - {self.source}


ANYBODY = [*ADDRESSES, STRANGER, OUTSIDE, *GROUPS]
TAGS = st.lists(st.sampled_from([0, 10, 20, 30, 4095]), max_size=3)
PACKETS = st.builds(
    packet,
    st.sampled_from(["192.0.2.1", "192.0.2.2"]),
    st.just("192.0.2.9"),
    st.sampled_from([1, 6, 17]),
    st.none() | st.tuples(st.integers(0, 0xFFFF), st.integers(0, 0xFFFF)),
)


@st.composite
def labs(draw: st.DrawFn) -> tuple[Vm, ...]:
    """VMs that own each (address, VLAN) once, as a vSwitch sets them up; one may have no filter yet."""
    vms: list[Vm] = []
    owned: set[tuple[bytes, Vlan]] = set()
    for number in range(1, draw(st.integers(1, MOST_VMS)) + 1):
        vlan = draw(st.sampled_from([None, 10, 20]))
        wanted = draw(st.sampled_from([[mac(number)], [mac(number), *SHARED], SHARED, []]))
        macs = tuple(address for address in wanted if (address, vlan) not in owned)
        owned |= {(address, vlan) for address in macs}
        vms.append(Vm(vlan, draw(st.integers(1, 3)), draw(st.booleans()), macs))
    return tuple(vms)


@st.composite
def frames(draw: st.DrawFn, vms: tuple[Vm, ...], sender: int) -> bytes:
    """Most of them sound and for a VM of the lab, so that they get past the checks."""
    destination, source, vids = draw(st.sampled_from(ANYBODY)), draw(st.sampled_from(ANYBODY)), draw(TAGS)
    if draw(st.integers(0, 3)):
        target = draw(st.sampled_from(vms))
        own = (OUTSIDE,) if sender == WIRE else vms[sender - 1].macs
        destination = draw(st.sampled_from([*(target.macs or ()), BROADCAST, destination]))
        source, vids = draw(st.sampled_from(own or ADDRESSES)), []
        if sender == WIRE and target.vlan is not None:
            vids = [target.vlan]
    return octets(destination, source, vids, *draw(PACKETS))


@st.composite
def cases(draw: st.DrawFn) -> Case:
    vms, mode = draw(labs()), draw(st.sampled_from(list(MODES.values())))
    source = draw(st.integers(WIRE, len(vms)))
    wire = source == WIRE or draw(st.booleans())
    return Case(draw(frames(vms, source)), source, vms, wire, mode, draw(st.booleans()))


def edited(frame: bytes, edit: Edit, vlan: Vlan) -> bytes:
    """The octets that leave a port."""
    if edit is Edit.INSERT:
        assert vlan is not None
        return insert_tag(frame, vlan)
    return strip_tag(frame) if edit is Edit.STRIP else frame


def assert_one_fate(verdict: Verdict) -> None:
    """NDIS invariant: one delivery, or copies to several ports; never zero without a drop reason."""
    assert bool(verdict.deliveries) != bool(verdict.drop)
    assert not (verdict.nic.drop and verdict.host.drop)
    ports = [delivery.port for delivery in verdict.deliveries]
    assert len(set(ports)) == len(ports)


@given(cases())
def test_every_frame_has_one_fate(case: Case) -> None:
    verdict = case.verdict
    assert_one_fate(verdict)
    assert len(verdict.deliveries) <= 1 or is_multicast(parse(case.octets).destination)


@given(cases())
def test_the_silicon_places_a_frame_the_host_switches_it_or_it_is_dropped(case: Case) -> None:
    nic = case.verdict.nic
    assert [bool(nic.queues or nic.wire), nic.vswitch, nic.drop is not None].count(True) == 1


@given(st.binary(max_size=100), cases())
def test_any_octets_have_one_fate(noise: bytes, case: Case) -> None:
    assert_one_fate(case._replace(octets=noise).verdict)
    assert_one_fate(case._replace(octets=case.octets[: len(noise)]).verdict)
    assert_one_fate(case._replace(octets=case.octets[:12] + noise).verdict)


@given(cases())
def test_a_frame_reaches_the_ports_that_its_address_names_and_no_other(case: Case) -> None:
    verdict = case.verdict
    if verdict.drop is None or verdict.drop in NOBODY:
        assert {delivery.port for delivery in verdict.deliveries} == case.named


@settings(max_examples=300)
@given(cases())
def test_two_vlans_never_cross(case: Case) -> None:
    for port, _, edit in case.verdict.deliveries:
        if port == WIRE:
            assert vlan_of(parse(edited(case.octets, edit, case.vlan)).vlan) == case.vlan
        else:
            assert case.vms[port - 1].vlan == case.vlan


@given(cases())
def test_a_frame_never_goes_back_where_it_came_from(case: Case) -> None:
    assert case.source not in {delivery.port for delivery in case.verdict.deliveries}


@given(cases())
def test_with_anti_spoof_nobody_hears_a_vm_by_another_address(case: Case) -> None:
    verdict = case.verdict
    if case.source != WIRE and case.vms[case.source - 1].spoof_check and verdict.deliveries:
        assert parse(case.octets).source in (case.vms[case.source - 1].macs or ())


@given(cases())
def test_the_mode_decides_how_a_frame_gets_there_but_not_where(case: Case) -> None:
    reached = {
        frozenset(
            (port, edit) for port, _, edit in case._replace(mode=mode, local_switch=switch).verdict.deliveries
        )
        for mode in MODES.values()
        for switch in (False, True)
    }
    assert len(reached) == 1


@given(cases())
def test_a_verdict_that_is_not_spread_depends_on_addresses_and_tags_alone(case: Case) -> None:
    verdict, seen = case.verdict, parse(case.octets)
    if not verdict.spread and seen.fault is None:
        l2 = 12 + 4 * seen.tags
        other = case.octets[:l2] + b"\x88\xb5" + bytes(len(case.octets) - l2 - 2)
        assert case._replace(octets=other).verdict == verdict


@given(cases())
def test_a_look_up_is_made_for_what_the_silicon_left_to_software(case: Case) -> None:
    nic, host = case.verdict.nic, case.verdict.host
    left = nic.vswitch or any(placed.vport == DEFAULT_VPORT for placed in nic.queues)
    assert host.lookup == left


@given(cases())
def test_a_queue_of_a_vport_is_delivered_to_the_channel_of_its_own(case: Case) -> None:
    verdict, in_effect = case.verdict, case.tables
    for placed in verdict.nic.queues:
        if placed.vport != DEFAULT_VPORT:
            assert in_effect.vports[placed.vport].queues[placed.relative] == placed.queue
            assert (placed.vport, placed.relative) in {
                (port, channel) for port, channel, _ in verdict.deliveries
            }
    for port, channel, _ in verdict.deliveries:
        assert channel in range(1 if port == WIRE else in_effect.vports[port].channels)


@given(cases())
def test_a_verdict_that_explains_itself_is_the_same_verdict(case: Case) -> None:
    adapter, host = Steps(), Steps()
    explained = decide(parse(case.octets), case.source, case.tables, adapter.take, host.take)
    assert explained == case.verdict
    last = (host.taken or adapter.taken)[-1]
    assert (explained.drop is not None) == last.outcome.endswith(f": drop, {explained.drop}")
    assert all(step.outcome and step.source for step in (*adapter.taken, *host.taken))
    assert bool(host.taken) == (explained.nic.drop is None)


# 1 and 2 without a VLAN, 3 and 4 in VLAN 10
LAB = (Vm(), Vm(), Vm(vlan=10), Vm(vlan=10))
WAYS = {
    "wire to a VM": (WIRE, mac(1), [], 1, []),
    "wire to a port VLAN": (WIRE, mac(3), [10], 3, []),
    "QinQ to a port VLAN": (WIRE, mac(3), [10, 20], 3, [20]),
    "VM to the wire": (1, OUTSIDE, [], WIRE, []),
    "port VLAN to the wire": (3, OUTSIDE, [], WIRE, [10]),
    "VM to VM": (1, mac(2), [], 2, []),
    "port VLAN to itself": (3, mac(4), [], 4, []),
    "priority tag to a VM": (WIRE, mac(1), [0], 1, [0]),
    "priority tag to the wire": (1, OUTSIDE, [0], WIRE, [0]),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("local_switch", [False, True])
def test_the_port_vlans_tag_is_on_the_wire_and_never_in_the_vm(
    way: str, mode: Mode, local_switch: bool
) -> None:
    source, destination, vids, port, left = WAYS[way]
    frame = octets(destination, mac(source) if source else OUTSIDE, vids)
    case = Case(frame, source, LAB, True, mode, local_switch)
    (delivery,) = case.verdict.deliveries
    assert delivery.port == port
    assert edited(frame, delivery.edit, case.vlan) == octets(destination, frame[6:12], left)


@pytest.mark.parametrize("mode", [VMQ, VMMQ], ids=lambda mode: mode.name)
def test_a_filter_hit_saves_the_look_up(mode: Mode) -> None:
    verdict = decide(parsed(mac(3), OUTSIDE, [10]), WIRE, tables(*LAB, mode=mode))
    assert (verdict.host.lookup, verdict.deliveries) == (False, (Delivery(3, 0, Edit.STRIP),))


@pytest.mark.parametrize(("destination", "ports"), [(mac(2), [2]), (BROADCAST, [2, WIRE])])
def test_the_local_switch_saves_the_look_up(destination: bytes, ports: list[int]) -> None:
    verdict = decide(parsed(destination, mac(1)), 1, tables(*LAB, mode=VMQ, local_switch=True))
    assert not verdict.host.lookup
    assert [delivery.port for delivery in verdict.deliveries] == ports
    assert verdict.host.copies == len(ports) - 1


@pytest.mark.parametrize(
    ("source", "destination", "vids", "half"),
    [(1, mac(1), [10], "nic"), (WIRE, STRANGER, [], "host")],
)
def test_the_half_that_drops_says_why(source: int, destination: bytes, vids: list[int], half: str) -> None:
    verdict = decide(parsed(destination, mac(1), vids), source, tables(*LAB))
    assert verdict.drop == getattr(verdict, half).drop
    assert verdict.drop is not None


def test_vmmq_uses_every_channel_and_keeps_a_flow_on_one() -> None:
    in_effect = tables(Vm(queue_pairs=4), mode=VMMQ)
    channels: dict[int, set[int]] = {}
    for port in list(range(64)) * 2:
        ethertype, payload = packet("192.0.2.1", "192.0.2.2", 6, (port, 5001))
        frame = parsed(mac(1), OUTSIDE, ethertype=ethertype, payload=payload)
        verdict = decide(frame, WIRE, in_effect)
        (delivery,) = verdict.deliveries
        assert verdict.spread
        channels.setdefault(port, set()).add(delivery.channel)
    assert all(len(used) == 1 for used in channels.values())
    assert set.union(*channels.values()) == {0, 1, 2, 3}


def test_every_frame_of_a_vms_queue_has_one_verdict_if_its_filters_are_in_one_vlan() -> None:
    moved = accept(adapter(Vm(), mode=VMQ), ClearFilter(1), SetFilter(1, mac(1), 10))
    seen = compile_tables(moved, 1)
    assert sorted_into(1, seen) == decide(parsed(mac(1), OUTSIDE, [10]), WIRE, seen)
    several = compile_tables(accept(moved, SetFilter(1, mac(1))), 1)
    assert sorted_into(1, several) is None
