"""Some VMs receive TCP from the outside at once, and the books of everybody who works for it are read."""

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from vmdqemu.config import EXT
from vmdqemu.experiments import line, measure, row
from vmdqemu.experiments.measure import Pair, Throughput
from vmdqemu.experiments.rig import Rig, times
from vmdqemu.experiments.row import Cpu, Row
from vmdqemu.observe import usage
from vmdqemu.observe.usage import Sample

START: Final = 1  # second in which TCP finds its rate; iperf3 omits it
MARGIN: Final = 0.1  # seconds of the rest at which nobody looks: iperf3's clock is not ours


class _Setting(NamedTuple):
    """What is known before."""

    at: float
    mode: str
    vms: int
    processors: int
    speed: float
    capacity: float  # of the wire, Gbit/s


class _Books(NamedTuple):
    """What is read at the beginning and at the end."""

    times: Sample
    wire_frames: int  # that came in


def receive(rig: Rig, mode: str, vms: int, seconds: int, streams: int = 1) -> Row:
    """The lab's first VMs receive from ext for whole seconds; `mode` is what the lab's setting is called.

    Raises VmdqemuError if iperf3 fails or a worker dies.
    """
    names = [vm.name for vm in rig.lab.vms[:vms]]
    served = rig.call("processor.list")["processors"]
    nic = next(worker for worker in rig.call("status")["workers"] if worker["role"] == "nic")
    pids = [worker["pid"] for worker in (nic, *served)]
    in_use = len(processors_of(rig, names))
    setting = _Setting(time.time(), mode, vms, in_use, served[0]["speed"], capacity(rig))
    with measure.flows(rig, [Pair(EXT, name) for name in names], seconds, START, streams) as flows:
        rig.wait(START + MARGIN)
        before = _books(rig, pids)
        rig.wait(seconds - 2 * MARGIN)
        after = _books(rig, pids)
        return _row(setting, before, after, flows.reports())


def _row(setting: _Setting, before: _Books, after: _Books, flows: Sequence[Throughput]) -> Row:
    used = usage.between(before.times, after.times)
    nic, *processors = used.processes.values()
    gbit_per_s = sum(flow.gbit_per_s for flow in flows)
    busy = tuple(processor.busy for processor in processors)
    wire_frames = max(1, after.wire_frames - before.wire_frames)
    cpu = Cpu(
        outside=sum(flow.source_cpu for flow in flows),
        adapter=nic.busy,
        host=sum(busy),
        guest=sum(flow.target_cpu for flow in flows),
    )
    return Row(
        at=setting.at,
        mode=setting.mode,
        vms=setting.vms,
        processors=setting.processors,
        speed=setting.speed,
        gbit_per_s=gbit_per_s,
        retransmits=sum(flow.retransmits for flow in flows),
        ns_per_frame=sum(busy) * used.seconds / wire_frames * 1e9,
        busy=busy,
        waiting=tuple(processor.waiting for processor in processors),
        idle=used.machine.idle,
        steal=used.machine.steal,
        cpu=cpu,
        limit=row.limit(gbit_per_s, setting.capacity, busy, setting.speed),
    )


def capacity(rig: Rig) -> float:
    """Gbit/s of TCP that the lab's wire carries; without a rate there is no end."""
    wire = rig.lab.wire
    assert wire is not None
    return float("inf") if wire.rate is None else line.capacity(wire.rate, rig.lab.mtu)


def processors_of(rig: Rig, names: Sequence[str]) -> set[int]:
    """Who serves these VMs: the processors of their queues; of the default queues where they have none."""
    queues = rig.call("queue.list")["queues"]
    owned = [queue for queue in queues if queue["VmFriendlyName"] in names]
    shared = [queue for queue in queues if not queue["VmFriendlyName"]]
    return {int(queue["Processor"].partition(":")[2]) for queue in owned or shared}


def _books(rig: Rig, pids: Sequence[int]) -> _Books:
    wire = next(port for port in rig.call("stats")["ports"] if port["port"] == "wire")
    return _Books(times(pids), wire["read_wire"])
