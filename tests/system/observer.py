"""A command that looks at a running lab, in a process of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from tests.system.command import COMMAND
from tests.system.harness import DEADLINE, RunningLab


@contextmanager
def observer(lab: RunningLab, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command that observes a lab; it does so when the block begins."""
    argv = [*COMMAND, *arguments, "--lab", lab.config.name]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == b"observing; Ctrl-C ends it\n"
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[bytes]) -> tuple[bytes, str]:
    """What a command printed that ended well."""
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode == 0, err
    return out, err.decode()
