"""The machine that was measured, and who runs where on it."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from vmdqemu.observe import usage

_CPUS: Final = sorted(os.sched_getaffinity(0))
TOOLS_CPU: Final = _CPUS[0]  # iperf3, trafgen, ping
WORKER_CPU: Final = _CPUS[-1]  # what forwards: where the supervisor puts worker "nic"


def pinned(*argv: str) -> list[str]:
    """A tool's command line on the tools' processor."""
    return ["taskset", "-c", str(TOOLS_CPU), *argv]


def describe() -> str:
    """One line for a report."""
    cpuinfo = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":")[1].strip() for line in cpuinfo if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    return (
        f"{len(_CPUS)} processors ({names[0] if names else platform.machine()}), {memory:.0f} GiB, "
        f"Linux {platform.release()}, CPython {platform.python_version()}"
    )


def today() -> str:
    """The date of a measurement."""
    return datetime.now(UTC).date().isoformat()


def busy_seconds() -> float:
    """What all processors did so far, of whoever's."""
    return usage.machine((usage.PROC / "stat").read_text()).busy


def processor_seconds(pid: int) -> float:
    """What a process used so far, all its threads, in nanosecond grain (/proc/PID/schedstat)."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9
