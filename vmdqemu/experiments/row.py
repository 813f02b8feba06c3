"""A row: some VMs received for a while; what they got, what that cost, and what limited them."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from statistics import median
from typing import Final, NamedTuple

WIRE_FULL: Final = 0.96  # of what the wire carries, and more: it is the limit
SPENT: Final = 0.95  # of its speed, and more: a processor is the limit
NOISE: Final = 0.05  # between two measurements of the same thing
AT_WORK: Final = 0.1  # of its speed, and less: a processor has nothing to do


class Limit(StrEnum):
    """What kept a row from more."""

    WIRE = "wire"
    PROCESSOR = "processor"
    MACHINE = "machine"  # not the emulated lab but what it runs on: such a row is compared with nothing


class Cpu(NamedTuple):
    """Who used the machine's CPUs, each as a share of one."""

    outside: float  # iperf3 in ext, with the wire and the sorter, which run on the sender's clock
    adapter: float  # worker "nic": what the VMs send
    host: float  # the processors, with the VMs' receiving stack, which runs inside their writes
    guest: float  # iperf3 in the VMs


class Row(NamedTuple):
    """One measurement."""

    at: float  # seconds since the epoch, when it began
    mode: str
    vms: int
    processors: int  # that serve a queue of these VMs
    speed: float  # of each
    gbit_per_s: float  # as iperf3's receivers count it
    retransmits: int
    ns_per_frame: float  # CPU time of the host's processors for one wire frame
    busy: tuple[float, ...]  # each processor, as a share of a CPU
    waiting: tuple[float, ...]  # for a CPU that another process had
    idle: float  # of the machine
    steal: float
    cpu: Cpu
    limit: Limit

    @property
    def cpu_s_per_gbit(self) -> float:
        """CPU seconds of the host's processors for each gigabit received."""
        return self.cpu.host / self.gbit_per_s


def limit(gbit_per_s: float, capacity: float, busy: Iterable[float], speed: float) -> Limit:
    """The full wire; else processors of which every one at work has spent its share; else the machine."""
    if gbit_per_s >= WIRE_FULL * capacity:
        return Limit.WIRE
    at_work = [share for share in busy if share > AT_WORK * speed]
    if at_work and min(at_work) >= SPENT * speed:
        return Limit.PROCESSOR
    return Limit.MACHINE


def at_work(row: Row) -> int:
    """Processors that had something to do."""
    return sum(share > AT_WORK * row.speed for share in row.busy)


def valid(rows: Iterable[Row]) -> list[Row]:
    """Those that the emulated lab limited."""
    return [row for row in rows if row.limit is not Limit.MACHINE]


def of(rows: Iterable[Row], mode: str, vms: int) -> list[Row]:
    """Those of a mode and a number of VMs."""
    return [row for row in rows if (row.mode, row.vms) == (mode, vms)]


def typical(rows: Sequence[Row]) -> Row:
    """The row in the middle by Gbit/s, the lower one of two."""
    return sorted(rows, key=lambda row: row.gbit_per_s)[(len(rows) - 1) // 2]


def rate(rows: Sequence[Row]) -> float:
    """Median of their Gbit/s."""
    return median(row.gbit_per_s for row in rows)
