"""The experiment of Dynamic VMQ end to end, on a balancer that is in a hurry."""

from pathlib import Path

import pytest

from vmdqemu.experiments import dvmq
from vmdqemu.experiments.interrupts import Interrupts

pytestmark = pytest.mark.system


def test_queues_follow_the_load_under_dynamic_placement_and_stay_under_static(tmp_path: Path) -> None:
    with Interrupts() as interrupts:
        run = dvmq.run(dvmq.Plan(period=0.06), tmp_path, lambda _: None, interrupts)
    assert run.law["holds"]
    static, dynamic = run.stretches["static"], run.stretches["dynamic"]
    assert all(stretch.moves == [] for stretch in static)
    assert {point.serving for stretch in static for point in stretch.points} == {dvmq.VMS}
    assert dynamic[0].points[0].serving == 1
    assert dynamic[dvmq.SUDDEN].moves
    assert max(point.serving for point in dynamic[dvmq.SUDDEN].points) > 1
    assert len(dvmq.conclude(run).rows) == 2 * len(dvmq.PHASES)
