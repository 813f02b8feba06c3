"""Runtime files: what is known of a lab from outside its daemon.

    /run/vmdqemu/<lab>.lock   held by the daemon for as long as it lives
    /run/vmdqemu/<lab>.json   its namespaces, written before the first of them is made
    /run/vmdqemu/<lab>.sock   where it answers
    /run/vmdqemu/<lab>.peer   where it answers other daemons, while a VM moves
    /run/vmdqemu/<lab>.log    what a detached daemon has to say

A record without a live lock is what a killed lab left behind; `clean` undoes it from there.
"""

import fcntl
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from netns import namespace
from netns.loan import Loan
from vmdqemu.daemon import privileges
from vmdqemu.errors import Missing, NotRunning, UsageError, VmdqemuError

DIRECTORY: Final = Path("/run/vmdqemu")


class Record(NamedTuple):
    """What a lab made, or was about to make."""

    lab: str
    pid: int
    file: str
    namespaces: tuple[str, ...]
    loan: Loan | None = None  # the NIC that is its wire


def path(lab: str, kind: str) -> Path:
    """A lab's runtime file; kind: lock, json, sock, peer or log."""
    return DIRECTORY / f"{lab}.{kind}"


def make_directory() -> None:
    """Where runtime files go. Raises Missing for anybody who may not build labs."""
    privileges.require()
    DIRECTORY.mkdir(mode=0o750, exist_ok=True)


@contextmanager
def claimed(record: Record) -> Iterator[None]:
    """Own a lab's name and leave its record, until the block ends.

    Raises VmdqemuError if the lab runs, was left behind by a crash, or a namespace's name is taken.
    """
    make_directory()
    lock = os.open(path(record.lab, "lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _refuse_second(record, lock)
        _write(record)
        try:
            yield
        finally:
            for kind in ("sock", "peer", "json", "lock"):
                path(record.lab, kind).unlink(missing_ok=True)
    finally:
        os.close(lock)


def rewrite(lab: str, namespaces: tuple[str, ...]) -> None:
    """A running lab is about to make other namespaces, or has removed some; these are all of them."""
    _write(_read(path(lab, "json"))._replace(namespaces=namespaces))


def records() -> list[Record]:
    """The record of every lab, running or left behind. Raises Missing if they are not ours to read."""
    if DIRECTORY.exists() and not os.access(DIRECTORY, os.R_OK | os.X_OK):
        raise Missing("labs are run by root", "run as root, or with sudo")
    found = []
    for file in sorted(DIRECTORY.glob("*.json")):
        with suppress(FileNotFoundError):
            found.append(_read(file))
    return found


def running(lab: str) -> bool:
    """Whether a live daemon holds the lab's name."""
    try:
        lock = os.open(path(lab, "lock"), os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not _take(lock, fcntl.LOCK_SH)  # two who look at once do not take each other for the daemon
    finally:
        os.close(lock)


def find(lab: str | None) -> Record:
    """The record of a running lab; without a name, of the only one. Raises NotRunning, UsageError."""
    alive = [record for record in records() if running(record.lab)]
    if lab is not None:
        alive = [record for record in alive if record.lab == lab]
    if len(alive) == 1:
        return alive[0]
    if not alive:
        raise NotRunning(f"lab {lab} is not running; start it with: vmdqemu up" if lab else NO_LAB)
    names = ", ".join(record.lab for record in alive)
    raise UsageError(f"several labs are running ({names}); name one with --lab")


NO_LAB: Final = "no lab is running; start one with: vmdqemu up LAB.toml"


def clean(record: Record) -> None:
    """Undo what a killed lab left behind. Links, eBPF and shared memory went with its processes.

    A loan is given back first: a namespace that goes may take the link along. What a running lab has on its
    record too is that lab's: a VM went there.
    """
    others = [other for other in records() if other.lab != record.lab and running(other.lab)]
    moved = {name for other in others for name in other.namespaces}
    for name in record.namespaces:
        if namespace.exists(name) and name not in moved:
            namespace.end_processes(name)
            namespace.remove(name)
    for kind in ("sock", "peer", "log", "json", "lock"):
        path(record.lab, kind).unlink(missing_ok=True)


def _write(record: Record) -> None:
    """Whole or not at all: `down` must be able to read it after a crash at any moment."""
    new = path(record.lab, "new")
    loan = None if record.loan is None else record.loan._asdict()
    new.write_text(json.dumps({**record._asdict(), "loan": loan}))
    new.replace(path(record.lab, "json"))


def _read(file: Path) -> Record:
    document = json.loads(file.read_text())
    loan = document["loan"] and Loan.read(document["loan"])
    return Record(**{**document, "namespaces": tuple(document["namespaces"]), "loan": loan})


def _take(lock: int, how: int) -> bool:
    try:
        fcntl.flock(lock, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refuse_second(record: Record, lock: int) -> None:
    file = path(record.lab, "json")
    if not _take(lock, fcntl.LOCK_EX):
        pid = _read(file).pid if file.exists() else "unknown"
        raise VmdqemuError(
            f"lab {record.lab} is already running (pid {pid}); stop it: vmdqemu down {record.lab}"
        )
    if file.exists():
        raise VmdqemuError(
            f"lab {record.lab} was killed and left things behind; clean up: vmdqemu down {record.lab}"
        )
    try:
        refuse_taken(record.namespaces)
    except VmdqemuError:
        path(record.lab, "lock").unlink(missing_ok=True)
        raise


def refuse_taken(namespaces: Iterable[str]) -> None:
    """Raises VmdqemuError for a namespace that exists: what is not ours is never made, nor removed."""
    taken = [name for name in namespaces if namespace.exists(name)]
    if taken:
        raise VmdqemuError(
            f"namespace {taken[0]} exists and is not ours; remove it (ip netns del {taken[0]}) "
            "or give the lab another prefix"
        )
