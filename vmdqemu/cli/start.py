"""Starting a lab's daemon in the background: `up --detach` and `demo`."""

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from vmdqemu import config as lab_file
from vmdqemu.cli.stop import end
from vmdqemu.daemon import runtime
from vmdqemu.daemon.runtime import Record
from vmdqemu.errors import VmdqemuError, as_it_was

DEADLINE: Final = 60.0  # seconds until a lab is ready; four VMs take one


def start_detached(file: Path) -> Record:
    """Start the daemon of a lab in a session of its own; its record, when it is ready.

    Raises LabFileError, Missing, or VmdqemuError with what the daemon said; then nothing is left behind.
    """
    lab = lab_file.load(file).name
    runtime.make_directory()
    log = runtime.path(lab, "log")
    try:
        return _start(file.absolute(), log)
    except BaseException:
        if not runtime.running(lab):
            log.unlink(missing_ok=True)
        raise


def _start(file: Path, log: Path) -> Record:
    ours, theirs = os.pipe()
    with os.fdopen(ours) as ready:
        with os.fdopen(theirs, "w"), log.open("a") as words:
            daemon = subprocess.Popen(
                [sys.executable, "-m", "vmdqemu.daemon.main", str(file), str(theirs)],
                pass_fds=(theirs,),
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=words,
                start_new_session=True,  # Ctrl-C and the end of the terminal are not for it
            )
        try:
            said, _, _ = select.select([ready], [], [], DEADLINE)
            answer = json.loads(ready.readline() or "{}") if said else {}
            if "ready" not in answer:
                raise failure(answer, log)
            return next(record for record in runtime.records() if record.pid == daemon.pid)
        except BaseException:
            _undo(daemon)
            raise


def _undo(daemon: subprocess.Popen[bytes]) -> None:
    end(daemon.pid)
    daemon.wait()
    for record in runtime.records():
        if record.pid == daemon.pid:
            runtime.clean(record)


def failure(answer: dict[str, Any], log: Path) -> VmdqemuError:
    """What the daemon said, as the error that it was."""
    message = answer.get("error")
    if message is None:
        last = log.read_text().strip().rpartition("\n")[2]
        return VmdqemuError(f"the daemon did not come up: {last or 'it said nothing'}")
    return as_it_was(message, answer["exit_code"])
