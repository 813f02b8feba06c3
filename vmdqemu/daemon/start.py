"""Starting a lab's daemon in the background: `up --detach` and `demo`."""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, Final

from vmdqemu import config as lab_file
from vmdqemu.daemon import runtime
from vmdqemu.daemon.runtime import Record
from vmdqemu.daemon.stop import clean, end
from vmdqemu.errors import VmdqemuError, as_it_was

DEADLINE: Final = 60.0  # seconds until a lab is ready; four VMs take one

_PR_SET_PDEATHSIG: Final = 1


def start_detached(file: Path) -> Record:
    """Start the daemon of a lab in a session of its own; its record, when it is ready.

    Raises LabFileError, Missing, or VmdqemuError with what the daemon said; then nothing is left behind.
    """
    lab = lab_file.load(file).name
    runtime.make_directory()
    log = runtime.path(lab, "log")
    try:
        with log.open("a+") as words:
            return _start(file.absolute(), words)
    except BaseException:
        if not runtime.running(lab):
            log.unlink(missing_ok=True)
        raise


def start_tied(file: Path) -> Record:
    """As `start_detached`, but it ends with us, however we end: if we are killed, it undoes its lab."""
    with TemporaryFile("a+") as words:
        return _start(file.absolute(), words, _tie)


def _start(file: Path, words: IO[str], prepare: Callable[[], None] | None = None) -> Record:
    ours, theirs = os.pipe()
    with os.fdopen(ours) as ready:
        with os.fdopen(theirs, "w"):
            daemon = subprocess.Popen(
                [sys.executable, "-m", "vmdqemu.daemon.main", str(file), str(theirs)],
                pass_fds=(theirs,),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,  # Ctrl-C and the end of the terminal are not for it
                preexec_fn=prepare,
            )
        try:
            said, _, _ = select.select([ready], [], [], DEADLINE)
            answer = json.loads(ready.readline() or "{}") if said else {}
            if "ready" not in answer:
                raise failure(answer, words)
            return next(record for record in runtime.records() if record.pid == daemon.pid)
        except BaseException:
            _undo(daemon)
            raise


def _tie() -> None:
    """In the child: be told when the parent dies, prctl(2)."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _undo(daemon: subprocess.Popen[bytes]) -> None:
    end(daemon.pid)
    daemon.wait()
    for record in runtime.records():
        if record.pid == daemon.pid:
            clean(record)


def failure(answer: dict[str, Any], words: IO[str]) -> VmdqemuError:
    """What the daemon answered, as the error that it was; without an answer, the last of its words."""
    message = answer.get("error")
    if message is None:
        words.seek(0)
        last = words.read().strip().rpartition("\n")[2]
        return VmdqemuError(f"the daemon did not come up: {last or 'it said nothing'}")
    return as_it_was(message, answer["exit_code"])
