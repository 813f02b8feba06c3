"""The registers in effect are what was asked for."""

import pytest

from tests.unit.builders import SMALL, Vm, accept, adapter, mac
from vmdqemu.nic.adapter import Adapter, CreateVPort, compile_tables
from vmdqemu.nic.modes import MODES, OFF, OFF_NOCOPY, RSS, VMMQ, VMQ, Mode, Sort
from vmdqemu.nic.rss import Rss


def test_queues_are_numbered_in_vport_order_behind_the_default_queue() -> None:
    vms = (Vm(queue_pairs=2), Vm(), Vm(queue_pairs=3))
    numbered = {
        mode: [vport.queues for vport in compile_tables(adapter(*vms, mode=mode), 1).vports.values()]
        for mode in (OFF, VMQ, VMMQ)
    }
    assert numbered == {OFF: [(), (), ()], VMQ: [(1,), (2,), (3,)], VMMQ: [(1, 2), (3,), (4, 5, 6)]}


@pytest.mark.parametrize(("mode", "queues"), [(OFF, (0,)), (RSS, (0, 1, 2)), (VMQ, (0,)), (VMMQ, (0, 1, 2))])
def test_the_default_vport_has_the_first_queues_and_spreads_over_them(
    mode: Mode, queues: tuple[int, ...]
) -> None:
    built = accept(Adapter(SMALL, mode, mtu=1500, wire=True, default_queue_pairs=3), CreateVPort("vm1"))
    seen = compile_tables(built, 1)
    assert seen.default_queues == queues
    assert seen.default_rss == (Rss.spread(3, types=SMALL.hash_types) if len(queues) > 1 else None)
    assert built.vports[1].queues == (() if mode.queues == 0 else (len(queues),))


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_the_registers_say_what_was_asked_for(mode: Mode) -> None:
    asked = adapter(Vm(vlan=10, queue_pairs=2, spoof_check=False), mode=mode, wire=False, mtu=9000)
    seen = compile_tables(asked, generation=7)
    assert (seen.generation, seen.wire, seen.mtu) == (7, False, 9000)
    vport = seen.vports[1]
    assert (vport.name, vport.macs, vport.vlan) == ("vm1", (mac(1),), 10)
    assert (vport.spoof_check, vport.channels) == (False, 2)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("shared", [False, True])
def test_a_vms_queue_is_copied_from_unless_it_lies_in_the_vms_memory(mode: Mode, shared: bool) -> None:
    seen = compile_tables(Adapter(SMALL, mode, mtu=1500, wire=True, shared_memory=shared), 1)
    assert (seen.sort, seen.lookup) == (mode.sort, mode.lookup)
    assert seen.copy == (mode.copy or (mode in (VMQ, VMMQ) and not shared))
    assert seen.default_copy == (mode is not OFF_NOCOPY)
    blind = Adapter(SMALL, mode, mtu=1500, wire=True, shared_memory=shared, vlan_filtering=False)
    assert compile_tables(blind, 1).copy == (mode.copy or mode in (VMQ, VMMQ))  # frames of any VLAN come


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
@pytest.mark.parametrize("asked", [False, True])
def test_only_an_adapter_that_sorts_switches_and_only_if_asked_to(mode: Mode, asked: bool) -> None:
    sorts = mode.sort is Sort.FILTERS  # without queues there is nothing to switch to
    before = Adapter(SMALL, mode, mtu=1500, wire=True)
    assert not compile_tables(before, 1).local_switch
    assert compile_tables(before._replace(local_switch=asked), 1).local_switch == (asked and sorts)
