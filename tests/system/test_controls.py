"""The controls catch what they are there for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from vmdqemu import config
from vmdqemu.experiments import controls, lab_files, rig
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.lab_files import Receivers
from vmdqemu.experiments.rig import Rig

pytestmark = pytest.mark.system

SPEED = 0.1
TWO_VMS = Receivers(vms=2, processors=2, speed=SPEED)
SLOW_LINE = 1000  # Mbit/s
ATTEMPTS = 5  # this machine has other things to do
CORRECTION = (1500 + 38) / (1500 + 14)  # of a shaper that sees superframes; design.md, "Line rate"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    file = lab_files.write(tmp_path_factory.mktemp("lab"), "controls", TWO_VMS)
    with Interrupts() as interrupts, rig.running(file, interrupts) as running:
        yield running


class Unheld(Rig):
    """A lab whose processors are not held to the speed that they are told."""

    def call(self, method: str, **params: object) -> Any:
        """Every request but the one for a speed."""
        if method == "processor.set":
            params["speed"] = 3 * SPEED
        return super().call(method, **params)


def test_a_processor_that_is_held_to_its_speed_passes(lab: Rig) -> None:
    assert any(controls.limiter(lab, SPEED, seconds=1).holds for _ in range(ATTEMPTS))


def test_a_processor_that_is_not_held_is_caught(lab: Rig) -> None:
    control = controls.limiter(Unheld(*lab), SPEED, seconds=1)
    assert not control.holds, control.answer


def test_a_wire_without_the_overhead_correction_is_caught(
    lab: Rig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a wire that a machine can fill when nothing else keeps it busy for two seconds.

    What is held to the right rate never passes for too fast, but for too slow; what is not, both.
    """
    monkeypatch.setattr(controls, "TRIES", 1)
    slow = TWO_VMS._replace(rate=SLOW_LINE)
    honest = Rig(config.load(lab_files.write(tmp_path, "slow", slow)), lab.interrupts)
    right = lab_files.write(tmp_path, "slow-c1", slow)
    assert any(controls.wire_only(right, honest, seconds=1).holds for _ in range(ATTEMPTS))
    wrong = lab_files.write(tmp_path, "wrong-c1", slow._replace(rate=SLOW_LINE * CORRECTION))
    assert not all(controls.wire_only(wrong, honest, seconds=1).holds for _ in range(ATTEMPTS))


def test_a_machine_that_is_taken_away_is_noticed(lab: Rig) -> None:
    lab.call("mode.set", mode="vmq")
    lab.call("processor.set", speed=0.5)
    control = controls.machine_gate(lab, "vmq", seconds=1)
    assert control.holds, control.answer
