"""Dynamic VMQ: as many processors as the load needs, and static VMQ beside it.

The load on four VMs goes up to what the wire carries and down again by steps, then up at once and down at
once. Dynamic placement has all queues on one processor when it is quiet and as many as it takes when it is
busy; static placement has them on four all the time, each alone, which no placement does better than.
"""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from vmdqemu.experiments import claims, lab_files, line, rig, timeline
from vmdqemu.experiments import row as rows_of
from vmdqemu.experiments.gates import Gate
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.lab_files import Receivers
from vmdqemu.experiments.layers import Layers
from vmdqemu.experiments.outcome import Outcome
from vmdqemu.experiments.picture import Track, Tracks
from vmdqemu.experiments.results import Document
from vmdqemu.experiments.rig import Rig, Say
from vmdqemu.experiments.timeline import Point, Watch

NAME: Final = "dvmq"
PLACEMENTS: Final = ("static", "dynamic")
VMS: Final = 4
PROCESSORS: Final = 8
SPEED: Final = 0.15  # of a CPU: one of them does not fill the wire, four do
RATE: Final = 5_000  # Mbit/s
LOOKS: Final = 2  # in one period of the balancer
SPREAD_WITHIN: Final = 3  # periods
GATHERED_WITHIN: Final = 5
LEAST_RATE: Final = 0.95  # of static placement's

LAYERS: Final[Mapping[str, float | None]] = {  # Mbit/s over all VMs; None: all that TCP gets
    "always": 0.02 * RATE,
    "low": 0.10 * RATE,
    "middle": 0.25 * RATE,
    "high": 0.25 * RATE,
    "full": None,
}


class Phase(NamedTuple):
    """A time of constant load."""

    name: str
    layers: frozenset[str]
    periods: int  # of the balancer; what moved rests for ten, so it takes more until all is settled

    @property
    def offered(self) -> float | None:
        """Mbit/s; None: all that TCP gets."""
        rates = [rate for name, rate in LAYERS.items() if name in self.layers and rate is not None]
        return sum(rates) if len(rates) == len(self.layers) else None


_STEPS: Final = [frozenset(list(LAYERS)[: layers + 1]) for layers in range(len(LAYERS))]
QUIET, LOW, MIDDLE, HIGH, FULL = _STEPS

PHASES: Final = (
    Phase("quiet", QUIET, 6),
    Phase("12 %", LOW, 6),
    Phase("37 %", MIDDLE, 14),
    Phase("62 %", HIGH, 14),
    Phase("full", FULL, 14),
    Phase("37 %", MIDDLE, 14),
    Phase("quiet", QUIET, 14),
    Phase("full at once", FULL, 14),
    Phase("quiet at once", QUIET, 8),
)
SUDDEN, AFTER = len(PHASES) - 2, len(PHASES) - 1


class Plan(NamedTuple):
    """How much of it."""

    period: float  # of the balancer, in seconds


QUICK: Final = Plan(period=0.15)
DEFAULT: Final = Plan(period=0.5)


class Stretch(NamedTuple):
    """One phase as it went."""

    placement: str
    phase: Phase
    began: float  # seconds since the epoch
    points: Sequence[Point]
    moves: Sequence[Document]  # the events of queues that moved

    @property
    def settled(self) -> Sequence[Point]:
        """Its second half."""
        return self.points[len(self.points) // 2 :]


class Run(NamedTuple):
    """What was found."""

    plan: Plan
    stretches: Mapping[str, Sequence[Stretch]]  # by placement, one for each of PHASES
    status: Document
    law: Document


def run(plan: Plan, out: Path, say: Say, interrupts: Interrupts) -> Run:
    """Measure, both placements on one lab. Raises VmdqemuError."""
    lab_of = Receivers(vms=VMS, processors=PROCESSORS, speed=SPEED, rate=RATE)
    with rig.running(lab_files.write_balanced(out, NAME, lab_of, plan.period), interrupts) as lab:
        stretches = {placement: _went(lab, placement, plan, say) for placement in PLACEMENTS}
        return Run(plan, stretches, lab.call("status"), lab.settled()["law"])


def _went(lab: Rig, placement: str, plan: Plan, say: Say) -> list[Stretch]:
    lab.call("mode.set", mode="vmq", placement=placement)
    stretches = []
    with Layers(lab, LAYERS) as layers:
        watch = Watch(lab)
        for phase in PHASES:
            layers.put(phase.layers)
            began = time.time()
            points = _watched(lab, watch, phase.periods * plan.period, plan.period / LOOKS)
            stretch = Stretch(placement, phase, began, points, _moves(lab, began))
            rate, serving = timeline.mean_rate(stretch.settled), points[-1].serving
            say(f"{placement}, {phase.name}: {rate:.2f} Gbit/s, {serving} processors")
            stretches.append(stretch)
    return stretches


def _watched(lab: Rig, watch: Watch, seconds: float, interval: float) -> list[Point]:
    points, until = [], time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        lab.wait(min(interval, left))
        points.append(watch.point())
    return points


def _moves(lab: Rig, since: float) -> list[Document]:
    events: list[Document] = lab.call("events")["events"]
    return [event for event in events if event["event"] == "queue-moved" and event["time"] >= since]


def periods_until(stretch: Stretch, processors: int, period: float) -> float | None:
    """After how many periods the VMs' queues were on so many processors; None: never."""
    moment = next((point.at for point in stretch.points if point.serving == processors), None)
    return None if moment is None else (moment - stretch.began) / period


def conclude(run: Run) -> Outcome:
    """The rows, what follows from them, and the picture."""
    rows = [_row(run, stretch) for stretches in run.stretches.values() for stretch in stretches]
    spread, gathered = _response(run)
    return Outcome(
        experiment=NAME,
        status=run.status,
        emulated=claims.EMULATED,
        claims=claims.without_fit(f"the speed of a processor, {SPEED} of a CPU, and the wire, {RATE} Mbit/s"),
        rows=rows,
        ratios=_ratios(run),
        gates=_gates(run, spread, gathered),
        law=run.law,
        picture=_picture(run),
        more={
            "balancer_period": run.plan.period,
            "periods": {"spread": spread, "gathered": gathered},
            "timeline": {
                placement: [point._asdict() for stretch in stretches for point in stretch.points]
                for placement, stretches in run.stretches.items()
            },
        },
    )


def _response(run: Run) -> tuple[float | None, float | None]:
    """Periods of the balancer until queues were spread over as many as it took, and gathered again."""
    sudden, after = (run.stretches["dynamic"][place] for place in (SUDDEN, AFTER))
    most = max(point.serving for point in sudden.points)
    return periods_until(sudden, most, run.plan.period), periods_until(after, 1, run.plan.period)


def _row(run: Run, stretch: Stretch) -> Document:
    points = stretch.settled
    rate, cpu = timeline.mean_rate(points), timeline.cpu_seconds(points, SPEED)
    seconds = sum(point.seconds for point in points)
    return {
        "placement": stretch.placement,
        "phase": stretch.phase.name,
        "seconds": seconds,
        "gbit_per_s": rate,
        "processors": sum(point.serving for point in points) / len(points),
        "at_work": sum(_at_work(point) for point in points) / len(points),
        "cpu_s": cpu,
        "cpu_s_per_gbit": cpu / (rate * seconds) if rate else None,
        "moves": len(stretch.moves),
        "limit": "offered" if stretch.phase.offered is not None else _limit(run, points).value,
    }


def _at_work(point: Point) -> int:
    return sum(share > rows_of.AT_WORK for share in point.busy)


def _limit(run: Run, points: Sequence[Point]) -> rows_of.Limit:
    """What kept TCP from more."""
    busy = [sum(shares) / len(points) for shares in zip(*(point.busy for point in points), strict=True)]
    capacity = line.capacity(RATE, run.status["mtu"])
    return rows_of.limit(timeline.mean_rate(points), capacity, busy, speed=1.0)


def _ratios(run: Run) -> dict[str, float]:
    static, dynamic = (run.stretches[placement] for placement in PLACEMENTS)
    quiet = [_row(run, stretches[0]) for stretches in (static, dynamic)]
    full = [timeline.mean_rate(stretches[SUDDEN].settled) for stretches in (static, dynamic)]
    return {
        "dynamic/static gbit_per_s@full": round(full[1] / full[0], 3),
        "dynamic/static cpu_s@quiet": round(quiet[1]["cpu_s"] / quiet[0]["cpu_s"], 3),
        "dynamic/static processors@quiet": round(quiet[1]["processors"] / quiet[0]["processors"], 3),
    }


def _gates(run: Run, spread: float | None, gathered: float | None) -> list[Gate]:
    rate = _ratios(run)["dynamic/static gbit_per_s@full"]
    return [
        _within("from quiet to full, queues are spread", spread, SPREAD_WITHIN),
        Gate(
            f"full: at least {LEAST_RATE:.0%} of what static placement carries",
            f"{rate:.1%}",
            rate >= LEAST_RATE,
        ),
        _within("quiet again: one processor", gathered, GATHERED_WITHIN),
    ]


def _within(what: str, periods: float | None, most: int) -> Gate:
    found = "never" if periods is None else f"{periods:.1f} periods"
    return Gate(f"{what} within {most} periods", found, periods is not None and periods <= most)


def table(run: Run) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Heads and rows for the eye."""
    heads = ("placement", "load", "Gbit/s", "processors", "at work", "CPU s a Gbit", "moves", "limit")
    rows = (_row(run, stretch) for stretches in run.stretches.values() for stretch in stretches)
    return heads, [
        (
            *(row["placement"], row["phase"], row["gbit_per_s"], row["processors"], row["at_work"]),
            *(row["cpu_s_per_gbit"], row["moves"], row["limit"]),
        )
        for row in rows
    ]


def _picture(run: Run) -> Tracks:
    return Tracks(
        title=f"{VMS} VMs receive; their queues on {PROCESSORS} processors",
        time="seconds",
        columns={f"{placement} placement": _tracks(run, placement) for placement in PLACEMENTS},
    )


def _tracks(run: Run, placement: str) -> list[Track]:
    stretches = run.stretches[placement]
    points = [point for stretch in stretches for point in stretch.points]
    times = [point.at - stretches[0].began for point in points]
    queues = {f"vm{vm + 1}'s queue": [float(point.queues[vm]) for point in points] for vm in range(VMS)}
    active = {
        "serve a VM's queue": [float(point.serving) for point in points],
        "at work": [float(_at_work(point)) for point in points],
    }
    return [
        Track("Gbit/s", times, {"received": [point.gbit_per_s for point in points]}),
        Track("processors", times, active),
        Track("on processor", times, queues),
    ]
