"""`vmdqemu trace` as a test runs it: in this process, on a lab file."""

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.unit.asking import run


class Trace:
    """The command, and what it printed."""

    def __init__(
        self, lab: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        self._lab, self._monkeypatch, self._capsys = lab, monkeypatch, capsys

    def __call__(self, *arguments: str) -> str:
        """Run it; VmdqemuErrors are let through."""
        run(self._monkeypatch, "trace", "--lab", str(self._lab), *arguments)
        return self._capsys.readouterr().out

    def frames(self, *arguments: str) -> list[dict[str, Any]]:
        """The documents of its frames."""
        document = json.loads(self("-j", *arguments))
        assert document.keys() == {"schema_version", "frames"}
        assert document["schema_version"] == 1
        frames: list[dict[str, Any]] = document["frames"]
        return frames

    def type_in(self, data: bytes) -> None:
        """What standard input holds."""
        self._monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(data))))


def changed(*changes: str) -> list[str]:
    """The options for other values of the lab's keys."""
    return [word for change in changes for word in ("--set", change)]
