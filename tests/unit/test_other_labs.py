"""Controls with labs of their own: each is fitted or measured in its lab, and that is taken down."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.unit.measured_rows import row
from vmdqemu.config import parse
from vmdqemu.daemon import control as socket
from vmdqemu.experiments import other_labs, receive, rig
from vmdqemu.experiments.further_controls import Bench
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.rig import Rig
from vmdqemu.experiments.row import Row

RIG = Rig(parse('vm = [{ name = "vm1" }]', "one"), Interrupts())
BENCH = Bench(RIG, 0.2, 4, 1, row("off", 5.4), row("vmq", 9.3))


@pytest.fixture
def speeds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the lab was told; a whole CPU moves 0.9 Gbit/s with off, and twice that with vmq."""
    told: list[float] = []

    @contextmanager
    def running(*_: object) -> Iterator[Rig]:
        yield RIG

    def call(_: object, __: str, params: dict[str, Any]) -> Any:
        told.extend([params["speed"]] if "speed" in params else [])
        return {}

    def receive_now(_: Rig, mode: str, *__: int) -> Row:
        return row(mode, (0.9 if mode == "off" else 1.5) * told[-1], speed=told[-1])

    monkeypatch.setattr(rig, "running", running)
    monkeypatch.setattr(socket, "call", call)
    monkeypatch.setattr(receive, "receive", receive_now)
    return told


def test_single_frames_are_fitted_to_the_same_share_of_a_slower_wire(speeds: list[float]) -> None:
    control = other_labs.frames_one_by_one(BENCH, Path("c10.toml"))
    assert speeds[-1] == pytest.approx(0.6)
    assert control.answer.startswith("off 0.540, vmq 0.900 of 0.941 Gbit/s, ratio 1.67")


def test_another_lab_is_measured_at_the_speed_that_was_fitted(speeds: list[float]) -> None:
    control = other_labs.other_lab(BENCH, Path("c13.toml"), "C13", "larger frames")
    assert speeds == [0.2, 0.2]
    assert control.answer == "off 0.18 Gbit/s (processor); vmq 0.30 Gbit/s (wire)"
