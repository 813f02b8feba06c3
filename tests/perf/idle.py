"""What a lab costs while nothing happens: 16 VMs, the daemon, its workers and its spare."""

import time
from pathlib import Path
from typing import Final

from tests.perf.machine import processor_seconds
from tests.perf.report import Table, say
from tests.system import harness

VMS: Final = 16


def measure(seconds: float, directory: Path) -> Table:
    """Processor time used over a while, in percent of one processor."""
    vms = "".join(f'  {{ name = "vm{n}", address = "10.0.0.{n}/24" }},\n' for n in range(1, VMS + 1))
    lab_file = f'vm = [\n{vms}]\n[wire]\naddress = "10.0.0.254/24"\n'
    with harness.running(lab_file, directory) as lab:
        workers = [pid for pid in harness.worker_pids() if _parent(pid) == lab.daemon.pid]
        before = [processor_seconds(pid) for pid in (lab.daemon.pid, *workers)]
        time.sleep(seconds)
        after = [processor_seconds(pid) for pid in (lab.daemon.pid, *workers)]
    used = [(b - a) / seconds * 100 for a, b in zip(before, after, strict=True)]
    say(f"idle: {sum(used):.3f} % of a processor with {VMS} VMs")
    rows = [
        ("daemon", f"{used[0]:.3f}"),
        (f"{len(workers)} workers, the spare included", f"{sum(used[1:]):.3f}"),
    ]
    return Table(f"Idle, {VMS} VMs and a wire, over {seconds:.0f} s", ("", "% of a processor"), rows)


def _parent(pid: int) -> int:
    status = Path(f"/proc/{pid}/stat").read_text()
    return int(status.rpartition(")")[2].split()[1])
