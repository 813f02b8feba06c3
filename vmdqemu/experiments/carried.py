"""One contender under one load: what it carried, how long an echo took, and who worked for it."""

import os
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from vmdqemu.config import EXT
from vmdqemu.experiments import affinity, measure
from vmdqemu.experiments.contenders import Contender, Load
from vmdqemu.experiments.measure import Ends, Pair, RoundTrip, Throughput
from vmdqemu.experiments.receive import MARGIN, START
from vmdqemu.experiments.rig import Rig, times
from vmdqemu.experiments.row import Cpu
from vmdqemu.observe import usage
from vmdqemu.observe.usage import Sample

RESTING: Final = 0.5  # seconds of echoes before the load
PERIOD: Final = 0.002  # seconds from echo to echo


class Carried(NamedTuple):
    """One measurement."""

    at: float  # seconds since the epoch, when it began
    contender: Contender
    load: Load
    gbit_per_s: float
    retransmits: int
    resting: RoundTrip  # while nothing else went on
    loaded: RoundTrip  # beside the load
    cpu: Cpu
    busy: float  # CPUs of the machine, whoever used them
    steal: float
    handled: int  # reads and writes of our workers, in skbs

    @property
    def cpu_ms_per_gbit(self) -> float:
        """CPU time of our workers, the adapter's and the host's, for each gigabit."""
        return (self.cpu.adapter + self.cpu.host) / self.gbit_per_s * 1e3


class _Books(NamedTuple):
    times: Sample
    handled: int


def carry(rig: Rig, contender: Contender, load: Load, seconds: int) -> Carried:
    """Measure for whole seconds. Raises VmdqemuError if a tool fails or a worker dies."""
    at, workers = time.time(), _workers(rig) if contender.mode else []
    resting = _at_rest(rig, contender, load.pairs[0])
    cpus = _spread(rig, contender, load)
    look = seconds - 2 * MARGIN
    with measure.flows(rig, load.pairs, seconds, START, cpus=cpus) as flows:
        rig.wait(START + MARGIN)
        before = _books(rig, workers)
        with measure.echoes(rig, load.pairs[0], look, cpu=cpus[load.pairs[0]][0]) as report:
            rig.wait(look)
            after = _books(rig, workers)
            loaded = report()
        reports = flows.reports()
    used = usage.between(before.times, after.times)
    return Carried(
        at=at,
        contender=contender,
        load=load,
        gbit_per_s=sum(flow.gbit_per_s for flow in reports),
        retransmits=sum(flow.retransmits for flow in reports),
        resting=resting,
        loaded=loaded,
        cpu=_cpu(reports, [ran.busy for ran in used.processes.values()]),
        busy=used.machine.busy * (os.cpu_count() or 1),
        steal=used.machine.steal,
        handled=after.handled - before.handled,
    )


def _at_rest(rig: Rig, contender: Contender, pair: Pair) -> RoundTrip:
    """On one CPU: what the way takes, not what it takes to wake another CPU."""
    together = affinity.together(rig.lab)
    together.take_in(contender.cables(rig))
    return measure.ping(rig, pair, RESTING, PERIOD, together.ends(pair)[0])


def _spread(rig: Rig, contender: Contender, load: Load) -> dict[Pair, Ends]:
    """On all CPUs; those of the tools."""
    apart = affinity.apart(rig.lab)
    apart.take_in(contender.cables(rig))
    return {pair: apart.ends(pair) for pair in load.pairs}


def _cpu(reports: Sequence[Throughput], workers: Sequence[float]) -> Cpu:
    """workers: their shares of a CPU, the adapter's first."""
    ends = [
        end for flow in reports for end in zip(flow.pair, (flow.source_cpu, flow.target_cpu), strict=True)
    ]
    return Cpu(
        outside=sum((share for name, share in ends if name == EXT), 0.0),
        adapter=sum(workers[:1], 0.0),
        host=sum(workers[1:], 0.0),
        guest=sum((share for name, share in ends if name != EXT), 0.0),
    )


def _workers(rig: Rig) -> list[int]:
    """The process of the adapter, and those of the host's processors."""
    nic = next(worker for worker in rig.call("status")["workers"] if worker["role"] == "nic")
    return [nic["pid"], *(worker["pid"] for worker in rig.call("processor.list")["processors"])]


def _books(rig: Rig, workers: Sequence[int]) -> _Books:
    ports = rig.call("stats")["ports"] if workers else []
    return _Books(times(workers), sum(port["reads"] + port["writes"] for port in ports))
