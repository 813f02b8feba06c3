"""A daemon in the background: ready when the starter returns, or the reason why not and nothing left."""

import os
import signal
import subprocess
import sys

import pytest

from netns import namespace
from tests.system.command import TWO_VMS, Write
from tests.system.harness import DEADLINE, eventually
from vmdqemu.daemon import control, runtime, start
from vmdqemu.daemon.start import start_detached
from vmdqemu.daemon.stop import stop
from vmdqemu.errors import LabFileError, VmdqemuError

pytestmark = pytest.mark.system

MANY_VMS = "".join(f'[[vm]]\nname = "vm{number}"\n' for number in range(64))  # nobody is slower than that


def test_the_lab_answers_when_the_starter_returns(write: Write) -> None:
    file = write(TWO_VMS)
    record = start_detached(file.path)
    assert runtime.find(file.lab) == record
    assert control.call(runtime.path(file.lab, "sock"), "status")["lab"] == file.lab


def test_the_daemon_is_in_a_session_of_its_own(write: Write) -> None:
    record = start_detached(write(TWO_VMS).path)
    assert os.getsid(record.pid) == record.pid != os.getsid(0)


def test_a_lab_file_with_a_mistake_starts_nothing(write: Write) -> None:
    file = write("vm = []")
    with pytest.raises(LabFileError):
        start_detached(file.path)
    assert file.left == set()


def test_what_the_adapter_refuses_is_a_mistake_in_the_lab_file(write: Write) -> None:
    file = write(TWO_VMS + '[adapter]\nmodel = "82598"\nmode = "vmmq"')
    with pytest.raises(LabFileError):
        start_detached(file.path)
    assert file.left == set()


def test_what_the_daemon_says_is_raised_and_nothing_is_left(write: Write) -> None:
    file = write(TWO_VMS)
    taken = f"{file.lab}-vm2"
    namespace.create(taken)
    try:
        with pytest.raises(VmdqemuError, match=f"namespace {taken} exists and is not ours"):
            start_detached(file.path)
    finally:
        namespace.remove(taken)
    assert file.left == set()


def test_a_lab_that_runs_keeps_its_log_when_it_is_started_again(write: Write) -> None:
    file = write(TWO_VMS)
    record = start_detached(file.path)
    with pytest.raises(VmdqemuError, match=rf"already running \(pid {record.pid}\)"):
        start_detached(file.path)
    assert runtime.path(file.lab, "log").exists()


def test_a_daemon_that_is_not_ready_in_time_is_ended(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(MANY_VMS)
    monkeypatch.setattr(start, "DEADLINE", 0.0)
    with pytest.raises(VmdqemuError, match="the daemon did not come up: it said nothing"):
        start_detached(file.path)
    assert file.left == set()


def test_ctrl_c_while_the_lab_is_built_leaves_nothing(write: Write) -> None:
    file = write(MANY_VMS)
    imports = "from pathlib import Path; from vmdqemu.daemon.start import start_detached"
    code = f"{imports}; start_detached(Path({str(file.path)!r}))"
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as starter:
        eventually(lambda: runtime.path(file.lab, "json").exists(), "the daemon begins")
        starter.send_signal(signal.SIGINT)
        starter.communicate(timeout=2 * DEADLINE)
    assert starter.returncode == -signal.SIGINT
    assert file.left == set()


def test_a_stopped_lab_can_be_started_again(write: Write) -> None:
    file = write(TWO_VMS)
    stop(start_detached(file.path))
    start_detached(file.path)
    assert runtime.running(file.lab)
