"""Mirror rules: a pool that watches gets one more copy, by each of the four kinds."""

from typing import Any

import pytest

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, mac, parsed
from tests.unit.chips import PLAIN, registers
from vmdqemu.nic import switch
from vmdqemu.nic.pools import NOTHING, Mirror, MirrorKind
from vmdqemu.nic.tables import Tables

# Pools 1 and 2 without a VLAN, 3 in VLAN 10; 4 watches.
VMS = (Vm(), Vm(), Vm(vlan=10), Vm())
WATCHER = 4


def watched(kind: MirrorKind, *what: int, **asked: Any) -> Tables:
    rule = Mirror(kind, WATCHER, frozenset(what))
    pools = {WATCHER: PLAIN._replace(accept=NOTHING)}
    return registers(*VMS, **{"pools": pools, "mirrors": (rule,), **asked})


def received(tables: Tables, destination: bytes, vids: tuple[int, ...] = ()) -> list[int]:
    return [placed.vport for placed in switch.receive(parsed(destination, OUTSIDE, vids), tables).queues]


def switched(tables: Tables, destination: bytes, sender: int = 1) -> tuple[list[int], bool]:
    seen = switch.transmit(parsed(destination, mac(sender)), sender, tables)
    return [placed.vport for placed in seen.queues], seen.wire


def test_a_pool_is_watched_whoever_sends_to_it() -> None:
    tables = watched(MirrorKind.POOL, 1, 3)
    assert received(tables, mac(1)) == [1, WATCHER]
    assert received(tables, mac(2)) == [2]
    assert received(tables, mac(3), (10,)) == [3, WATCHER]
    assert switched(tables, mac(1), sender=2) == ([1, WATCHER], False)


def test_a_vlan_is_watched_in_both_ways() -> None:
    tables = watched(MirrorKind.VLAN, 10)
    assert received(tables, mac(3), (10,)) == [3, WATCHER]
    assert received(tables, mac(1)) == [1]
    assert switched(tables, STRANGER, sender=3) == ([WATCHER], True)
    assert switched(tables, STRANGER, sender=1) == ([], True)


def test_the_uplink_rule_takes_what_the_wire_brought_to_a_pool() -> None:
    tables = watched(MirrorKind.UPLINK, default_pool=None)
    assert received(tables, mac(1)) == [1, WATCHER]
    assert received(tables, STRANGER) == []  # it reached no pool
    assert switched(tables, mac(2)) == ([2], False)


def test_the_downlink_rule_takes_what_goes_to_the_wire() -> None:
    tables = watched(MirrorKind.DOWNLINK)
    assert switched(tables, STRANGER) == ([WATCHER], True)
    assert switched(tables, mac(2)) == ([2], False)
    assert switched(tables, GROUP)[0].count(WATCHER) == 1
    assert received(tables, mac(1)) == [1]


@pytest.mark.parametrize(
    ("kind", "what"),
    [(MirrorKind.POOL, (1,)), (MirrorKind.VLAN, (10,)), (MirrorKind.UPLINK, ()), (MirrorKind.DOWNLINK, ())],
)
def test_a_watcher_that_is_off_gets_nothing(kind: MirrorKind, what: tuple[int, ...]) -> None:
    tables = watched(kind, *what, pools={WATCHER: PLAIN._replace(receive=False, accept=NOTHING)})
    assert received(tables, mac(1)) == [1]
    assert switched(tables, STRANGER) == ([], True)


def test_a_copy_is_no_second_one_for_a_pool_that_has_one_already() -> None:
    assert received(watched(MirrorKind.POOL, WATCHER), mac(WATCHER)) == [WATCHER]
