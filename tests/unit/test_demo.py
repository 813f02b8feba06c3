"""The demo without a lab: what it refuses, and how it ends."""

import json
from pathlib import Path

import pytest

from tests.unit.measured import measured
from vmdqemu.cli import demo as command
from vmdqemu.cli.demo import demo
from vmdqemu.config import load
from vmdqemu.daemon import privileges
from vmdqemu.errors import AssertionFailed, Missing, UsageError
from vmdqemu.experiments import rig


@pytest.fixture
def _measured_already(monkeypatch: pytest.MonkeyPatch) -> None:
    """No lab is built: the run's results are there."""
    monkeypatch.setattr(command, "_run", lambda *_: measured())
    monkeypatch.setattr(rig, "check_tools", lambda: None)
    monkeypatch.setattr(privileges, "require", lambda: None)


@pytest.mark.usefixtures("_measured_already")
def test_a_broken_law_is_named_written_down_and_ends_in_exit_code_6(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "_run", lambda *_: measured(right=4))
    file = tmp_path / "results.json"
    with pytest.raises(AssertionFailed) as failed:
        demo(True, file)
    assert failed.value.exit_code == 6
    assert "broken: vm1: tx_packets = reads: 5 and 4" in capsys.readouterr().out
    assert json.loads(file.read_text())["law"]["holds"] is False


@pytest.mark.usefixtures("_measured_already")
@pytest.mark.parametrize("file", ["", "no-such-folder/results.json"])
def test_a_file_that_cannot_be_written_is_refused_before_anything_runs(
    file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "_run", lambda *_: pytest.fail("it ran"))
    with pytest.raises(UsageError, match="--json"):
        demo(True, tmp_path / file)


def test_a_missing_tool_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(privileges, "require", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Missing, match="ip, iperf3, fping not found; scripts/setup installs them"):
        demo(True, None)


def test_the_lab_has_every_machine_that_is_measured() -> None:
    lab = load(command.LAB)
    names = {vm.name for vm in lab.vms} | {"ext"}
    measured = [*(pair for pairs in command.TCP_RUNS.values() for pair in pairs), *command.PINGS]
    assert {name for pair in measured for name in pair} <= names
