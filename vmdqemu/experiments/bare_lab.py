"""A lab without an adapter: Linux itself connects its machines.

A process of its own builds it from a lab file, says `ready`, and takes it down when its standard input ends:
whoever started it may be killed.
"""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from netns.lab import Lab
from vmdqemu import config as lab_file
from vmdqemu.config import LabConfig
from vmdqemu.errors import VmdqemuError
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.rig import Rig

READY: Final = "ready\n"

Build = Callable[[LabConfig, Lab], None]  # every undo goes to the lab


def serve(build: Build, file: Path) -> None:
    """Build, wait, undo. Ctrl-C is for whoever started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Lab() as lab:
        build(lab_file.load(file), lab)
        sys.stdout.write(READY)
        sys.stdout.flush()
        sys.stdin.read()


@contextmanager
def running(command: Sequence[str], file: Path, interrupts: Interrupts) -> Iterator[Rig]:
    """The lab of a module that serves, until the block ends; command: the module, and what it is told.

    Raises VmdqemuError if it cannot be built.
    """
    argv = [sys.executable, "-m", *command, str(file)]
    with subprocess.Popen(
        argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as built:
        assert built.stdout is not None
        with interrupts.taken():
            ready = built.stdout.readline() == READY
        if not ready:
            raise VmdqemuError("the lab without an adapter could not be built; what it said is above")
        yield Rig(lab_file.load(file), interrupts)
