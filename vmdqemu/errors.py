"""The errors an operator may see, one class for each exit code.

Two kinds of trouble never mix. An operator's mistake (a wrong lab file, a missing privilege, a lab that is
not running) raises one of these: plain English, one line for each problem, and the cure. The command prints
`str(error)` and exits with `error.exit_code`, without a traceback. A bad frame never raises: it is a verdict
with a drop reason. Any other exception is a bug in vmdqemu and is let through.
"""

from collections.abc import Iterable
from pathlib import Path
from typing import ClassVar


class VmdqemuError(Exception):
    """The command failed; the message says why and what to do."""

    exit_code: ClassVar[int] = 1


class UsageError(VmdqemuError):
    """The command line asks for something that does not exist or does not fit together."""

    exit_code = 2


class NotRunning(VmdqemuError):
    """The command needs a running lab and there is none of that name."""

    exit_code = 3


class LabFileError(VmdqemuError):
    """The lab file cannot be used; `problems` holds every reason, one line each, in file order."""

    exit_code = 4

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))

    def of(self, file: Path) -> "LabFileError":
        """The same problems, each with the file's name."""
        return LabFileError(f"{file}: {problem}" for problem in self.problems)


class Missing(VmdqemuError):
    """A privilege, device or kernel feature that the command needs is not there; `cure` says how to get it.

    Both are one line; neither ends with a full stop.
    """

    exit_code = 5

    def __init__(self, message: str, cure: str) -> None:
        self.message = message
        self.cure = cure
        super().__init__(f"{message}; {cure}")


class AssertionFailed(VmdqemuError):
    """What was to be shown did not hold: the law of frames, or a number an experiment promised."""

    exit_code = 6


def as_it_was(message: str, exit_code: int | None) -> VmdqemuError:
    """An error that another process raised, from its message and exit code."""
    if exit_code == LabFileError.exit_code:
        return LabFileError(message.splitlines())
    if exit_code == Missing.exit_code:
        return Missing(*message.rsplit("; ", 1))
    if exit_code == UsageError.exit_code:
        return UsageError(message)
    if exit_code == NotRunning.exit_code:
        return NotRunning(message)
    return VmdqemuError(message)
