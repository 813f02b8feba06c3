"""Stopping a lab, whatever became of its daemon."""

import os
import signal

import pytest

from tests.system.command import TWO_VMS, WIRE, Write
from vmdqemu.daemon import runtime
from vmdqemu.daemon import stop as stopping
from vmdqemu.daemon.start import start_detached
from vmdqemu.daemon.stop import stop

pytestmark = pytest.mark.system


def test_a_running_lab_is_gone_when_stop_returns(write: Write) -> None:
    file = write(TWO_VMS + WIRE)
    stop(start_detached(file.path))
    assert file.left == set()


def test_what_a_killed_daemon_left_is_undone(write: Write) -> None:
    file = write(TWO_VMS + WIRE)
    record = start_detached(file.path)
    os.kill(record.pid, signal.SIGKILL)
    os.waitpid(record.pid, 0)
    assert not runtime.running(file.lab)
    assert file.left
    stop(record)
    assert file.left == set()


def test_a_daemon_that_does_not_react_is_killed(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(TWO_VMS + WIRE)
    record = start_detached(file.path)
    os.kill(record.pid, signal.SIGSTOP)
    monkeypatch.setattr(stopping, "DEADLINE", 0.2)
    stop(record)
    assert file.left == set()


def test_a_lab_that_is_gone_already_is_stopped_without_a_word(write: Write) -> None:
    file = write(TWO_VMS)
    record = start_detached(file.path)
    stop(record)
    stop(record)
    assert file.left == set()
