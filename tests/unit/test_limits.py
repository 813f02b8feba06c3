"""What a chip cannot hold is refused, with the limit and its section, and nothing changes."""

from typing import Any

import pytest

from tests.unit.builders import GROUP, STRANGER, Vm, accept, mac
from tests.unit.chips import LAB, PLAIN, chip
from vmdqemu.nic.adapter import (
    Adapter,
    CreateVPort,
    DeleteVPort,
    Request,
    SetFilter,
    SetMode,
    SetPool,
    SetPort,
    apply,
)
from vmdqemu.nic.limits import refusal
from vmdqemu.nic.models import I82575, I82576, I82598, IDEAL, X550, Model
from vmdqemu.nic.modes import VMMQ
from vmdqemu.nic.pools import EVERY_GROUP, Accept, Mirror, MirrorKind, PortSettings
from vmdqemu.nic.status import Status

FULL, NO, WRONG = Status.RESOURCES, Status.NOT_SUPPORTED, Status.INVALID_PARAMETER
NONE = Vm(macs=())
PORT = PortSettings()
ROPE = PLAIN._replace(accept=EVERY_GROUP | Accept.ROPE)
SPIES = tuple(Mirror(MirrorKind.UPLINK, 1) for _ in range(5))


def software(model: Model = I82598, *vms: Vm) -> Adapter:
    return chip(*vms, model=model, local_switch=False)


def with_macs(count: int, **asked: Any) -> Adapter:
    return accept(chip(NONE, NONE, **asked), *(SetFilter(1, mac(number)) for number in range(count)))


def with_vlans(count: int, **asked: Any) -> Adapter:
    return accept(chip(NONE, NONE, **asked), *(SetFilter(1, mac(1), vlan) for vlan in range(1, count + 1)))


REFUSED: dict[str, tuple[Adapter, Request, Status, str]] = {
    "24 addresses": (with_macs(24, model=I82576), SetFilter(2, mac(99)), FULL, "24 exact addresses"),
    "128 addresses": (with_macs(128), SetFilter(2, mac(999)), FULL, "128 exact addresses"),
    "a group needs an address too": (
        with_macs(24, model=I82576),
        SetPort(PORT._replace(groups={GROUP: frozenset({1})})),
        FULL,
        "24 exact addresses",
    ),
    "32 VLANs": (with_vlans(32, model=I82576), SetFilter(1, mac(1), 33), FULL, "32 VLAN filters"),
    "64 VLANs": (with_vlans(64), SetFilter(2, mac(2), 65), FULL, "64 VLAN filters"),
    "an address in two pools": (chip(), SetFilter(2, mac(1), 10), WRONG, "X550 7.8.3.3.1"),
    "8 pools": (chip(*[Vm()] * 7, model=I82576), CreateVPort("vm8"), FULL, "8 VPorts, the PF's included"),
    "4 pools": (software(I82575, *[Vm()] * 3), CreateVPort("vm4"), FULL, "4 VPorts"),
    "RSS inside of pools": (chip(), SetMode(VMMQ), NO, "no mode vmmq"),
    "queues of an X550's pool": (
        chip(NONE, model=X550, mode=VMMQ),
        CreateVPort("vm", 5),
        WRONG,
        "4 RX queues in a VPort",
    ),
    "a promiscuous pool": (
        chip(),
        SetPool(1, PLAIN._replace(accept=Accept.UPE)),
        NO,
        "X540 and later",
    ),
    "ROPE in two pools": (
        chip(replication=False, pools={1: ROPE}),
        SetPool(2, ROPE),
        WRONG,
        "one pool has ROPE",
    ),
    "accept flags": (software(), SetPool(1, PLAIN._replace(accept=Accept.BAM)), NO, "no accept flags"),
    "a unicast table": (software(), SetPort(PORT._replace(unicast_table=frozenset({STRANGER}))), NO, "UTA"),
    "replication": (software(), SetPort(PORT._replace(replication=True)), NO, "does not replicate"),
    "a group in two pools": (
        software(),
        SetPort(PORT._replace(groups={GROUP: frozenset({1, 2})})),
        NO,
        "one pool",
    ),
    "a unicast group": (
        chip(),
        SetPort(PORT._replace(groups={mac(9): frozenset({1})})),
        WRONG,
        "unicast",
    ),
    "VLAN alone": (chip(), SetPort(PORT._replace(by_vlan=True)), NO, "clarification 12"),
    "two queues of a VLAN": (software(), SetPort(PORT._replace(by_vlan=True)), WRONG, "one queue"),
    "5 mirror rules": (
        chip(),
        SetPort(PORT._replace(replication=True, mirrors=SPIES)),
        FULL,
        "4 mirror rules",
    ),
    "a mirror without replication": (chip(), SetPort(PORT._replace(mirrors=SPIES[:1])), WRONG, "replication"),
    "a mirror rule of a chip without": (
        software(),
        SetPort(PORT._replace(mirrors=SPIES[:1])),
        FULL,
        "0 mirror rules",
    ),
    "the default pool is nobody's": (chip(), SetPort(PORT._replace(default_pool=9)), WRONG, "VPort 9"),
    "the default pool goes": (
        chip(NONE, default_pool=1),
        DeleteVPort(1),
        WRONG,
        "VPort 1",
    ),
    "one frame limit": (chip(), SetPool(1, PLAIN._replace(longest=1522)), NO, "MAXFRS"),
    "one strip bit": (software(), SetPool(1, PLAIN._replace(strip=True)), NO, "of all queues or of none"),
    "registers of no chip": (
        chip(model=IDEAL, replication=False),
        SetPort(PORT._replace(replication=True)),
        NO,
        "no pools",
    ),
    "a pool of no chip": (
        chip(model=IDEAL, replication=False),
        SetPool(1, PLAIN._replace(receive=False)),
        NO,
        "no pools",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_chip_refuses_what_it_cannot_hold_and_says_which_limit(case: str) -> None:
    before, request, status, why = REFUSED[case]
    outcome = apply(before, request)
    assert (outcome.status, outcome.number) == (status, 0)
    assert why in outcome.why
    assert outcome.adapter is before


def test_an_adapter_that_was_asked_for_nothing_refused_passes_no_limit() -> None:
    assert refusal(chip()) is None


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Adapter(I82598, chip().mode, 1500, wire=True, local_switch=True), "no switch between its pools"),
        (software(I82598, *LAB)._replace(local_switch=True, loopback=False), "no port VLAN"),
    ],
    ids=["local switch", "port VLAN"],
)
def test_what_a_software_only_chip_does_not_do_for_vms(asked: Adapter, why: str) -> None:
    found = refusal(asked)
    assert found is not None
    assert found.status is NO
    assert why in found.why
