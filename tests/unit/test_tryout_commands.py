"""`doctor` and `demo`: what each of them does."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.asking import run
from vmdqemu.cli import demo, doctor


def test_the_machine_is_looked_at_and_the_main_job_done(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(doctor, "doctor", lambda *call: calls.append(call))
    monkeypatch.setattr(demo, "demo", lambda *call: calls.append(call))
    run(monkeypatch, "doctor", "-j")
    run(monkeypatch, "demo")
    run(monkeypatch, "demo", "--quick", "--json", "there.json")
    assert calls == [(True,), (False, None), (True, Path("there.json"))]
