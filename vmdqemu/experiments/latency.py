"""Latency: the round trip to one VM, while the others rest and while they receive all that they can.

Without sorting a frame for the one waits behind those for the others; in a queue of its own it does not.
Then, with echoes that follow each other closely: what each level of interrupt moderation costs and saves.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from vmdqemu.config import EXT
from vmdqemu.experiments import claims, lab_files, measure, rig
from vmdqemu.experiments.gates import Gate
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.lab_files import Receivers
from vmdqemu.experiments.measure import Pair, RoundTrip
from vmdqemu.experiments.outcome import Outcome
from vmdqemu.experiments.picture import Bars
from vmdqemu.experiments.results import Document
from vmdqemu.experiments.rig import Rig, Say

NAME: Final = "latency"
MODES: Final = ("off", "vmdq", "vmq")
LOADS: Final = ("idle", "loaded")
LEVELS: Final = ("off", "low", "medium", "high")  # of interrupt moderation: 0, 102, 243 and 512 us
CLOSELY: Final = "echoes closely"
CLOSE: Final = 0.00025  # seconds from echo to echo: closer than the highest level lets interrupts be
SPEED: Final = 0.25  # of a CPU
VMS: Final = 4  # the first is pinged, the others receive
PINGED: Final = Pair(EXT, "vm1")
RAMP: Final = 1  # second that TCP has to find its rate


class Plan(NamedTuple):
    """How much of it."""

    seconds: int  # of each measurement


QUICK: Final = Plan(seconds=1)
DEFAULT: Final = Plan(seconds=4)


class Entry(NamedTuple):
    """One measurement."""

    mode: str
    load: str
    moderation: str
    gbit_per_s: float  # that the others received meanwhile
    trip: RoundTrip
    interrupts: int  # of the pinged VM's queue


class Run(NamedTuple):
    """What was found."""

    entries: Sequence[Entry]
    status: Document
    law: Document


def run(plan: Plan, out: Path, say: Say, interrupts: Interrupts) -> Run:
    """Measure. Raises VmdqemuError."""
    file = lab_files.write(out, NAME, Receivers(vms=VMS, processors=VMS, speed=SPEED))
    entries = []
    with rig.running(file, interrupts) as lab:
        for mode in MODES:
            lab.call("mode.set", mode=mode)
            for load in LOADS:
                entry = _measured(lab, mode, load, plan.seconds)
                say(f"{mode}, {load}: {entry.trip.median_ms:.3f} ms")
                entries.append(entry)
        for level in LEVELS:
            entry = _moderated(lab, level, plan.seconds)
            say(f"{entry.mode}, moderation {level}: {entry.trip.median_ms:.3f} ms")
            entries.append(entry)
        return Run(entries, lab.call("status"), lab.settled()["law"])


def _measured(lab: Rig, mode: str, load: str, seconds: int) -> Entry:
    before = _interrupts(lab)
    if load == "idle":
        trip = measure.ping(lab, PINGED, seconds)
        return Entry(mode, load, "off", 0.0, trip, _interrupts(lab) - before)
    others = [Pair(EXT, vm.name) for vm in lab.lab.vms[1:]]
    with measure.flows(lab, others, seconds + RAMP, omitted=RAMP) as flows:
        lab.wait(RAMP)
        trip = measure.ping(lab, PINGED, seconds)
        received = sum(flow.gbit_per_s for flow in flows.reports())
    return Entry(mode, load, "off", received, trip, _interrupts(lab) - before)


def _moderated(lab: Rig, level: str, seconds: int) -> Entry:
    """Echoes that follow each other closely, with the pinged VM's queue moderated."""
    lab.call("queue.set", queue=_queue(lab)["QueueID"], moderation=level)
    before = _interrupts(lab)
    trip = measure.ping(lab, PINGED, seconds, CLOSE)
    return Entry(MODES[-1], CLOSELY, level, 0.0, trip, _interrupts(lab) - before)


def _interrupts(lab: Rig) -> int:
    count: int = _queue(lab)["interrupts"]
    return count


def _queue(lab: Rig) -> Document:
    """The RX queue that the pinged VM's frames are in: its own, or the default queue."""
    queues: list[Document] = lab.call("queue.list")["queues"]
    owned = [queue for queue in queues if queue["VmFriendlyName"] == PINGED.target]
    return (owned or queues)[0]


def conclude(run: Run) -> Outcome:
    """The rows, what follows from them, and the picture."""
    off, sorting = (_median(run, mode, "loaded") for mode in (MODES[0], MODES[-1]))
    name = f"under load the round trip is shorter with {MODES[-1]} than with {MODES[0]}"
    return Outcome(
        experiment=NAME,
        status=run.status,
        emulated=claims.EMULATED,
        claims=claims.without_fit(f"the speed of a processor, {SPEED} of a CPU, is chosen"),
        rows=[
            {"mode": entry.mode, "load": entry.load, "moderation": entry.moderation}
            | {"gbit_per_s": entry.gbit_per_s, "interrupts": entry.interrupts}
            | entry.trip._asdict()
            | {"pair": str(entry.trip.pair)}
            for entry in run.entries
        ],
        ratios={f"{MODES[-1]}/{MODES[0]}, loaded": round(sorting / off, 3)},
        gates=[Gate(name, f"{sorting:.3f} and {off:.3f} ms", sorting < off)],
        law=run.law,
        picture=_picture(run),
    )


def table(run: Run) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Heads and rows for the eye."""
    heads = ("mode", "load", "moderation", "others Gbit/s", "RTT us", "p99", "max", "lost", "interrupts")
    return heads, [
        (
            *(entry.mode, entry.load, entry.moderation, entry.gbit_per_s),
            *(*_microseconds(entry.trip), entry.trip.lost, entry.interrupts),
        )
        for entry in run.entries
    ]


def _microseconds(trip: RoundTrip) -> tuple[int, int, int]:
    return (round(trip.median_ms * 1e3), round(trip.p99_ms * 1e3), round(trip.max_ms * 1e3))


def _median(run: Run, mode: str, load: str) -> float:
    return next(entry.trip.median_ms for entry in run.entries if (entry.mode, entry.load) == (mode, load))


def _picture(run: Run) -> Bars:
    return Bars(
        title="Round trip to one VM while three others rest, or receive; and with moderation",
        axes=("", "median round trip, ms"),
        groups=(*LOADS, *(f"moderation\n{level}" for level in LEVELS)),
        bars={mode: _medians(run, mode) for mode in MODES},
        published={},
        line=None,
    )


def _medians(run: Run, mode: str) -> list[float | None]:
    """A mode's bars, in the order of the groups."""
    moderated = [_moderated_median(run, mode, level) for level in LEVELS]
    return [*(_median(run, mode, load) for load in LOADS), *moderated]


def _moderated_median(run: Run, mode: str, level: str) -> float | None:
    """Only one mode is measured with moderation."""
    wanted = (mode, CLOSELY, level)
    medians = (
        entry.trip.median_ms for entry in run.entries if (entry.mode, entry.load, entry.moderation) == wanted
    )
    return next(medians, None)
