"""iperf3 and fping between two machines of a running lab, and what they measured."""

import json
import math
import os
import select
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from ipaddress import ip_interface
from statistics import mean, median
from types import MappingProxyType
from typing import Final, NamedTuple

from netns import namespace
from vmdqemu.config import LabConfig
from vmdqemu.errors import VmdqemuError
from vmdqemu.experiments.rig import Rig

PATIENCE: Final = 10.0  # seconds beyond what a measurement takes
FIRST_PORT: Final = 5201  # of iperf3; each pair has its own, for several may have one target
PING_PERIOD: Final = 0.01  # seconds
LATE: Final = 2000  # ms: an echo that takes longer is lost; a busy machine lets everybody wait for a while

Ends = tuple[int | None, int | None]  # CPUs of the programs at both; None: any
ANY: Final[Ends] = (None, None)


class Pair(NamedTuple):
    """From one machine of the lab to another, by name."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"{self.source} -> {self.target}"


class Throughput(NamedTuple):
    """One TCP connection: what the receiver got."""

    pair: Pair
    gbit_per_s: float
    retransmits: int
    source_cpu: float  # of the sending iperf3, as a share of one CPU
    target_cpu: float  # of the receiving one


class RoundTrip(NamedTuple):
    """ICMP echo times, in milliseconds."""

    pair: Pair
    sent: int
    received: int
    median_ms: float
    p99_ms: float
    max_ms: float
    middle_ms: float  # the mean of the middle half

    @property
    def lost(self) -> int:
        """Echoes that did not come back."""
        return self.sent - self.received


class Flows:
    """TCP connections of iperf3 that run now."""

    def __init__(self, seconds: float, clients: dict[Pair, subprocess.Popen[str]], rig: Rig) -> None:
        self._seconds = seconds
        self._clients = clients
        self._rig = rig

    def reports(self) -> list[Throughput]:
        """Wait for their end. Raises VmdqemuError if one failed."""
        with self._rig.interrupts.taken():
            reports = {pair: _output(pair, client, self._seconds) for pair, client in self._clients.items()}
        return [parse_iperf3(pair, report) for pair, report in reports.items()]


@contextmanager
def flows(
    rig: Rig,
    pairs: Sequence[Pair],
    seconds: int,
    omitted: int = 0,
    streams: int = 1,
    segments: Mapping[Pair, int] = MappingProxyType({}),
    cpus: Mapping[Pair, Ends] = MappingProxyType({}),
) -> Iterator[Flows]:
    """Start iperf3 between all pairs at once; the first `omitted` seconds come before and do not count.

    streams: TCP connections of each pair; segments: octets of each segment, where not as many as fit;
    cpus: of iperf3 at both ends of a pair, where not any.
    """
    with ExitStack() as running:
        ports = {pair: str(FIRST_PORT + place) for place, pair in enumerate(pairs)}
        for pair in pairs:
            argv = ("iperf3", "-s", "-1", "-p", ports[pair], "--forceflush")
            server = start(running, rig.lab, pair.target, *argv, cpu=cpus.get(pair, ANY)[1])
            with rig.interrupts.taken():
                until_listening(pair, server)
        options = ("-t", str(seconds), "-O", str(omitted), "-P", str(streams), "-i", "0", "-J")
        clients = {}
        for pair in pairs:
            size = ("-M", str(segments[pair])) if pair in segments else ()
            target = ("-c", address_of(rig.lab, pair.target), "-p", ports[pair])
            argv = ("iperf3", *target, *options, *size)
            clients[pair] = start(running, rig.lab, pair.source, *argv, cpu=cpus.get(pair, ANY)[0])
        yield Flows(seconds + omitted, clients, rig)


def tcp(rig: Rig, pairs: Sequence[Pair], seconds: int) -> list[Throughput]:
    """iperf3 between all pairs at once, to their end. Raises VmdqemuError if one fails."""
    with flows(rig, pairs, seconds) as running:
        return running.reports()


def ping(
    rig: Rig, pair: Pair, seconds: float, period: float = PING_PERIOD, cpu: int | None = None
) -> RoundTrip:
    """fping to its end, an echo each period. Raises VmdqemuError if nothing comes back."""
    with echoes(rig, pair, seconds, period, cpu) as report:
        return report()


@contextmanager
def echoes(
    rig: Rig, pair: Pair, seconds: float, period: float = PING_PERIOD, cpu: int | None = None
) -> Iterator[Callable[[], RoundTrip]]:
    """fping while something else goes on; what it yields waits for its end, and raises as `ping` does."""
    count = round(seconds / period)
    every = f"{period * 1e3:g}"  # ms; fping has a limit for each target, and one for all of them
    options = ("-q", "-i", every, "-p", every, "-t", str(LATE), "-C", str(count))
    with ExitStack() as running:
        argv = ("fping", *options, address_of(rig.lab, pair.target))
        fping = start(running, rig.lab, pair.source, *argv, cpu=cpu)

        def report() -> RoundTrip:
            with rig.interrupts.taken():
                return parse_fping(pair, _output(pair, fping, seconds))

        yield report


def address_of(lab: LabConfig, name: str) -> str:
    """The first IPv4 address of a VM or of an outside host."""
    machine = next(machine for machine in lab.machines if machine.name == name)
    addresses = map(ip_interface, machine.addresses)
    return next(str(address.ip) for address in addresses if address.version == 4)


def parse_iperf3(pair: Pair, report: str) -> Throughput:
    """The client's report (`iperf3 -J`). Raises VmdqemuError with its reason."""
    try:
        document = json.loads(report)
    except ValueError:
        raise VmdqemuError(f"iperf3 {pair}: {report.strip() or 'it ended without a word'}") from None
    if reason := document.get("error"):
        raise VmdqemuError(f"iperf3 {pair}: {reason}")
    end = document["end"]
    gbit_per_s = end["sum_received"]["bits_per_second"] / 1e9
    cpu = end["cpu_utilization_percent"]
    shares = (cpu["host_total"] / 100, cpu["remote_total"] / 100)
    return Throughput(pair, gbit_per_s, end["sum_sent"]["retransmits"], *shares)


def parse_fping(pair: Pair, report: str) -> RoundTrip:
    """The report of `fping -q -C`: "ADDRESS : 0.04 - 0.03", milliseconds each, a dash for no answer."""
    answers = report.partition(" : ")[2].split()
    times = [float(answer) for answer in answers if answer != "-"]
    if not times:
        raise VmdqemuError(f"fping {pair}: no answer: {report.strip()}")
    p99, highest = percentile(times, 99), max(times)
    return RoundTrip(pair, len(answers), len(times), median(times), p99, highest, middle(times))


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of them do not exceed (nearest rank)."""
    return sorted(values)[max(0, math.ceil(len(values) * percent / 100) - 1)]


def middle(values: Sequence[float]) -> float:
    """The mean of the middle half: as steady as the median, and finer than the grain of the values."""
    quarter = len(values) // 4
    return mean(sorted(values)[quarter : len(values) - quarter])


def start(
    running: ExitStack, lab: LabConfig, name: str, *argv: str, cpu: int | None = None
) -> subprocess.Popen[str]:
    """Start a command in a machine of the lab, on a CPU or any; it is gone when `running` ends."""
    where = lab.prefix + name
    process = namespace.start(where, argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    running.callback(_end, process)
    if cpu is not None:
        with suppress(ProcessLookupError):  # it ended at once, and says why
            os.sched_setaffinity(process.pid, {cpu})
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def until_listening(pair: Pair, server: subprocess.Popen[str]) -> None:
    """Wait for an iperf3 server. Raises VmdqemuError if it does not listen."""
    assert server.stdout is not None
    said, until = b"", time.monotonic() + PATIENCE
    while b"listening" not in said:
        ready, _, _ = select.select([server.stdout], [], [], max(0.0, until - time.monotonic()))
        more = os.read(server.stdout.fileno(), 4096) if ready else b""
        if not more:
            raise VmdqemuError(f"iperf3 {pair}: the server does not listen: {said.decode().strip()}")
        said += more


def _output(pair: Pair, process: subprocess.Popen[str], seconds: float) -> str:
    try:
        return process.communicate(timeout=seconds + PATIENCE)[0]
    except subprocess.TimeoutExpired:
        raise VmdqemuError(f"{pair}: {process.args!r} did not end in time") from None
