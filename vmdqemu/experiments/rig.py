"""A lab that runs for an experiment: built from a file, asked over its socket, taken down in any case."""

import shutil
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from vmdqemu import config as lab_file
from vmdqemu.config import LabConfig
from vmdqemu.daemon import control, runtime
from vmdqemu.daemon.control import Document
from vmdqemu.daemon.start import start_tied
from vmdqemu.daemon.stop import stop
from vmdqemu.errors import Missing, VmdqemuError
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.observe import usage
from vmdqemu.observe.usage import Sample

TOOLS: Final = ("ip", "iperf3", "fping")
SETTLING: Final = 5.0  # seconds until nothing is in flight any more; it takes milliseconds

Say = Callable[[str], None]  # tells the operator what goes on


class Rig(NamedTuple):
    """A running lab, and who holds Ctrl-C back while it is measured."""

    lab: LabConfig
    interrupts: Interrupts

    def call(self, method: str, **params: object) -> Document:
        """Ask the lab's daemon. Raises VmdqemuError."""
        answer: Document = control.call(runtime.path(self.lab.name, "sock"), method, params)
        return answer

    def wait(self, seconds: float) -> None:
        """Let time pass; a signal may end it."""
        with self.interrupts.taken():
            time.sleep(seconds)

    def settled(self) -> Document:
        """The counters once the books balance: a frame in flight is read but not written yet."""
        until = time.monotonic() + SETTLING
        while True:
            stats = self.call("stats")
            if stats["law"]["holds"] or time.monotonic() > until:
                return stats
            self.wait(0.02)


@contextmanager
def running(file: Path, interrupts: Interrupts) -> Iterator[Rig]:
    """A lab file's lab, until the block ends. Raises what `start_tied` does."""
    lab = lab_file.load(file)
    record = start_tied(file)
    try:
        yield Rig(lab, interrupts)
    finally:
        stop(record)


def times(workers: Collection[int]) -> Sample:
    """The CPU books of a lab's workers, by pid. Raises VmdqemuError if one died."""
    try:
        return usage.sample(workers)
    except (FileNotFoundError, ProcessLookupError):
        raise VmdqemuError("a worker died while it was measured; vmdqemu status tells of it") from None


def check_tools(tools: Sequence[str] = TOOLS) -> None:
    """Raises Missing with the names of those that are not installed."""
    missing = [tool for tool in tools if shutil.which(tool) is None]
    if missing:
        raise Missing(f"{', '.join(missing)} not found", "scripts/setup installs them")
