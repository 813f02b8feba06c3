"""The processes of a namespace: found through /proc, ended through pidfds.

A pid may be given to a stranger between looking and signalling; a pidfd never is (pidfd_open(2)).
A process is where its main thread is: a visit by another thread does not show.
"""

import os
import select
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

Identity = tuple[int, int]  # device and inode: what two links to one namespace have in common, namespaces(7)

_KILL_SECONDS = 5.0  # SIGKILL cannot be refused: only a process stuck in the kernel outlives it


def identity(path: Path) -> Identity:
    """The namespace that a file in /run/netns or /proc/PID/ns stands for."""
    status = path.stat()
    return status.st_dev, status.st_ino


def inside(namespace: Identity) -> list[int]:
    """Pids of the processes that live in the namespace."""
    return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _lives_in(int(pid), namespace)]


def end(namespace: Identity, deadline: float) -> list[int]:
    """SIGTERM, SIGKILL to those left after `deadline` seconds, and wait. Returns those that outlive both."""
    for number, seconds in ((signal.SIGTERM, deadline), (signal.SIGKILL, _KILL_SECONDS)):
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with _pidfds(namespace) as pidfds:
                if not pidfds:
                    return []
                for pidfd in pidfds:
                    with suppress(ProcessLookupError):
                        signal.pidfd_send_signal(pidfd, number)
                _wait_for_end(pidfds, until)
            # Around again: one may have started another while it ended.
    return inside(namespace)


@contextmanager
def _pidfds(namespace: Identity) -> Iterator[list[int]]:
    with ExitStack() as stack:
        pidfds = {}
        for pid in inside(namespace):
            with suppress(ProcessLookupError):
                pidfds[pid] = os.pidfd_open(pid)
                stack.callback(os.close, pidfds[pid])
        # Looked at again with the pidfds in hand: a pid reused before its pidfd was opened lives elsewhere.
        yield [pidfd for pid, pidfd in pidfds.items() if _lives_in(pid, namespace)]


def _wait_for_end(pidfds: list[int], until: float) -> None:
    poller = select.poll()
    for pidfd in pidfds:
        poller.register(pidfd, select.POLLIN)  # readable when the process has ended
    running = len(pidfds)
    while running and (seconds := until - time.monotonic()) > 0:
        for pidfd, _ in poller.poll(seconds * 1000):
            poller.unregister(pidfd)
            running -= 1


def _lives_in(pid: int, namespace: Identity) -> bool:
    try:
        return identity(Path(f"/proc/{pid}/ns/net")) == namespace
    except (FileNotFoundError, ProcessLookupError, PermissionError):  # ended meanwhile, or not ours to see
        return False
