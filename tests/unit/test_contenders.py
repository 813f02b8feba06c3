"""Who is compared: VFs are of SR-IOV alone."""

from typing import Any, cast

import pytest

from vmdqemu.config import EXT
from vmdqemu.daemon.change import SHORT
from vmdqemu.experiments.contenders import (
    ACROSS,
    BASELINES,
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

    def call(self, method: str, **params: str) -> dict[str, Any]:
        self.asked.append((method, *params.values()))
        return {"vfs": [{"vm": "vm1"}, {"vm": "vm2"}]}


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


def test_the_modes_are_the_adapters_and_the_baselines_have_none() -> None:
    assert {contender.mode for contender in MODES} <= {*KNOWN, *SHORT}
    assert {contender.mode for contender in BASELINES} == {None}
    assert len({contender.name for contender in (*MODES, *BASELINES)}) == len(MODES) + len(BASELINES)


def test_four_vms_receive_from_outside_and_a_cable_has_two_ends() -> None:
    assert [str(pair) for pair in INWARD.pairs] == [f"{EXT} -> vm{number}" for number in (1, 2, 3, 4)]
    assert VETH.loads == (ACROSS,)
