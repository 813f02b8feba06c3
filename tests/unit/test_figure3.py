"""Figure 3 without a lab: which one it builds, and when it fits again."""

from pathlib import Path

import pytest

from tests.unit.measured_rows import row
from vmdqemu.config import load
from vmdqemu.experiments import figure3, lab_files, line
from vmdqemu.experiments.figure3 import DEFAULT, FULL, QUICK, Plan, has_drifted
from vmdqemu.experiments.row import Limit
from vmdqemu.nic.modes import MODES


@pytest.mark.parametrize("plan", [QUICK, DEFAULT, FULL])
def test_every_plan_measures_what_is_fitted_and_what_exists(plan: Plan) -> None:
    assert plan.modes[0] == "off"
    assert 4 in plan.vms
    assert set(plan.modes) <= set(MODES)


def test_the_lab_is_the_papers(tmp_path: Path) -> None:
    lab = load(lab_files.write(tmp_path, "figure3", figure3.lab_of(DEFAULT)))
    assert [vm.name for vm in lab.vms] == ["vm1", "vm2", "vm3", "vm4"]
    assert lab.host.processors == 4
    assert lab.mtu == 1500
    assert lab.wire is not None
    assert lab.wire.rate is not None
    assert line.capacity(lab.wire.rate, lab.mtu) == pytest.approx(9.415, abs=1e-3)


def test_off_that_gives_something_else_now_is_fitted_again() -> None:
    assert not has_drifted([row(gbit_per_s=5.3), row("vmq", 9.3)])
    assert has_drifted([row(gbit_per_s=4.9), row("vmq", 9.3)])
    assert not has_drifted([row(gbit_per_s=4.9, limit=Limit.MACHINE)])


def test_the_paper_has_two_points() -> None:
    assert figure3.PAPER["off", 4] == 5.4
    assert figure3.PAPER["vmq", 4] == 9.3
