"""A network namespace: one machine of the lab.

Theory of operation. A namespace has a name as long as /run/netns/NAME is bound to it; `ip netns` shows these.
It lives as long as anything holds it: the name, a process inside, an open file. So its processes end first
and its name goes last: without the name nobody finds what still runs there. `end_processes` ends every
process whose main thread is inside. A long-lived program that visits a namespace (`entered`) does so in
another thread.
"""

import ctypes
import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from netns import ipv6 as ipv6_settings
from netns import processes
from netns.errors import NetnsError
from netns.processes import Identity

RUN_DIR = Path("/run/netns")  # ip-netns(8)
HERE = "(this one)"  # the calling thread's own; it is only visited, never made or removed

_OWN = Path("/proc/thread-self/ns/net")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,254}")
_CLONE_NEWNET = 0x40000000  # setns(2): the file must be a network namespace

_libc = ctypes.CDLL(None, use_errno=True)  # os.setns exists from Python 3.12 on only


class NamespaceExists(NetnsError):
    """The name is taken, perhaps by somebody else: it is not ours to touch."""


class NamespaceMissing(NetnsError):
    """No namespace has this name."""


class CommandFailed(NetnsError):
    """A command in a namespace exited with an error, or did not end in time."""


def exists(name: str) -> bool:
    """Whether `ip netns` shows this name."""
    return _path(name).exists()


def identity(name: str) -> Identity:
    """What tells the namespace from every other, whatever it is called. Raises NamespaceMissing."""
    with opened(name) as fd:
        status = os.fstat(fd)
        return status.st_dev, status.st_ino


def find(wanted: Identity) -> str | None:
    """A name of the namespace, HERE if it is the caller's own; None if it has no name or is gone."""
    names = (HERE, *(sorted(os.listdir(RUN_DIR)) if RUN_DIR.exists() else ()))
    return next((name for name in names if _is(name, wanted)), None)


def create(name: str, *, ipv6: bool = False) -> None:
    """Make a namespace, loopback up. IPv6 is off; with `ipv6` it takes static addresses and stays quiet.

    Raises NamespaceExists, and NetnsError for a bad name or without root; nothing is left behind.
    """
    if exists(name):
        raise NamespaceExists(f"namespace {name!r} exists: choose another name, or `ip netns delete {name}`")
    _ip("netns", "add", name)
    try:
        with entered(name):
            if ipv6:
                ipv6_settings.quiet()
            else:
                ipv6_settings.disable()
        _ip("-n", name, "link", "set", "lo", "up")
    except BaseException:
        remove(name)
        raise


def remove(name: str) -> None:
    """Take the name away; no error if it is gone. What runs inside lives on unseen: `end_processes` first.

    The kernel frees the namespace and the links in it a moment later.
    """
    if not exists(name):
        return
    try:
        _ip("netns", "delete", name)
    except NetnsError:
        if exists(name):
            raise


@contextmanager
def opened(name: str) -> Iterator[int]:
    """The namespace as a file descriptor, closed at the end.

    Raises NamespaceMissing.
    """
    try:
        fd = os.open(_OWN if name == HERE else _path(name), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise NamespaceMissing(f"no namespace {name!r}: `ip netns` lists those that exist") from None
    try:
        yield fd
    finally:
        os.close(fd)


@contextmanager
def entered(name: str) -> Iterator[None]:
    """Put the calling thread inside the namespace and bring it back: about 15 us.

    Sockets, TAPs and processes made meanwhile belong to the namespace. Never `await` inside: the thread's
    whole event loop would be there.

    Raises NamespaceMissing, and NetnsError without root.
    """
    home = os.open(_OWN, os.O_RDONLY | os.O_CLOEXEC)
    try:
        with opened(name) as fd:
            try:
                _set_namespace(fd)
            except OSError as error:
                cure = "run as root" if isinstance(error, PermissionError) else f"`ip netns delete {name}`"
                raise NetnsError(f"namespace {name!r} cannot be entered: {error.strerror}: {cure}") from None
        try:
            yield
        finally:
            _set_namespace(home)
    finally:
        os.close(home)


def command(name: str, argv: Sequence[str]) -> list[str]:
    """The command line that runs `argv` inside the namespace."""
    return [*argv] if name == HERE else ["ip", "netns", "exec", name, *argv]


def start(
    name: str,
    argv: Sequence[str],
    *,
    stdin: int | IO[str] = subprocess.DEVNULL,
    stdout: int | IO[str] = subprocess.DEVNULL,
    stderr: int | IO[str] = subprocess.DEVNULL,
) -> subprocess.Popen[str]:
    """Start a command inside the namespace, with its own pid. The caller ends it and waits for it.

    Pass subprocess.PIPE only for a stream that is read: a full pipe stops the command. It leads a session
    of its own, so a Ctrl-C reaches the caller alone.

    Raises NamespaceMissing, and NetnsError without root.
    """
    # Born inside, not only led there by `ip netns exec`: so `end_processes` cannot miss one just started.
    with entered(name):
        return subprocess.Popen(
            command(name, argv), stdin=stdin, stdout=stdout, stderr=stderr, text=True, start_new_session=True
        )


def run(
    name: str, argv: Sequence[str], *, timeout: float = 30.0, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """Run a command inside the namespace to its end; stdout and stderr are captured as text.

    Raises CommandFailed if it takes longer than `timeout` seconds (it is killed, and what it started in its
    session), and with `check` if it exits with anything but 0; also what `start` raises.
    """
    what = f"namespace {name!r}: `{shlex.join(argv)}`"
    with start(name, argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            stdout, stderr = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            raise CommandFailed(f"{what} did not end within {timeout:g} s") from None
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
    if check and process.returncode != 0:
        raise CommandFailed(f"{what} exited with {process.returncode}: {(stderr or stdout).strip()}")
    return subprocess.CompletedProcess(argv, process.returncode, stdout, stderr)


def pids(name: str) -> list[int]:
    """Processes that live in the namespace; none if it is gone."""
    try:
        return processes.inside(processes.identity(_path(name)))
    except FileNotFoundError:
        return []


def end_processes(name: str, deadline: float = 2.0) -> None:
    """End every process in the namespace: SIGTERM, SIGKILL to those left after `deadline` seconds, and wait.

    Nothing to do if the namespace is gone. Raises NetnsError if the caller itself lives inside, or if a
    process outlives SIGKILL.
    """
    try:
        namespace = processes.identity(_path(name))
    except FileNotFoundError:
        return
    if os.getpid() in processes.inside(namespace):
        raise NetnsError(f"namespace {name!r} is the caller's own: leave it before ending its processes")
    if stuck := processes.end(namespace, deadline):
        raise NetnsError(
            f"namespace {name!r}: processes {stuck} outlive SIGKILL: `ps -o pid,wchan` shows where"
        )


def _path(name: str) -> Path:
    if not _NAME.fullmatch(name):
        raise NetnsError(
            f"bad namespace name {name!r}: a letter or digit, then letters, digits, '.', '_', '-'"
        )
    return RUN_DIR / name


def _is(name: str, wanted: Identity) -> bool:
    try:
        return identity(name) == wanted
    except NetnsError:  # a file of that directory that is no namespace's name, or just went
        return False


def _set_namespace(fd: int) -> None:
    if _libc.setns(fd, _CLONE_NEWNET) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def _ip(*argv: str) -> None:
    try:
        done = subprocess.run(["ip", *argv], capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise NetnsError("`ip` is missing: install iproute2") from None
    if done.returncode != 0:
        cure = "" if os.geteuid() == 0 else ": run as root"
        raise NetnsError(f"`ip {shlex.join(argv)}`: {done.stderr.strip()}{cure}")
