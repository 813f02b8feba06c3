"""SR-IOV beside the other modes: what follows from the rows."""

from dataclasses import dataclass
from typing import Any

import pytest

from tests.unit.carrying import row, trip
from tests.unit.measured_rows import STATUS
from vmdqemu.experiments.contenders import ACROSS, BRIDGE, INWARD, SRIOV, VETH, VMDQ, VMQ, VSWITCH, Contender
from vmdqemu.experiments.picture import Panels
from vmdqemu.experiments.row import Cpu
from vmdqemu.experiments.sriov import EVERYBODY, LOADS, Run, conclude, table

WORKING = Cpu(outside=0.2, adapter=0.1, host=0.4, guest=0.1)


@dataclass
class Speeds:
    """Gbit/s of one round."""

    vf: float = 16.0
    bridge: float = 20.0
    vmq: float = 8.0


def one_round(speeds: Speeds, **vf: Any) -> list[Any]:
    """vf: what is different in the rows of SR-IOV."""
    special: dict[Contender, dict[str, Any]] = {
        SRIOV: {"gbit_per_s": speeds.vf} | vf,
        BRIDGE: {"gbit_per_s": speeds.bridge, "resting": trip(0.1)},
        VETH: {"gbit_per_s": speeds.vf},
        VMQ: {"gbit_per_s": speeds.vmq, "cpu": WORKING, "handled": 90_000},
        VMDQ: {"cpu": WORKING, "handled": 90_000},
    }
    return [
        row(contender, load, **special.get(contender, {}))
        for contender in EVERYBODY
        for load in contender.loads
    ]


def run(*rounds: list[Any], law: bool = True) -> Run:
    return Run(rounds or [one_round(Speeds())], STATUS, {"holds": law, "checks": []}, ["at rest: vm1 CPU 0"])


def test_a_ratio_is_the_median_of_the_rounds_each_by_itself() -> None:
    drifting = [one_round(Speeds(vf, bridge)) for vf, bridge in ((8, 10), (16, 20), (1, 20))]
    ratios = conclude(run(*drifting)).ratios
    assert ratios["vf/bridge@VM -> VM"] == ratios["vf/bridge@from ext"] == 0.8
    assert ratios["vf/veth@VM -> VM"] == 1.0
    assert ratios["vf/vmq@from ext"] == 1.0
    assert ratios["vf/bridge rtt@VM -> VM"] == 0.5


def test_a_cable_has_no_outside() -> None:
    found = conclude(run())
    assert "vf/veth@from ext" not in found.ratios
    assert {(row["contender"], row["load"]) for row in found.rows} == {
        (contender.name, load.name) for contender in EVERYBODY for load in contender.loads
    }


@pytest.mark.parametrize(
    ("vf", "law", "broken"),
    [
        ({}, True, []),
        ({"handled": 10}, True, []),
        ({"handled": 11}, True, ["11 skbs"]),
        ({"cpu": Cpu(0.2, 0.03, 0.03, 0.2)}, True, ["0.060 of a CPU"]),
        ({}, False, ["broken"]),
    ],
)
def test_workers_with_a_part_in_what_vfs_carry_make_it_void(
    vf: dict[str, Any], law: bool, broken: list[str]
) -> None:
    found = conclude(run(one_round(Speeds(), **vf), law=law))
    assert [gate.found for gate in found.broken] == broken


def test_the_question_is_answered_with_what_the_host_spent() -> None:
    answer = conclude(run()).answer
    assert answer is not None
    assert "for 50.0 CPU ms a gigabit" in answer
    assert answer.endswith("for 0.0.")


def test_a_line_has_the_medians_of_the_rounds() -> None:
    heads, lines = table(run(*(one_round(Speeds(vf=vf)) for vf in (5.0, 6.0, 9.0))))
    assert len(lines) == len(LOADS) * len(EVERYBODY) - 1
    assert {len(line) for line in lines} == {len(heads)}
    assert lines[0][:2] == (VSWITCH.name, INWARD.name)
    vf = next(line for line in lines if line[:2] == (SRIOV.name, ACROSS.name))
    assert vf[2:] == (6.0, 50.0, 200, 0.2, 0.0, 0.0, 0.3, 3)


def test_what_was_the_same_for_everybody_is_said() -> None:
    assert conclude(run()).conditions == ["at rest: vm1 CPU 0"]


def test_the_picture_has_a_panel_for_each_measure_and_a_gap_where_nobody_was() -> None:
    picture = conclude(run()).picture
    assert isinstance(picture, Panels)
    speed, trips, cost = picture.panels
    assert speed.bars["veth"] == [None, 16.0]
    assert trips.bars["bridge"] == [100.0, 100.0]
    assert cost.bars["VMDq"] == pytest.approx([50.0, 50.0])
    assert cost.bars["bridge"] == [None, None], "it has no worker of ours"
