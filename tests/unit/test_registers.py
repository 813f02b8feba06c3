"""From NDIS filters to a chip's registers, as the Linux driver sets them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, accept, mac, parsed, tables
from tests.unit.chips import LAB, PLAIN, SOFTWARE_ONLY, SWITCHING, chip, registers
from vmdqemu.nic import switch
from vmdqemu.nic.adapter import SetFilter, SetPool, compile_tables
from vmdqemu.nic.frame import BROADCAST, Frame
from vmdqemu.nic.models import I82576, X550, Model
from vmdqemu.nic.modes import MODES, VMQ, Mode, Sort
from vmdqemu.nic.pools import Accept, Pooling
from vmdqemu.nic.registers import compile_pooling


def compiled(*vms: Vm, **asked: Any) -> Pooling:
    pooling = registers(*vms, **asked).pooling
    assert pooling is not None
    return pooling


def test_a_filter_is_an_exact_address_and_a_vlan_and_who_has_none_accepts_untagged_frames() -> None:
    seen = compiled()
    assert seen.exact == {mac(number): {number} for number in (1, 2, 3, 4)}
    assert seen.vlans == {0: {1, 2}, 10: {3, 4}}  # a priority tag is of no VLAN
    assert seen.accepting(Accept.AUPE) == {0, 1, 2}
    assert seen.accepting(Accept.BAM) == {0, 1, 2, 3, 4}


def test_a_vport_without_a_filter_has_no_traffic() -> None:
    assert compiled(Vm(), Vm(macs=())).accepting(Accept.BAM) == {0, 1}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_only_a_mode_that_sorts_has_pools(mode: Mode) -> None:
    asked = chip(model=X550, local_switch=False)._replace(mode=mode)
    assert (compile_pooling(asked) is not None) == (mode.sort is Sort.FILTERS)


def test_the_priority_tag_gives_its_slot_to_the_last_vlan() -> None:
    vm = Vm(macs=())
    full = chip(vm, model=I82576)
    full = accept(full, *(SetFilter(1, mac(1), vlan) for vlan in (None, *range(1, 32))))
    fuller = accept(full, SetFilter(1, mac(1), 32))
    slots = [pooling.vlans.keys() for each in (full, fuller) if (pooling := compile_pooling(each))]
    assert slots == [set(range(32)), set(range(1, 33))]


FRAMES = st.builds(
    parsed,
    st.sampled_from([mac(1), mac(2), mac(3), mac(4), STRANGER, BROADCAST, GROUP]),
    st.just(OUTSIDE),
    st.sampled_from([(), (0,), (10,), (20,), (10, 20)]),
)


@given(FRAMES, st.sampled_from(SWITCHING))
def test_without_registers_of_their_own_chips_find_the_vport_that_ndis_filters_find(
    frame: Frame, model: Model
) -> None:
    by_chip = registers(*LAB, model=model, local_switch=False)
    by_filters = tables(*LAB, mode=VMQ)
    assert switch.receive(frame, by_chip).queues == switch.receive(frame, by_filters).queues


@pytest.mark.parametrize("model", SOFTWARE_ONLY, ids=lambda model: model.name)
def test_a_software_only_chip_places_by_the_address_alone(model: Model) -> None:
    seen = registers(Vm(), Vm(vlan=10), model=model, local_switch=False)
    placed = [
        [to.vport for to in switch.receive(parsed(mac(2), OUTSIDE, vids), seen).queues]
        for vids in ((), (10,), (20,))
    ]
    assert placed == [[2], [2], [2]]
    assert [to.vport for to in switch.receive(parsed(BROADCAST, OUTSIDE, (10,)), seen).queues] == [0]


@pytest.mark.parametrize("model", SOFTWARE_ONLY, ids=lambda model: model.name)
def test_by_vlan_a_software_only_chip_places_by_the_tag_alone(model: Model) -> None:
    seen = registers(Vm(), Vm(vlan=10), Vm(vlan=20), model=model, local_switch=False, by_vlan=True)
    for destination in (mac(1), mac(2), STRANGER, BROADCAST):
        found = [
            [to.vport for to in switch.receive(parsed(destination, OUTSIDE, vids), seen).queues]
            for vids in ((), (0,), (10,), (20,), (30,))
        ]
        assert found == [[0], [0], [2], [3], [0]]


def test_by_vlan_an_82576_gives_a_copy_to_every_pool_of_the_vlan() -> None:
    """VT_CTL.IGMAC; the address still decides what is admitted."""
    seen = registers(model=I82576, by_vlan=True)
    assert [to.vport for to in switch.receive(parsed(STRANGER, OUTSIDE, (10,)), seen).queues] == [3, 4]
    closed = registers(model=I82576, by_vlan=True, unicast=False)
    assert switch.receive(parsed(STRANGER, OUTSIDE, (10,)), closed).queues == ()


def test_a_limit_is_kept_without_the_fcs() -> None:
    assert compiled(model=I82576, pools={1: PLAIN._replace(longest=1522)}).limits == {1: 1518}


def test_only_an_x550_in_a_vepa_prunes_sources() -> None:
    found = {
        (model.name, loopback): compiled(model=model, loopback=loopback).prunes_sources
        for model in SWITCHING
        for loopback in (False, True)
    }
    assert [what for what, prunes in found.items() if prunes] == [("x550", False)]


def test_what_a_pool_is_asked_for_is_compiled() -> None:
    asked = accept(
        chip(), SetPool(0, PLAIN._replace(accept=Accept.MPE)), SetPool(2, PLAIN._replace(receive=False))
    )
    seen = compile_tables(asked, 1).pooling
    assert seen is not None
    assert seen.accepting(Accept.BAM) == {1, 2, 3, 4}
    assert seen.accepting(Accept.AUPE) == {1, 2}
    assert seen.receive == {0, 1, 3, 4}
