"""Dynamic VMQ past this machine: the balancer's own code on a virtual clock, 64 processors and 255 queues.

A day in an hour, bursts, and an adversary's square waves. The balancer sees what each queue was offered, as
the adapter counts arrivals, or only what it got, as with TCP. Two runs with one seed are equal.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from vmdqemu.experiments import results
from vmdqemu.experiments.gates import Gate
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.outcome import Outcome
from vmdqemu.experiments.picture import Bars
from vmdqemu.experiments.rig import Say
from vmdqemu.experiments.simulation import HOUR, PROCESSORS, QUEUES, TRACES, Simulated, simulate

NAME: Final = "dvmq-simulated"
SEEN: Final = {"offered": False, "got": True}  # what the balancer sees of a queue; whether the rest is hidden
JUDGED: Final = "diurnal"  # the trace that aims are set for
MOST_USED: Final = 1.3  # times the bound
MOST_OVERLOAD: Final = 0.01  # of the seconds

CLAIMS: Final = {
    "real": ["the balancer: the same code and the same settings as on a running lab"],
    "emulated": [
        f"{PROCESSORS} processors and {QUEUES} queues; a processor serves what it can of what it is offered",
        "time: each second is one period of the balancer",
    ],
    "calibrated": ["nothing; the traces are made up, from the seed alone"],
    "predicted": [],
    "not_modelled": ["frames, rings, what a move costs, and that traffic answers to being dropped"],
}


class Plan(NamedTuple):
    """How much of it."""

    hours: float  # of virtual time
    seed: int = 1


QUICK: Final = Plan(hours=0.1)
DEFAULT: Final = Plan(hours=1)


class Entry(NamedTuple):
    """One trace, and what the balancer saw of it."""

    seen: str
    found: Simulated


def run(plan: Plan, _: Path, say: Say, interrupts: Interrupts) -> Sequence[Entry]:
    """Simulate every trace, both ways."""
    entries = []
    for trace in TRACES:
        for seen, hidden in SEEN.items():
            with interrupts.taken():
                found = simulate(trace, plan.seed, round(plan.hours * HOUR), hidden=hidden)
            say(f"{trace}, {seen} loads: {found.ratios['processors/bound']:.2f} x the bound")
            entries.append(Entry(seen, found))
    return entries


def conclude(run: Sequence[Entry]) -> Outcome:
    """The rows, what follows from them, and the picture."""
    return Outcome(
        experiment=NAME,
        status=None,
        emulated=CLAIMS["emulated"],
        claims=CLAIMS,
        rows=[_row(entry) for entry in run],
        ratios={
            f"{name}@{entry.found.trace}, {entry.seen}": round(entry.found.ratios[name], 4)
            for entry in run
            for name in ("processors/bound", "overload")
        },
        gates=[gate for entry in run if entry.found.trace == JUDGED for gate in _gates(entry)],
        law=None,
        picture=_picture(run),
    )


def _row(entry: Entry) -> results.Document:
    found = entry.found
    return {"seen": entry.seen, **found._asdict(), "moves_per_minute": found.moves_per_minute, **found.ratios}


def _gates(entry: Entry) -> list[Gate]:
    used, overload = (entry.found.ratios[name] for name in ("processors/bound", "overload"))
    where = f"{entry.found.trace}, {entry.seen} loads"
    return [
        Gate(f"{where}: processors at most {MOST_USED} x the bound", f"{used:.3f} x", used <= MOST_USED),
        Gate(
            f"{where}: overload in at most {MOST_OVERLOAD:.0%} of the seconds",
            f"{overload:.2%}",
            overload <= MOST_OVERLOAD,
        ),
    ]


def table(run: Sequence[Entry]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Heads and rows for the eye."""
    heads = ("trace", "loads seen", "processors/bound", "seconds with overload", "moves a minute", "at most")
    return heads, [
        (
            entry.found.trace,
            entry.seen,
            entry.found.ratios["processors/bound"],
            f"{entry.found.ratios['overload']:.2%}",
            round(entry.found.moves_per_minute),
            entry.found.most_moves,
        )
        for entry in run
    ]


def _picture(run: Sequence[Entry]) -> Bars:
    traces = list(dict.fromkeys(entry.found.trace for entry in run))
    return Bars(
        title=f"The balancer on {PROCESSORS} processors and {QUEUES} queues, simulated",
        axes=("trace", "processors in use / the bin-packing bound"),
        groups=traces,
        bars={
            f"it sees what each queue {'was offered' if seen == 'offered' else seen}": [
                entry.found.ratios["processors/bound"] for entry in run if entry.seen == seen
            ]
            for seen in SEEN
        },
        published={},
        line=("no placement can do with less", 1.0),
    )
