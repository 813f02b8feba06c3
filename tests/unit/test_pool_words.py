"""What a chip's rules found, in words."""

import pytest

from tests.unit import golden
from tests.unit.builders import parsed
from vmdqemu.nic import switch
from vmdqemu.nic.frame import BROADCAST
from vmdqemu.nic.steps import Steps


def told(
    destination: bytes, *vids: int, sender: int | None = None, changes: tuple[str, ...] = ()
) -> dict[str, str]:
    steps, tables = Steps(), golden.tables(*changes)
    if sender is None:
        switch.receive(parsed(destination, golden.OUTSIDE, vids), tables, steps.take)
    else:
        switch.transmit(parsed(destination, golden.unicast(0x11), vids), sender, tables, steps.take)
    return {step.name: step.outcome for step in steps.taken}


@pytest.mark.parametrize(
    ("found", "name", "said"),
    [
        (told(golden.unicast(0x99)), "l2 admission", "02:00:00:00:00:99 is not let in: drop, l2_admission"),
        (told(golden.unicast(0x11), 400), "vlan admission", "VLAN 400 is not let in: drop, vlan_admission"),
        (told(golden.unicast(0x11), 100), "vlan admission", "VLAN 100 is let in"),
        (told(golden.unicast(0x11)), "vlan admission", "untagged frames are let in"),
        (
            told(golden.unicast(0x11), 7, changes=("vlan_filtering=false",)),
            "vlan admission",
            "VLANs are not filtered",
        ),
        (told(golden.unicast(0x11)), "exact match", "02:00:00:00:00:11: pool 1"),
        (
            told(golden.unicast(0x11), changes=("model=82576", "vmdq_by=vlan")),
            "exact match",
            "the VLAN alone decides: pools 0, 1, 2, 3",
        ),
        (told(golden.unicast(0x55)), "hash match", "bit 0x550 is set: pool 3"),
        (told(golden.group(0xFB)), "hash match", "bit 0xfb0 is set: pools 1, 2"),
        (told(golden.unicast(0x99), changes=("port_upe=true",)), "hash match", "bit 0x990 is clear: no pool"),
        (told(BROADCAST), "broadcast accept", "pools 0, 1, 2"),
        (told(BROADCAST), "vlan membership", "untagged, of pools 0, 1, 2: pools 0, 1"),
        (told(golden.unicast(0x12)), "vlan membership", "untagged, of pool 2: no pool"),
        (told(golden.unicast(0x11), 100), "vlan membership", "VLAN 100, of pool 1: pool 1"),
        (told(golden.unicast(0x99), changes=("port_upe=true",)), "vlan membership", "no pool"),
        (told(golden.unicast(0x12)), "default pool", "pool 0"),
        (told(golden.unicast(0x12), changes=("default_pool_disabled=true",)), "default pool", "disabled"),
        (
            told(golden.unicast(0x11), changes=("vm.pool1.receive=false",)),
            "receive enable",
            "no pool; not pool 1",
        ),
        (told(BROADCAST, changes=("replication=false",)), "one copy", "pool 0"),
        (told(golden.unicast(0x12), sender=1), "to wire", "stays inside: a pool has the address"),
        (told(BROADCAST, sender=1), "to wire", "to the wire"),
        (told(BROADCAST, sender=1), "sender excluded", "pools 0, 2; not pool 1"),
        (told(BROADCAST, sender=1), "loopback", "a frame may stay inside"),
        (told(BROADCAST, sender=1, changes=("bridge=vepa",)), "loopback", "every frame goes to the wire"),
    ],
)
def test_what_a_rule_found_is_said(found: dict[str, str], name: str, said: str) -> None:
    assert found[name] == said
