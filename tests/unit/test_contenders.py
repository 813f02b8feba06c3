"""Who is compared: VFs are of SR-IOV alone."""

from typing import Any, cast

import pytest

from vmdqemu.config import EXT, parse
from vmdqemu.daemon.change import SHORT
from vmdqemu.experiments.contenders import (
    ACROSS,
    BASELINES,
    BRIDGE,
    INWARD,
    MODES,
    SRIOV,
    VETH,
    VMQ,
    Contender,
    turn_to,
)
from vmdqemu.experiments.rig import Rig
from vmdqemu.nic.modes import MODES as KNOWN


class FakeLab:
    """A lab of two VMs with a VF."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.lab = parse('vm = [{ name = "vm1" }, { name = "vm2" }]', "lab")

    def call(self, method: str, **params: str) -> dict[str, Any]:
        self.asked.append((method, *params.values()))
        return {"vfs": [{"vm": "vm1", "vf": 1}, {"vm": "vm2", "vf": 0}]}


@pytest.mark.parametrize(
    ("contender", "asked"),
    [
        (VMQ, [("vf.list",), ("vf.remove", "vm1"), ("vf.remove", "vm2"), ("mode.set", "vmq")]),
        (SRIOV, [("mode.set", "sriov")]),
    ],
)
def test_vms_give_their_vfs_up_where_the_mode_has_none(
    contender: Contender, asked: list[tuple[str, ...]]
) -> None:
    lab = FakeLab()
    turn_to(cast(Rig, lab), contender)
    assert lab.asked == asked


@pytest.mark.parametrize(
    ("contender", "cables"),
    [
        (VMQ, {}),
        (SRIOV, {"vm1": ("lab-nic", "vf1"), "vm2": ("lab-nic", "vf0")}),
        (BRIDGE, {"vm1": ("lab-nic", "port1"), "vm2": ("lab-nic", "port2")}),
        (VETH, {"vm1": ("vm2", "eth0"), "vm2": ("vm1", "eth0")}),
    ],
)
def test_what_a_vm_sends_is_taken_in_at_the_far_end_of_its_cable(
    contender: Contender, cables: dict[str, tuple[str, str]]
) -> None:
    assert contender.cables(cast(Rig, FakeLab())) == cables


def test_the_modes_are_the_adapters_and_the_baselines_have_none() -> None:
    assert {contender.mode for contender in MODES} <= {*KNOWN, *SHORT}
    assert {contender.mode for contender in BASELINES} == {None}
    assert len({contender.name for contender in (*MODES, *BASELINES)}) == len(MODES) + len(BASELINES)


def test_four_vms_receive_from_outside_and_a_cable_has_two_ends() -> None:
    assert [str(pair) for pair in INWARD.pairs] == [f"{EXT} -> vm{number}" for number in (1, 2, 3, 4)]
    assert VETH.loads == (ACROSS,)
