"""`demo`: four VMs and the outside host, iperf3 and ping across the adapter, and what was counted."""

import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from rich.console import Console

import netns
from vmdqemu import config as lab_file
from vmdqemu.cli import demo_results, measure
from vmdqemu.cli.demo_results import Results, Run
from vmdqemu.cli.interrupts import Interrupts
from vmdqemu.cli.measure import Pair
from vmdqemu.cli.start import start_detached
from vmdqemu.cli.stop import stop
from vmdqemu.config import LabConfig
from vmdqemu.daemon import control, privileges, runtime
from vmdqemu.daemon.control import Document
from vmdqemu.errors import AssertionFailed, Missing, UsageError

LAB: Final = Path(netns.__file__).parent / "labs" / "four-vms.toml"
TOOLS: Final = ("ip", "iperf3", "fping")
SETTLING: Final = 5.0  # seconds until nothing is in flight any more; it takes milliseconds

FIRST, SECOND, INWARD = Pair("vm1", "vm2"), Pair("vm3", "vm4"), Pair("ext", "vm1")
TCP_RUNS: Final = {"alone": (FIRST,), "two at once": (FIRST, SECOND), "from outside": (INWARD,)}
PINGS: Final = (FIRST, INWARD)

Say = Callable[[str], None]


class Durations(NamedTuple):
    """Seconds of one measurement."""

    tcp: float
    ping: float


FULL: Final = Durations(tcp=3.0, ping=2.0)
QUICK: Final = Durations(tcp=1.0, ping=0.5)


def demo(quick: bool, json_file: Path | None) -> None:
    """Build the lab, measure, take it down, print the tables; `json_file` gets the results.

    Raises Missing, UsageError, VmdqemuError, and AssertionFailed if the law does not hold; nothing is left
    behind then either, nor by Ctrl-C.
    """
    privileges.require()
    _check_tools()
    if json_file is not None:
        _check_writable(json_file)
    results = _run(lab_file.load(LAB), QUICK if quick else FULL)
    if json_file is not None:
        json_file.write_text(json.dumps(demo_results.document(results), indent=2) + "\n")
    demo_results.show(results)
    print(f"\nlook around yourself: {_command()} up {_shown(LAB)}")
    if not results.stats["law"]["holds"]:
        raise AssertionFailed("the law does not hold; the broken equations are above")


def _run(lab: LabConfig, durations: Durations) -> Results:
    with Interrupts() as interrupts, _progress() as say:
        say(f"building the lab: {len(lab.vms)} VMs, the adapter, the wire, the outside host")
        record = start_detached(LAB)
        try:
            runs = _measure(lab, durations, interrupts, say)
            socket = runtime.path(lab.name, "sock")
            stats = _settled(socket)
            queues = control.call(socket, "queue.list")
            status = control.call(socket, "status")
            say("taking the lab down")
        finally:
            stop(record)
    return Results(runs, status, stats, queues)


def _measure(lab: LabConfig, durations: Durations, interrupts: Interrupts, say: Say) -> list[Run]:
    runs = []
    for name, pairs in TCP_RUNS.items():
        say(f"iperf3 {' and '.join(map(str, pairs))}: {durations.tcp:g} s")
        runs.append(Run(name, durations.tcp, measure.tcp(lab, pairs, durations.tcp, interrupts), []))
    for pair in PINGS:
        say(f"ping {pair}: {durations.ping:g} s")
        runs.append(Run("ping", durations.ping, [], [measure.ping(lab, pair, durations.ping, interrupts)]))
    return runs


def _settled(socket: Path) -> Document:
    """The counters once the books balance: a frame in flight is read but not written yet."""
    until = time.monotonic() + SETTLING
    while True:
        stats: Document = control.call(socket, "stats")
        if stats["law"]["holds"] or time.monotonic() > until:
            return stats
        time.sleep(0.02)


@contextmanager
def _progress() -> Iterator[Say]:
    """Says what goes on: one line that changes on a terminal, else a line each; on stderr."""
    console = Console(stderr=True)
    if console.is_terminal:
        with console.status("") as line:
            yield line.update
    else:
        yield lambda text: print(text, file=sys.stderr, flush=True)


def _check_tools() -> None:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        raise Missing(f"{', '.join(missing)} not found", "scripts/setup installs them")


def _check_writable(file: Path) -> None:
    """Before the minute of work, not after it."""
    where = file if file.exists() else file.parent
    if file.is_dir() or not os.access(where, os.W_OK):
        raise UsageError(f"--json: {file} cannot be written; give a file in a folder that exists")


def _command() -> str:
    return _shown(Path(sys.argv[0]))


def _shown(path: Path) -> str:
    """As one would type it here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
