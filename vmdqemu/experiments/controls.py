"""Controls: what would show that a result is not what it seems. These are part of every run."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Final, NamedTuple

from vmdqemu.config import EXT
from vmdqemu.experiments import bare_lab, measure, receive, row
from vmdqemu.experiments.measure import Pair
from vmdqemu.experiments.rig import Rig
from vmdqemu.experiments.row import Limit

BRIDGED: Final = ("vmdqemu.experiments.wire_only",)
WIRE_AT_LEAST: Final = 9.30 / 9.415  # of what the wire carries; the rest is the machine's
WIRE_AT_MOST: Final = 1.002  # iperf3's clock, and the shaper's burst of 256 KB
TRIES: Final = 3  # the machine may be busy with something else for a moment
HELD: Final = 0.05  # of its share, and no further away: a processor is held to it
SPINNERS_A_CPU: Final = 16
SPINNER: Final = "ulimit -t 30; while :; do :; done"  # ends by itself after so many CPU seconds


class Control(NamedTuple):
    """One question to the result, and its answer."""

    name: str
    question: str
    answer: str
    holds: bool | None  # None: nothing depends on it


def wire_only(file: Path, rig: Rig, seconds: int) -> Control:
    """C1: what a wire such as the rig's carries, with a bridge in place of the adapter.

    file: a lab file of its own.
    """
    most = receive.capacity(rig)
    with bare_lab.running(BRIDGED, file, rig.interrupts) as bridged:
        pairs = [Pair(EXT, vm.name) for vm in bridged.lab.vms]
        for _ in range(TRIES):
            with measure.flows(bridged, pairs, seconds, omitted=receive.START) as flows:
                carried = sum(flow.gbit_per_s for flow in flows.reports())
            if holds := WIRE_AT_LEAST * most <= carried <= WIRE_AT_MOST * most:
                break
    answer = f"{carried:.3f} Gbit/s of {most:.3f} that a cable carries"
    return Control("C1", "the wire alone, a bridge in place of the adapter", answer, holds)


def limiter(rig: Rig, speed: float, seconds: int) -> Control:
    """C2: whether a processor that has more than enough to do gets `speed` of a CPU, and no more."""
    rig.call("mode.set", mode="off")
    rig.call("processor.set", speed=speed)
    for _ in range(TRIES):
        found = receive.receive(rig, "off", len(rig.lab.vms), seconds)
        share = found.busy[0]
        if abs(share / speed - 1) <= HELD:
            break
    answer = f"{share:.4f} of a CPU where {speed:.4f} is its speed"
    return Control(
        "C2", "the limiter alone: a processor under full load", answer, abs(share / speed - 1) <= HELD
    )


def machine_gate(rig: Rig, mode: str, seconds: int) -> Control:
    """C3: whether a row is marked when other programs take the machine's CPUs away."""
    with ExitStack() as spinning:
        for _ in range(SPINNERS_A_CPU * len(os.sched_getaffinity(0))):
            measure.start(spinning, rig.lab, EXT, "sh", "-c", SPINNER)
        starved = receive.receive(rig, mode, len(rig.lab.vms), seconds)
    answer = f"{starved.gbit_per_s:.2f} Gbit/s, marked: {starved.limit}"
    question = f"the gate: {mode} while {SPINNERS_A_CPU} programs spin on each CPU"
    return Control("C3", question, answer, starved.limit is Limit.MACHINE)


def one_processor(rig: Rig, mode: str, base: str, vms: int, seconds: int) -> Control:
    """C5: what sorting saves by itself, without a second processor: all queues on one, against `base`."""
    rig.call("mode.set", mode=base)
    off = receive.receive(rig, base, vms, seconds)
    rig.call("mode.set", mode=mode)
    for queue in rig.call("queue.list")["queues"]:
        rig.call("queue.set", queue=queue["QueueID"], processor=0)
    found = receive.receive(rig, mode, vms, seconds)
    saved = 1 - found.ns_per_frame / off.ns_per_frame
    verdict = "a saving" if saved > row.NOISE else "no saving that stands out"
    answer = (
        f"{found.gbit_per_s:.2f} Gbit/s, {found.ns_per_frame:.0f} ns a frame; {base}: {off.gbit_per_s:.2f}, "
        f"{off.ns_per_frame:.0f}: {verdict} ({saved:+.0%})"
    )
    return Control("C5", f"{mode} with all queues on one processor, against {base}", answer, None)
