"""`processor list` and `processor set`: the host's processors, and what they do with their time."""

import json
import time
from typing import Final

from vmdqemu.cli import client, table
from vmdqemu.daemon.control import Document
from vmdqemu.errors import VmdqemuError
from vmdqemu.observe import usage

SECONDS: Final = 1.0  # that are watched


def show(lab: str | None, as_json: bool) -> None:
    """Watch the processors for a second and print what they did. Raises NotRunning, VmdqemuError."""
    _print(watch(client.ask("processor.list", lab), SECONDS), as_json)


def set_speed(speed: float, lab: str | None, as_json: bool) -> None:
    """Give every processor another share of its CPU, then as `show`. Raises VmdqemuError if refused."""
    _print(watch(client.ask("processor.set", lab, speed=speed), SECONDS), as_json)


def watch(document: Document, seconds: float) -> Document:
    """The daemon's document, with shares of a CPU for each processor and of all CPUs for the machine."""
    pids = [row["pid"] for row in document["processors"] if row["pid"] is not None]
    try:
        before = usage.sample(pids)
        time.sleep(seconds)
        used = usage.between(before, usage.sample(pids))
    except (FileNotFoundError, ProcessLookupError):
        raise VmdqemuError("a worker was replaced meanwhile; ask again") from None
    rows = [
        row | (used.processes[row["pid"]]._asdict() if row["pid"] in used.processes else {})
        for row in document["processors"]
    ]
    machine = {share: round(value, 4) for share, value in used.machine._asdict().items()}
    return document | {"seconds": round(used.seconds, 3), "processors": rows, "machine": machine}


def _print(document: Document, as_json: bool) -> None:
    if as_json:
        print(json.dumps(document, indent=2))
        return
    heads = ("processor", "CPU", "speed", "busy", "waiting", "RX queues")
    table.show(heads, [_row(row) for row in document["processors"]])
    print("shares of one CPU; waiting: ready to run while another process had the CPU")
    print("machine: busy {busy:.0%}, idle {idle:.0%}, stolen {steal:.0%}".format_map(document["machine"]))


def _row(row: Document) -> tuple[int, int, float, float | str, float | str, str]:
    """A processor whose worker is being replaced has no shares."""
    queues = " ".join(map(str, row["queues"])) or "-"
    shares = (row.get("busy", "-"), row.get("waiting", "-"))
    return (row["processor"], row["cpu"], row["speed"], *shares, queues)
