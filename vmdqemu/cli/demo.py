"""`demo`: four VMs and the outside host, iperf3 and ping across the adapter, and what was counted."""

import json
import os
import sys
from pathlib import Path
from typing import Final, NamedTuple

import netns
from vmdqemu.cli import demo_results
from vmdqemu.cli.demo_results import Results, Run
from vmdqemu.cli.progress import progress
from vmdqemu.daemon import privileges
from vmdqemu.errors import AssertionFailed, UsageError
from vmdqemu.experiments import measure, rig
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.measure import Pair
from vmdqemu.experiments.rig import Rig, Say

LAB: Final = Path(netns.__file__).parent / "labs" / "four-vms.toml"

FIRST, SECOND, INWARD = Pair("vm1", "vm2"), Pair("vm3", "vm4"), Pair("ext", "vm1")
TCP_RUNS: Final = {"alone": (FIRST,), "two at once": (FIRST, SECOND), "from outside": (INWARD,)}
PINGS: Final = (FIRST, INWARD)


class Durations(NamedTuple):
    """Seconds of one measurement."""

    tcp: int  # iperf3 3.12 knows whole ones only
    ping: float


FULL: Final = Durations(tcp=3, ping=2.0)
QUICK: Final = Durations(tcp=1, ping=0.5)


def demo(quick: bool, json_file: Path | None) -> None:
    """Build the lab, measure, take it down, print the tables; `json_file` gets the results.

    Raises Missing, UsageError, VmdqemuError, and AssertionFailed if the law does not hold; nothing is left
    behind then either, nor by Ctrl-C.
    """
    privileges.require()
    rig.check_tools()
    if json_file is not None:
        _check_writable(json_file)
    results = _run(LAB, QUICK if quick else FULL)
    if json_file is not None:
        json_file.write_text(json.dumps(demo_results.document(results), indent=2) + "\n")
    demo_results.show(results)
    print(f"\nlook around yourself: {_command()} up {_shown(LAB)}")
    if not results.stats["law"]["holds"]:
        raise AssertionFailed("the law does not hold; the broken equations are above")


def _run(file: Path, durations: Durations) -> Results:
    with Interrupts() as interrupts, progress() as say:
        say("building the lab: its VMs, the adapter, the wire, the outside host")
        with rig.running(file, interrupts) as lab:
            runs = _measure(lab, durations, say)
            stats = lab.settled()
            results = Results(runs, lab.call("status"), stats, lab.call("queue.list"))
            say("taking the lab down")
    return results


def _measure(lab: Rig, durations: Durations, say: Say) -> list[Run]:
    runs = []
    for name, pairs in TCP_RUNS.items():
        say(f"iperf3 {' and '.join(map(str, pairs))}: {durations.tcp} s")
        runs.append(Run(name, durations.tcp, measure.tcp(lab, pairs, durations.tcp), []))
    for pair in PINGS:
        say(f"ping {pair}: {durations.ping:g} s")
        runs.append(Run("ping", durations.ping, [], [measure.ping(lab, pair, durations.ping)]))
    return runs


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
