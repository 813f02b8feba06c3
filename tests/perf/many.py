"""64 VMs: how long they take to come up and to go, and whether each reaches every other."""

import re
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from netns import namespace
from tests.perf.report import Table, say
from tests.system.command import vmdqemu
from tests.system.harness import eventually
from vmdqemu.config_values import MOST_VMS
from vmdqemu.daemon import control, runtime
from vmdqemu.daemon.stop import stop

LAB: Final = "many"
TIMEOUT: Final = 5000  # ms
_ANSWERED = re.compile(r"min/avg/max = [\d.]+/([\d.]+)/")


def measure(directory: Path) -> Table:
    """One lab, up and down; between that one echo from every VM to every other, all VMs at once."""
    file = directory / f"{LAB}.toml"
    vms = "".join(f'[[vm]]\nname = "vm{n}"\naddress = "10.0.0.{n}/16"\n' for n in range(1, MOST_VMS + 1))
    file.write_text(f'prefix = "{LAB}-"\n{vms}[wire]\naddress = "10.0.1.1/16"\n')
    with _up(file) as up_seconds:
        _introduce()
        times = _all_pairs()
        law = eventually(lambda: _law()["holds"], "the law holds")
        started = time.monotonic()
        done = vmdqemu("down", LAB)
        down_seconds = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    pairs = MOST_VMS * (MOST_VMS - 1)
    say(f"{MOST_VMS} VMs: up {up_seconds:.1f} s, {len(times)} of {pairs} pairs, down {down_seconds:.1f} s")
    rows = [
        ("`vmdqemu up` (s)", f"{up_seconds:.1f}"),
        ("pairs that answer their first echo", f"{len(times)} of {pairs}"),
        ("its round trip, all VMs at once, median (ms)", f"{statistics.median(times):.0f}"),
        ("the law holds", "yes" if law else "no"),
        ("`vmdqemu down` (s)", f"{down_seconds:.1f}"),
    ]
    return Table(f"{MOST_VMS} VMs and the outside host", ("", "measured"), rows)


@contextmanager
def _up(file: Path) -> Iterator[float]:
    """The lab, and how many seconds it took; whatever is left of it is gone afterwards."""
    started = time.monotonic()
    done = vmdqemu("up", file, "--detach")
    try:
        assert done.returncode == 0, done.stderr
        yield time.monotonic() - started
    finally:
        for record in runtime.records():
            if record.lab == LAB:
                stop(record)


def _introduce() -> None:
    """Tell each VM the others' MAC addresses.

    Linux keeps 1,024 neighbours for all namespaces together (gc_thresh3); the pairs need four times that.
    """
    known = control.call(runtime.path(LAB, "sock"), "vm.list")["vms"]
    entries = [f"neigh replace {vm['addresses'][0][:-3]} lladdr {vm['mac']} dev eth0\n" for vm in known]
    for vm in known:
        with namespace.start(vm["namespace"], ["ip", "-batch", "-"], stdin=subprocess.PIPE) as process:
            process.communicate("".join(entries))
        assert process.returncode == 0


def _all_pairs() -> list[float]:
    """Round trips in ms of the echoes that were answered."""
    found = []
    fping = ["fping", "-q", "-c", "1", "-i", "1", "-t", str(TIMEOUT)]
    pings = {
        vm: namespace.start(
            f"{LAB}-vm{vm}",
            [*fping, *(f"10.0.0.{peer}" for peer in range(1, MOST_VMS + 1) if peer != vm)],
            stderr=subprocess.PIPE,
        )
        for vm in range(1, MOST_VMS + 1)
    }
    for process in pings.values():
        _, said = process.communicate(timeout=60)
        found += [float(average) for average in _ANSWERED.findall(said)]
    return found


def _law() -> control.Document:
    law: control.Document = control.call(runtime.path(LAB, "sock"), "stats")["law"]
    return law
