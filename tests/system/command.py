"""The command in a process of its own, as an operator runs it."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from netns import namespace
from vmdqemu.daemon import runtime
from vmdqemu.daemon.stop import stop

COMMAND: Final = (sys.executable, "-m", "vmdqemu")
READINGS: Final = (("status",), ("vport", "list"), ("queue", "list"), ("stats",))
TWO_VMS: Final = """
vm = [
  { name = "vm1", address = "10.0.0.1/24" },
  { name = "vm2", address = "10.0.0.2/24" },
]
"""
WIRE: Final = '[wire]\naddress = "10.0.0.9/24"\n'
_numbers = itertools.count(1)


class LabFile(NamedTuple):
    """A lab file, with a name and a prefix of its own."""

    lab: str
    path: Path

    @property
    def left(self) -> set[str]:
        """Namespaces and runtime files of this lab."""
        namespaces = Path(namespace.RUN_DIR).glob(f"{self.lab}-*")
        return {str(found) for found in (*namespaces, *runtime.DIRECTORY.glob(f"{self.lab}.*"))}


Write = Callable[[str], LabFile]


@contextmanager
def writing(folder: Path) -> Iterator[Write]:
    """Writes lab files into a folder; whatever their labs leave is gone in the end."""
    labs = []

    def write(text: str) -> LabFile:
        lab = f"c{os.getpid() % 100_000}-{next(_numbers)}"
        path = folder / f"{lab}.toml"
        path.write_text(f'prefix = "{lab}-"\n{text}')
        labs.append(lab)
        return LabFile(lab, path)

    try:
        yield write
    finally:
        for record in runtime.records():
            if record.lab in labs:
                stop(record)


def vmdqemu(
    *arguments: object, through: tuple[str, ...] = (), timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run the command to its end. through: a program that starts it."""
    argv = [*through, *COMMAND, *map(str, arguments)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=timeout, check=False)


def up(file: LabFile) -> None:
    done = vmdqemu("up", file.path, "--detach")
    assert (done.returncode, done.stderr) == (0, "")


def refused(done: subprocess.CompletedProcess[str], exit_code: int, lines: int = 1) -> str:
    """The error of a command that failed as it should: so many lines, no traceback."""
    assert (done.returncode, done.stdout) == (exit_code, ""), done.stderr
    assert done.stderr.count("\n") == lines, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr
