"""An experiment's lab: what it needs, and when its books are looked at."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from vmdqemu.config import parse
from vmdqemu.daemon import control
from vmdqemu.errors import Missing, VmdqemuError
from vmdqemu.experiments import rig
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.rig import Rig


def test_missing_tools_are_named_with_their_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match="ip, iperf3, fping not found; scripts/setup installs them"):
        rig.check_tools()


def test_the_books_are_taken_when_nothing_is_in_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([{"law": {"holds": False}}, {"law": {"holds": True}}])
    asked: list[tuple[str, str]] = []

    def call(path: Path, method: str, _: dict[str, Any]) -> Any:
        asked.append((path.name, method))
        return next(answers)

    monkeypatch.setattr(control, "call", call)
    lab = Rig(parse('vm = [{ name = "vm1" }]', "two"), Interrupts())
    assert lab.settled() == {"law": {"holds": True}}
    assert asked == [("two.sock", "stats")] * 2


def test_books_that_never_balance_are_taken_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(control, "call", lambda *_: {"law": {"holds": False}})
    monkeypatch.setattr(rig, "SETTLING", 0.05)
    assert not Rig(parse('vm = [{ name = "vm1" }]', "two"), Interrupts()).settled()["law"]["holds"]


def test_a_worker_that_died_is_an_error_and_not_a_share_of_nothing() -> None:
    with subprocess.Popen(["true"]) as worker:
        pass
    with pytest.raises(VmdqemuError, match="a worker died while it was measured; vmdqemu status tells"):
        rig.times([os.getpid(), worker.pid])
