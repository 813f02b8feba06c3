"""The daemon that is asked is the one that runs."""

import fcntl
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from threading import Thread

import pytest

from vmdqemu.cli import client
from vmdqemu.daemon import runtime
from vmdqemu.errors import NotRunning, UsageError


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "DIRECTORY", tmp_path)


@pytest.fixture
def alive() -> Iterator[ExitStack]:
    """What the labs of a test hold while they run."""
    with ExitStack() as stack:
        yield stack


def left_behind(lab: str) -> None:
    runtime.path(lab, "json").write_text(json.dumps(runtime.Record(lab, 1, "lab.toml", ())._asdict()))


def run(lab: str, alive: ExitStack) -> None:
    left_behind(lab)
    lock = alive.enter_context(runtime.path(lab, "lock").open("w"))
    fcntl.flock(lock, fcntl.LOCK_EX)


def answer_once(lab: str, alive: ExitStack) -> None:
    listening = alive.enter_context(
        socket.create_server(str(runtime.path(lab, "sock")), family=socket.AF_UNIX)
    )

    def serve() -> None:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            method = json.loads(lines.readline())["method"]
            connection.sendall(
                json.dumps({"id": 1, "result": {"lab": lab, "asked": method}}).encode() + b"\n"
            )

    thread = Thread(target=serve, daemon=True)
    thread.start()
    alive.callback(thread.join, 5.0)


@pytest.mark.parametrize("name", ["one", None], ids=["by its name", "the only one"])
def test_a_lab_is_asked(name: str | None, alive: ExitStack) -> None:
    run("one", alive)
    left_behind("two")
    answer_once("one", alive)
    assert client.ask("stats", name) == {"lab": "one", "asked": "stats"}


def test_one_of_several_is_not_guessed(alive: ExitStack) -> None:
    run("one", alive)
    run("two", alive)
    with pytest.raises(UsageError, match=r"several labs are running \(one, two\); name one with --lab"):
        client.ask("stats", None)


@pytest.mark.parametrize("name", ["two", None])
def test_what_was_left_behind_is_not_running(name: str | None) -> None:
    left_behind("two")
    with pytest.raises(NotRunning, match="vmdqemu up"):
        client.ask("stats", name)


def test_a_daemon_that_died_meanwhile_is_not_running(alive: ExitStack) -> None:
    run("one", alive)
    with pytest.raises(NotRunning, match="nobody answers"):
        client.ask("stats", "one")
