"""A lab without an adapter stands as long as somebody holds its standard input open."""

import io
import signal
import sys
from pathlib import Path

import pytest

from netns.lab import Lab
from vmdqemu.config import LabConfig
from vmdqemu.errors import VmdqemuError
from vmdqemu.experiments import bare_lab
from vmdqemu.experiments.interrupts import Interrupts


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "bare.toml"
    path.write_text('vm = [{ name = "vm1" }]')
    return path


def test_it_is_ready_once_built_and_undone_when_its_input_ends(
    file: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def build(config: LabConfig, lab: Lab) -> None:
        print(f"{config.name} is built")
        lab.push(print, "undone")

    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    bare_lab.serve(build, file)
    assert capsys.readouterr().out == "bare is built\nready\nundone\n"


def test_one_that_cannot_be_built_is_an_error(file: Path) -> None:
    with (
        pytest.raises(VmdqemuError, match="could not be built; what it said is above"),
        bare_lab.running(("json.tool",), file, Interrupts()),
    ):
        pass
