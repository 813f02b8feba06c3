"""Capability reports: hardware and current; and what a registration must keep."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import SMALL, Vm, adapter, queued
from vmdqemu.nic.adapter import Adapter
from vmdqemu.nic.capabilities import (
    current_filters,
    current_switch,
    hardware_filters,
    hardware_switch,
    problems,
)
from vmdqemu.nic.models import IDEAL, MODELS, Model
from vmdqemu.nic.modes import MODES, OFF, VMQ, Mode, Sort
from vmdqemu.nic.switch_objects import NicSwitch


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_hardware_is_everything_and_current_what_is_enabled(mode: Mode) -> None:
    """Q13."""
    built = Adapter(IDEAL, mode, mtu=1500, wire=True)
    assert hardware_filters(built)["NumQueues"] == 255  # without the default queue
    current = current_filters(built)
    assert (current is not None) == (mode.sort is Sort.FILTERS)
    if current is not None:
        assert current["NumQueues"] == 255


def test_no_vm_queues_are_offered_beside_vfs() -> None:
    with_vfs = Adapter(IDEAL, OFF, mtu=1500, wire=True, switch=NicSwitch(vfs=1))
    current = current_filters(with_vfs)
    assert current is not None
    assert (current["VmqFilters"], current["VmQueues"], current["NumQueues"]) == (True, False, 0)


def test_there_are_no_more_vm_queues_than_addresses() -> None:
    assert hardware_filters(adapter(model=SMALL))["NumQueues"] == SMALL.filters == 3


def test_the_current_switch_is_none_without_one() -> None:
    assert current_switch(queued(None)) is None
    current = current_switch(adapter(Vm(), Vm(), mode=VMQ))
    assert current is not None
    assert current["NumVPorts"] == 3


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_every_model_keeps_the_rules(model: Model) -> None:
    """N3."""
    assert problems(hardware_switch(adapter(model=model))) == []


def test_a_chip_says_what_its_registers_hold() -> None:
    said = {name: hardware_filters(adapter(model=model)) for name, model in MODELS.items()}
    assert [said[name]["NumQueues"] for name in MODELS] == [3, 7, 15, 63, 63, 255]
    assert [said[name]["MaxMacHeaderFilters"] for name in MODELS] == [16, 24, 16, 128, 128, 1024]


@given(
    st.fixed_dictionaries(
        {
            "MaxNumSwitches": st.integers(0, 2),
            "MaxNumVPorts": st.integers(0, 9),
            "MaxNumVFs": st.integers(0, 9),
            "MaxNumQueuePairs": st.integers(0, 9),
            "MaxNumQueuePairsPerNonDefaultVPort": st.integers(0, 9),
            "MaxNumMacAddresses": st.integers(0, 9),
            "RssOnPFVPorts": st.booleans(),
            "RssPerPFVPortIndirectionTable": st.booleans(),
            "RssPerPFVPortHashFunction": st.booleans(),
            "RssPerPFVPortHashType": st.booleans(),
            "RssPerPFVPortHashKey": st.booleans(),
        }
    )
)
def test_a_set_that_contradicts_itself_is_found(said: dict[str, int]) -> None:
    """N3, V5: what is hashed by is a VPort's own as a whole, or not at all."""
    own = [said[f"RssPerPFVPortHash{part}"] for part in ("Function", "Type", "Key")]
    sound = (
        said["MaxNumSwitches"] == 1
        and said["MaxNumVPorts"] >= said["MaxNumVFs"] + 1
        and said["MaxNumQueuePairs"] >= said["MaxNumVPorts"]
        and said["MaxNumMacAddresses"] >= said["MaxNumVPorts"]
        and said["MaxNumQueuePairsPerNonDefaultVPort"] in (1, 2, 4, 8)
        and (said["RssPerPFVPortIndirectionTable"] or not said["RssOnPFVPorts"])
        and (all(own) or not any(own))
    )
    assert (problems(said) == []) == sound
