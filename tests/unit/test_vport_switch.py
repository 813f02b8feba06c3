"""The switch between VPorts by the filters of NDIS, those of VFs too."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, adapter, granted, mac, parsed
from vmdqemu.host.decide import decide, decide_behind
from vmdqemu.host.vswitch import WIRE, Delivery
from vmdqemu.nic import switch
from vmdqemu.nic.adapter import ClearFilter, apply, compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST
from vmdqemu.nic.modes import MODES, OFF, VMQ, Mode
from vmdqemu.nic.switch import NicVerdict
from vmdqemu.nic.tables import DEFAULT_VPORT, Tables

# 1 and 2 have a TAP only; 3 and 4 have VFs 0 and 1; 5 and 6, in VLAN 10, too: VFs 2 and 3
LAB = (Vm(), Vm(), Vm(), Vm(), Vm(vlan=10), Vm(vlan=10))
WITH_VF = (3, 4, 5, 6)
RESERVED = bytes.fromhex("0180c200000e")


def lab(mode: Mode = OFF, **options: Any) -> Tables:
    return compile_tables(granted(adapter(*LAB, mode=mode, **options), *WITH_VF), generation=1)


def vport_of(vf: int, seen: Tables) -> int:
    """The VPort on a VF."""
    return next(number for number, held in seen.vfs.items() if held.function == vf)


@dataclass
class Ways:
    """Where the silicon sends a frame."""

    vfs: tuple[int, ...] = ()
    pf: bool = False
    wire: bool = False
    drop: DropReason | None = None


def ways(verdict: NicVerdict) -> Ways:
    return Ways(verdict.vfs, bool(verdict.queues), verdict.wire, verdict.drop)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize(
    ("destination", "vids", "expected"),
    [
        (mac(3), [], Ways(vfs=(0,))),
        (mac(3), [0], Ways(vfs=(0,))),
        (mac(3), [10], Ways(pf=True)),  # a VF's address in another VLAN is no match: N21
        (mac(5), [10], Ways(vfs=(2,))),
        (mac(1), [], Ways(pf=True)),
        (STRANGER, [], Ways(pf=True)),
        (BROADCAST, [], Ways(vfs=(0, 1), pf=True)),  # N22
        (GROUP, [10], Ways(vfs=(2, 3), pf=True)),
        (BROADCAST, [20], Ways(pf=True)),
        (RESERVED, [], Ways(pf=True)),  # where the vSwitch drops it
    ],
)
def test_what_comes_from_the_wire_is_a_vfs_whatever_the_mode(
    mode: Mode, destination: bytes, vids: list[int], expected: Ways
) -> None:
    assert ways(switch.receive(parsed(destination, OUTSIDE, vids), lab(mode))) == expected


@pytest.mark.parametrize("mode", [OFF, VMQ], ids=lambda mode: mode.name)
@pytest.mark.parametrize(
    ("sender", "destination", "expected"),
    [
        (0, mac(4), Ways(vfs=(1,))),  # N8
        (0, mac(1), Ways(pf=True)),
        (0, STRANGER, Ways(wire=True)),
        (0, mac(3), Ways(drop=DropReason.PORT_LOOPBACK_FILTER)),
        (0, mac(5), Ways(wire=True)),  # in another VLAN
        (0, BROADCAST, Ways(vfs=(1,), pf=True, wire=True)),
        (0, RESERVED, Ways(drop=DropReason.RESERVED_MULTICAST)),
        (2, mac(6), Ways(vfs=(3,))),
        (2, mac(1), Ways(wire=True)),
        (2, BROADCAST, Ways(vfs=(3,), pf=True, wire=True)),
    ],
)
def test_what_a_vf_sends_stays_inside_if_somebody_there_has_the_address(
    mode: Mode, sender: int, destination: bytes, expected: Ways
) -> None:
    seen = lab(mode)
    frame = parsed(destination, mac(3 + sender))
    assert ways(switch.transmit(frame, vport_of(sender, seen), seen)) == expected


def test_what_a_vf_may_not_send_is_dropped_for_a_reason() -> None:
    seen = lab()
    plain, in_vlan = vport_of(0, seen), vport_of(2, seen)
    drops = [
        switch.transmit(parsed(mac(4), mac(1)), plain, seen).drop,
        switch.transmit(parsed(mac(4), mac(3), [10]), plain, seen).drop,
        switch.transmit(parsed(mac(6), mac(5), [10]), in_vlan, seen).drop,
    ]
    assert drops == [DropReason.ANTI_SPOOF_MAC, DropReason.ANTI_SPOOF_VLAN, DropReason.TAG_NOT_ALLOWED]


def test_in_vepa_everything_goes_to_the_wire() -> None:
    seen = lab(loopback=False)
    for destination in (mac(4), mac(1), BROADCAST):
        assert ways(switch.transmit(parsed(destination, mac(3)), vport_of(0, seen), seen)) == Ways(wire=True)
    assert ways(switch.receive(parsed(mac(4), mac(3)), seen)) == Ways(vfs=(1,))  # reflected


@pytest.mark.parametrize("local_switch", [False, True])
def test_a_vm_without_a_vf_reaches_one_that_has_it_by_the_pf(local_switch: bool) -> None:
    seen = lab(VMQ, local_switch=local_switch)
    verdict = decide(parsed(mac(3), mac(1)), 1, seen)
    assert verdict.deliveries == (Delivery(WIRE),)
    assert verdict.out is not None
    assert ways(verdict.out) == Ways(vfs=(0,))
    to_all = decide(parsed(BROADCAST, mac(1)), 1, seen)
    assert [to.port for to in sorted(to_all.deliveries)] == [WIRE, 2]
    assert to_all.out is not None
    assert ways(to_all.out) == Ways(vfs=(0, 1), wire=True)


def test_a_vf_reaches_a_vm_without_one_by_the_vswitch() -> None:
    seen = lab()
    verdict = decide(parsed(mac(2), mac(3)), vport_of(0, seen), seen)
    assert [placed.vport for placed in verdict.nic.queues] == [DEFAULT_VPORT]
    assert verdict.deliveries == (Delivery(2),)


@pytest.mark.parametrize("source", [WIRE, 1])
def test_a_group_comes_once_to_each_vm(source: int) -> None:
    seen = lab()
    verdict = decide(parsed(BROADCAST, OUTSIDE if source == WIRE else mac(1)), source, seen)
    by_vf = verdict.nic.vfs if verdict.out is None else verdict.out.vfs
    by_tap = {to.port for to in verdict.deliveries} - {WIRE}
    assert sorted([*by_tap, *(3 + vf for vf in by_vf)]) == [vm for vm in (1, 2, 3, 4) if vm != source]


def test_what_waited_for_a_vm_when_it_got_a_vf_still_arrives() -> None:
    """It was sorted into one of the PF's rings before its filter moved."""
    for mode in (OFF, VMQ):
        verdict = decide_behind(parsed(mac(3), OUTSIDE), WIRE, lab(mode))
        assert verdict.deliveries == (Delivery(3),)


def test_what_waited_of_a_vm_when_it_got_a_vf_is_no_spoof() -> None:
    assert decide(parsed(STRANGER, mac(3)), 3, lab()).drop is None


def test_a_vf_without_a_filter_has_no_traffic_and_its_vm_is_on_the_vswitch() -> None:
    built = granted(adapter(*LAB), *WITH_VF)
    (held,) = (number for number, filter_ in built.filters.items() if filter_.mac == mac(3))
    seen = compile_tables(apply(built, ClearFilter(held)).adapter, 1)
    assert ways(switch.receive(parsed(mac(3), OUTSIDE), seen)) == Ways(pf=True)
    assert ways(switch.receive(parsed(BROADCAST, OUTSIDE), seen)) == Ways(vfs=(1,), pf=True)
    assert seen.members(None) == (1, 2)


def test_without_a_wire_nothing_leaves() -> None:
    seen = lab(wire=False)
    alone = switch.transmit(parsed(STRANGER, mac(3)), vport_of(0, seen), seen)
    assert ways(alone) == Ways(drop=DropReason.PORT_LIST_IS_EMPTY)
    assert ways(switch.let_out(parsed(mac(3), mac(1)), None, seen)) == Ways(vfs=(0,))
