"""A lab's name has one owner, and what a killed owner left can be found."""

import fcntl
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netns import namespace
from vmdqemu.daemon import privileges, runtime
from vmdqemu.daemon.runtime import Record
from vmdqemu.errors import Missing, NotRunning, UsageError, VmdqemuError

RECORD = Record("lab", 4711, "lab.toml", ("lab-nic", "vm1"))


@pytest.fixture(autouse=True)
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runtime files in a place of their own; nobody needs root, no namespace exists."""
    monkeypatch.setattr(runtime, "DIRECTORY", tmp_path)
    monkeypatch.setattr(privileges, "require", lambda: None)
    monkeypatch.setattr(namespace, "RUN_DIR", tmp_path / "netns")
    return tmp_path


@contextmanager
def alive(record: Record) -> Iterator[None]:
    """A running daemon's files."""
    runtime.path(record.lab, "json").write_text(json.dumps(record._asdict()))
    with runtime.path(record.lab, "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def leave_behind(record: Record) -> None:
    """The files of a daemon that was killed."""
    with alive(record):
        pass


def test_a_lab_is_found_while_it_is_claimed_and_gone_afterwards(directory: Path) -> None:
    with runtime.claimed(RECORD):
        assert runtime.running("lab")
        assert runtime.records() == [RECORD]
        assert runtime.find(None) == runtime.find("lab") == RECORD
    assert not runtime.running("lab")
    assert list(directory.iterdir()) == []


def test_a_lab_that_fails_is_gone_too(directory: Path) -> None:
    with pytest.raises(ZeroDivisionError), runtime.claimed(RECORD):
        raise ZeroDivisionError
    assert list(directory.iterdir()) == []


def test_a_second_owner_is_refused_and_changes_nothing() -> None:
    with runtime.claimed(RECORD):
        with (
            pytest.raises(VmdqemuError, match=r"already running \(pid 4711\); stop it: vmdqemu down lab"),
            runtime.claimed(RECORD._replace(pid=1)),
        ):
            pass
        assert runtime.find("lab") == RECORD


def test_what_a_killed_lab_left_is_not_overwritten() -> None:
    leave_behind(RECORD)
    with (
        pytest.raises(VmdqemuError, match="clean up: vmdqemu down lab"),
        runtime.claimed(RECORD._replace(pid=1)),
    ):
        pass
    assert runtime.records() == [RECORD]
    assert not runtime.running("lab")


def test_a_namespace_of_somebody_else_is_refused_and_left_alone(directory: Path) -> None:
    taken = directory / "netns" / "vm1"
    taken.parent.mkdir()
    taken.touch()
    with pytest.raises(VmdqemuError, match="vm1 exists and is not ours") as caught, runtime.claimed(RECORD):
        pass
    assert "ip netns del vm1" in str(caught.value)
    assert [file.name for file in directory.iterdir()] == ["netns"]


def test_clean_removes_the_files_of_a_killed_lab(directory: Path) -> None:
    leave_behind(RECORD)
    runtime.path("lab", "sock").touch()
    runtime.path("lab", "log").touch()
    runtime.path("other", "log").touch()
    runtime.clean(RECORD)
    assert [file.name for file in directory.iterdir()] == ["other.log"]


def test_what_a_running_lab_has_on_its_record_too_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """vm1 went there."""
    removed: list[str] = []
    monkeypatch.setattr(namespace, "exists", lambda _: True)
    monkeypatch.setattr(namespace, "end_processes", lambda _: None)
    monkeypatch.setattr(namespace, "remove", removed.append)
    other = Record("other", 4712, "other.toml", ("other-nic", "vm1"))
    leave_behind(RECORD)
    with alive(other):
        runtime.clean(RECORD)
    assert removed == ["lab-nic"]
    runtime.clean(other)
    assert removed == ["lab-nic", "other-nic", "vm1"]


def test_find_names_the_choice_when_several_run() -> None:
    other = RECORD._replace(lab="other")
    with alive(RECORD), alive(other):
        assert runtime.find("other") == other
        with pytest.raises(UsageError, match=r"\(lab, other\); name one with --lab"):
            runtime.find(None)


def test_who_looks_whether_a_lab_runs_is_not_taken_for_its_daemon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two `down` at once: the second would end whatever process has the dead daemon's number."""
    leave_behind(RECORD)
    look, found = fcntl.flock, []

    def looked_at_meanwhile(lock: int, how: int) -> None:
        look(lock, how)
        monkeypatch.setattr(fcntl, "flock", look)
        found.append(runtime.running("lab"))

    monkeypatch.setattr(fcntl, "flock", looked_at_meanwhile)
    assert not runtime.running("lab")
    assert found == [False]


@pytest.mark.parametrize("lab", [None, "lab"])
def test_find_finds_no_dead_lab(lab: str | None) -> None:
    leave_behind(RECORD)
    with pytest.raises(NotRunning, match="vmdqemu up"):
        runtime.find(lab)


def test_without_privilege_there_is_nothing_to_claim(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise Missing("namespaces and TAPs need root", "run as root, or with sudo")

    monkeypatch.setattr(privileges, "require", refuse)
    with pytest.raises(Missing, match="run as root"), runtime.claimed(RECORD):
        pass
    assert list(directory.iterdir()) == []


def test_what_a_running_lab_made_since_is_in_its_record() -> None:
    with runtime.claimed(RECORD):
        runtime.rewrite("lab", ("lab-nic", "vm1", "vm2"))
        assert runtime.find("lab") == RECORD._replace(namespaces=("lab-nic", "vm1", "vm2"))
