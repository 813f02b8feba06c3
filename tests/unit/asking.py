"""The command line, with a daemon that only takes notes of what it is asked."""

import asyncio
import inspect
import sys
from typing import Any

import pytest

from vmdqemu.cli import main, reading

Note = tuple[str, dict[str, Any]]  # a verb and its parameters


class Asks:
    """Runs a command; what it asked its daemon for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._notes: list[tuple[Any, ...]] = []
        monkeypatch.setattr(reading, "read", lambda *what: self._notes.append((what, {})))
        monkeypatch.setattr(reading, "change", lambda *what, **said: self._notes.append((what, said)))

    def __call__(self, *arguments: str) -> Note:
        """With the common options, which are always passed on."""
        run(self._monkeypatch, *arguments, "--lab", "two", "-j")
        (((verb, *common), said),) = self._notes
        self._notes.clear()
        assert common == ["two", True]
        return verb, said


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> None:
    """Run a command in this process; VmdqemuErrors are let through."""
    monkeypatch.setattr(sys, "argv", ["vmdqemu", *arguments])
    main.app(standalone_mode=False)


def ended(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int | str | None:
    """Run a command as a process does, to its exit code."""
    monkeypatch.setattr(sys, "argv", ["vmdqemu", *arguments])
    with pytest.raises(SystemExit) as raised:
        main.main()
    return raised.value.code


def answer(given: Any) -> Any:
    """What a verb of the control socket answers, at once or in the end."""
    return asyncio.run(given) if inspect.iscoroutine(given) else given
