"""The experiment of Dynamic VMQ end to end, on a balancer that is in a hurry."""

from pathlib import Path
from typing import Final

import pytest

from vmdqemu.experiments import dvmq
from vmdqemu.experiments.interrupts import Interrupts

pytestmark = pytest.mark.system


ATTEMPTS: Final = 3  # a phase lasts 0.8 s, and the machine may have something else to do


def follows(run: dvmq.Run) -> bool:
    """Whether queues spread when the load came, under dynamic placement."""
    sudden = run.stretches["dynamic"][dvmq.SUDDEN]
    return bool(sudden.moves) and max(point.serving for point in sudden.points) > 1


def run_once(out: Path) -> dvmq.Run:
    """What holds however busy the machine is, does in every run."""
    with Interrupts() as interrupts:
        run = dvmq.run(dvmq.Plan(period=0.06), out, lambda _: None, interrupts)
    assert run.law["holds"]
    static, dynamic = run.stretches["static"], run.stretches["dynamic"]
    assert all(stretch.moves == [] for stretch in static)
    assert {point.serving for stretch in static for point in stretch.points} == {dvmq.VMS}
    assert dynamic[0].points[0].serving == 1
    assert len(dvmq.conclude(run).rows) == 2 * len(dvmq.PHASES)
    return run


def test_queues_follow_the_load_under_dynamic_placement_and_stay_under_static(tmp_path: Path) -> None:
    assert any(follows(run_once(tmp_path)) for _ in range(ATTEMPTS))
