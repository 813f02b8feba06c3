"""`processor`: what each of its commands does."""

from typing import Any

import pytest

from tests.unit.asking import run
from vmdqemu.cli import processor


def test_processors_are_watched_and_made_slower(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[Any, ...]] = []
    monkeypatch.setattr(processor, "show", lambda *call: calls.append(call))
    monkeypatch.setattr(processor, "set_speed", lambda *call: calls.append(call))
    run(monkeypatch, "processor", "list", "-j")
    run(monkeypatch, "processor", "set", "--speed", "0.25", "--lab", "two")
    assert calls == [(None, True), (0.25, "two", False)]
