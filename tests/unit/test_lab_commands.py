"""`up`, `down`, `status`, `exec`, `validate`: what each of them does."""

from pathlib import Path
from typing import Any

import pytest

from tests.unit.asking import run
from vmdqemu.cli import down, execute, lab


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What was called instead."""
    made: list[tuple[Any, ...]] = []
    for module, name in ((lab, "up"), (lab, "validate"), (down, "down"), (execute, "execute")):
        monkeypatch.setattr(module, name, lambda *call: made.append(call))
    return made


@pytest.mark.parametrize(
    ("arguments", "call"),
    [
        (("up", "a.toml"), (Path("a.toml"), False)),
        (("up", "a.toml", "--detach"), (Path("a.toml"), True)),
        (("down",), (None, False)),
        (("down", "two"), ("two", False)),
        (("down", "--all"), (None, True)),
        (("exec", "vm1", "--lab", "two", "--", "ls", "-l"), ("vm1", ["ls", "-l"], "two")),
        (("validate", "a.toml"), (Path("a.toml"), False)),
        (("validate", "--schema"), (None, True)),
    ],
    ids=lambda value: " ".join(map(str, value)),
)
def test_a_command_is_carried_out_as_it_was_given(
    arguments: tuple[str, ...],
    call: tuple[Any, ...],
    calls: list[tuple[Any, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run(monkeypatch, *arguments)
    assert calls == [call]
