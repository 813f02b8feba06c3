"""What processes and the machine did with their time, as the kernel books it.

Source: Linux Documentation/scheduler/sched-stats.rst (/proc/PID/schedstat), proc_stat(5).
"""

import os
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

PROC: Final = Path("/proc")
TICK: Final = 1 / os.sysconf("SC_CLK_TCK")  # seconds of a number in /proc/stat
_IDLE = slice(3, 5)  # idle and iowait: nobody had work
_STEAL: Final = 7
_MOMENT: Final = 0.005  # seconds: a reading that takes no longer is of one moment
_READINGS: Final = 10  # tried for one of a moment
_TIMES: Final = 8  # what follows is counted in user and nice already


class Ran(NamedTuple):
    """What a process got, in seconds."""

    busy: float  # it ran
    waiting: float  # it could have run, and another had the CPU


class Machine(NamedTuple):
    """All CPUs together, in seconds of one."""

    busy: float
    idle: float
    steal: float  # the hypervisor had given the CPU away


class Sample(NamedTuple):
    """The books at one moment; `processes` by pid."""

    at: float  # monotonic
    processes: Mapping[int, Ran]
    machine: Machine


class Usage(NamedTuple):
    """What was used between two samples: shares of one CPU for processes, of all for the machine."""

    seconds: float
    processes: Mapping[int, Ran]
    machine: Machine


def sample(pids: Collection[int]) -> Sample:
    """Read the books. A process that ended raises FileNotFoundError or ProcessLookupError.

    Whoever is held up between the clock and the books books time that has not passed: he reads them again.
    """
    for _ in range(_READINGS):
        found = Sample(
            time.monotonic(), {pid: _ran(pid) for pid in pids}, machine((PROC / "stat").read_text())
        )
        if time.monotonic() - found.at < _MOMENT:
            break
    return found


def between(before: Sample, after: Sample) -> Usage:
    """The shares of a CPU that the processes of both samples had, and the machine's of all its CPUs."""
    seconds = after.at - before.at
    shares = {pid: Ran(*_rates(before.processes[pid], now, seconds)) for pid, now in after.processes.items()}
    total = sum(after.machine) - sum(before.machine)
    return Usage(seconds, shares, Machine(*_rates(before.machine, after.machine, total or 1.0)))


def machine(stat: str) -> Machine:
    """The first line of /proc/stat: user nice system idle iowait irq softirq steal ..."""
    ticks = [int(number) for number in stat.partition("\n")[0].split()[1 : 1 + _TIMES]]
    idle, steal = sum(ticks[_IDLE]), ticks[_STEAL]
    return Machine((sum(ticks) - idle - steal) * TICK, idle * TICK, steal * TICK)


def _ran(pid: int) -> Ran:
    """All threads of a process."""
    books = [
        (task / "schedstat").read_text().split() for task in sorted((PROC / str(pid) / "task").iterdir())
    ]
    return Ran(*(sum(int(book[column]) for book in books) / 1e9 for column in (0, 1)))


def _rates(before: Iterable[float], after: Iterable[float], seconds: float) -> list[float]:
    return [(new - old) / seconds for old, new in zip(before, after, strict=True)]
