"""A running lab for system tests: the real daemon in its own process, real namespaces, real TAPs.

The law is checked when the lab is left, and nothing of it may be there afterwards.
"""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import pytest

from netns import namespace
from vmdqemu.config import LabConfig, parse
from vmdqemu.daemon import control, runtime

DEADLINE: Final = 30.0  # seconds; for what takes milliseconds, and a lab's end a second
DAEMON: Final = ("-m", "vmdqemu.daemon.main")
_numbers = itertools.count(1)


def eventually(condition: Callable[[], Any], what: str, deadline: float = DEADLINE) -> Any:
    """Wait until a condition holds and return its value."""
    until = time.monotonic() + deadline
    while not (value := condition()):
        assert time.monotonic() < until, f"not within {deadline} s: {what}"
        time.sleep(0.01)
    return value


def residue() -> dict[str, set[str]]:
    """Everything a lab could leave: namespaces, runtime files, BPF programs of ours, worker processes."""
    programs = subprocess.run(["bpftool", "-j", "prog", "list"], capture_output=True, text=True, check=False)
    ours = {"push", "pop", "steer", "arrive", "from_wire", "from_pf", "from_vf", "outward", "inward"}
    loaded = json.loads(programs.stdout) if programs.returncode == 0 else []
    return {
        "namespaces": set(os.listdir(namespace.RUN_DIR)) if Path(namespace.RUN_DIR).exists() else set(),
        "files": {file.name for file in runtime.DIRECTORY.glob("*")},
        "programs": {str(program["id"]) for program in loaded if program.get("name") in ours},
        "workers": {str(pid) for pid in worker_pids()},
    }


def left_since(before: dict[str, set[str]]) -> dict[str, set[str]]:
    """What is there now and was not in an earlier `residue`, by kind; kinds of which nothing is left out."""
    now = residue()
    return {kind: now[kind] - before[kind] for kind in now if now[kind] - before[kind]}


def worker_pids() -> list[int]:
    """Processes that run the worker module."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and b"vmdqemu.datapath.worker" in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def marked(mark: Mapping[str, str]) -> set[str]:
    """Processes that have these variables in their environment, as their command lines."""
    wanted = [f"{name}={value}\0".encode() for name, value in mark.items()]
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended meanwhile
            if all(variable in (process / "environ").read_bytes() for variable in wanted):
                found.add((process / "cmdline").read_text())
    return found


class RunningLab:
    """A lab that is up."""

    def __init__(self, config: LabConfig, daemon: subprocess.Popen[str]) -> None:
        self.config = config
        self.daemon = daemon

    def ns(self, name: str) -> str:
        """The namespace of a VM, of an outside host, of "ext" or of "nic"."""
        return self.config.nic_namespace if name == "nic" else self.config.prefix + name

    def run(self, name: str, *argv: str, timeout: float = 60.0, check: bool = True) -> str:
        """Run a command in a VM (or ext) and return what it prints."""
        return namespace.run(self.ns(name), argv, timeout=timeout, check=check).stdout

    def start(self, name: str, *argv: str, **streams: Any) -> subprocess.Popen[str]:
        """Start a command in a VM (or ext)."""
        return namespace.start(self.ns(name), argv, **streams)

    def call(self, method: str, **params: object) -> Any:
        """Ask the daemon."""
        return control.call(runtime.path(self.config.name, "sock"), method, params)

    def port(self, name: str) -> dict[str, Any]:
        """A port's counters now; "wire" is the external port."""
        rows: list[dict[str, Any]] = self.call("stats")["ports"]
        return next(row for row in rows if row["port"] == name)

    def mac(self, name: str) -> str:
        """The address of a VM or an outside host."""
        return next(machine.mac for machine in self.config.machines if machine.name == name).hex(":")

    def worker(self, role: str) -> int | None:
        """The process that serves a role now; None while there is none."""
        workers = self.call("status")["workers"]
        return next((worker["pid"] for worker in workers if worker["role"] == role), None)

    def assert_law(self) -> None:
        """The law holds as soon as nothing is in flight."""

        def broken() -> list[str]:
            checks = self.call("stats")["law"]["checks"]
            return [
                f"{check['name']}: {check['left']} and {check['right']}"
                for check in checks
                if not check["holds"]
            ]

        until = time.monotonic() + DEADLINE
        while (problems := broken()) and time.monotonic() < until:
            time.sleep(0.02)
        assert not problems, problems


@contextmanager
def running(text: str, tmp_path: Path, program: Sequence[str] = DAEMON) -> Iterator[RunningLab]:
    """A lab from the text of a lab file, with a name and a prefix of its own; program: what Python runs."""
    name = f"t{os.getpid() % 100_000}-{next(_numbers)}"
    file = tmp_path / f"{name}.toml"
    file.write_text(f'name = "{name}"\nprefix = "{name}-"\n{text}')
    config = parse(file.read_text(), name)
    with started(file, program) as daemon:
        lab = RunningLab(config, daemon)
        try:
            yield lab
            lab.assert_law()
        finally:
            daemon.terminate()
            daemon.wait(DEADLINE)
    assert daemon.returncode == 0, "the daemon ended with an error"
    assert not list(namespace.RUN_DIR.glob(f"{name}-*"))


def shared(text: str) -> Any:
    """A fixture: one lab for the tests of a file, each of which leaves it as it was."""

    @pytest.fixture(scope="module")
    def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
        with running(text, tmp_path_factory.mktemp("shared")) as lab:
            yield lab

    return lab


@contextmanager
def started(file: Path, program: Sequence[str] = DAEMON) -> Iterator[subprocess.Popen[str]]:
    """The daemon's process, once it says that it is ready."""
    ours, theirs = os.pipe()
    daemon = subprocess.Popen(
        [sys.executable, *program, str(file), str(theirs)], pass_fds=(theirs,), text=True
    )
    os.close(theirs)
    try:
        with os.fdopen(ours) as ready:
            answer = json.loads(ready.readline() or '{"error": "the daemon ended without a word"}')
        assert answer == {"ready": True}, answer
        yield daemon
    finally:
        if daemon.poll() is None:
            daemon.terminate()
            daemon.wait(DEADLINE)
