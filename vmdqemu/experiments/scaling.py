"""Scaling: one VM receives, with more and more queues.

One VMQ is served by one processor, however many the host has; VMMQ spreads a VM's flows over several by RSS,
and one flow still stays on one. Native RSS does the same for the host, before it has looked any frame up.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from vmdqemu.experiments import claims, lab_files, line, outcome, receive, rig
from vmdqemu.experiments import row as rows_of
from vmdqemu.experiments.gates import Gate
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.lab_files import Receivers
from vmdqemu.experiments.outcome import Outcome
from vmdqemu.experiments.picture import Bars
from vmdqemu.experiments.results import Document, flat
from vmdqemu.experiments.rig import Say
from vmdqemu.experiments.row import Row

NAME: Final = "scaling"
MODES: Final = ("rss", "vmq", "vmmq")
FLOWS: Final = (1, 16)
SPEED: Final = 0.06  # of a CPU: eight of them do not fill the wire
CAPPED: Final = 1.3  # times one queue's rate, and no more: it is still one processor
SPREADS: Final = 1.5  # times one queue's rate, and more: it is several processors


class Plan(NamedTuple):
    """How much of it."""

    queues: tuple[int, ...]
    seconds: int


QUICK: Final = Plan((1, 4), seconds=1)
DEFAULT: Final = Plan((1, 2, 4, 8), seconds=2)


class Entry(NamedTuple):
    """One row, and what was varied."""

    queues: int  # of the VM, and processors of the host
    flows: int
    row: Row


class Run(NamedTuple):
    """What was found."""

    plan: Plan
    entries: Sequence[Entry]
    status: Document
    law: Document


def run(plan: Plan, out: Path, say: Say, interrupts: Interrupts) -> Run:
    """Measure, in a lab for each number of queues. Raises VmdqemuError."""
    entries: list[Entry] = []
    laws = []
    status: Document = {}
    for queues in plan.queues:
        lab_of = Receivers(vms=1, processors=queues, queues=queues, speed=SPEED)
        with rig.running(lab_files.write(out, f"{NAME}-{queues}", lab_of), interrupts) as lab:
            for mode in MODES:
                lab.call("mode.set", mode=mode)
                for flows in FLOWS:
                    found = receive.receive(lab, mode, 1, plan.seconds, flows)
                    say(f"{mode}, {queues} queues, {flows} flows: {found.gbit_per_s:.2f} Gbit/s")
                    entries.append(Entry(queues, flows, found))
            status, law = lab.call("status"), lab.settled()["law"]
            laws.append(law)
    return Run(plan, entries, status, outcome.all_hold(laws))


def conclude(run: Run) -> Outcome:
    """The rows, what follows from them, and the picture."""
    settings = [(mode, flows) for mode in MODES for flows in FLOWS]
    gains = {setting: _gain(run, *setting) for setting in settings}
    vmq, vmmq = (gains[mode, FLOWS[-1]] for mode in ("vmq", "vmmq"))
    gates = [
        Gate(f"one VMQ is capped at one processor: at most {CAPPED} x", f"{vmq:.2f} x", vmq <= CAPPED),
        Gate(f"VMMQ spreads a VM's flows: at least {SPREADS} x", f"{vmmq:.2f} x", vmmq >= SPREADS),
    ]
    return Outcome(
        experiment=NAME,
        status=run.status,
        emulated=claims.EMULATED,
        claims=claims.without_fit(f"the speed of a processor, {SPEED} of a CPU, is chosen"),
        rows=[{"queues": entry.queues, "flows": entry.flows} | flat(entry.row) for entry in run.entries],
        ratios={f"{mode}, {flows} flows": round(gain, 3) for (mode, flows), gain in gains.items()},
        gates=gates,
        law=run.law,
        picture=_picture(run),
    )


def table(run: Run) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Heads and rows for the eye."""
    heads = ("mode", "queues", "flows", "Gbit/s", "processors at work", "limit")
    return heads, [
        (
            entry.row.mode,
            entry.queues,
            entry.flows,
            entry.row.gbit_per_s,
            rows_of.at_work(entry.row),
            entry.row.limit.value,
        )
        for entry in run.entries
    ]


def _gain(run: Run, mode: str, flows: int) -> float:
    """The most queues against one."""
    return _rate(run, mode, run.plan.queues[-1], flows) / _rate(run, mode, run.plan.queues[0], flows)


def _rate(run: Run, mode: str, queues: int, flows: int) -> float:
    wanted = (mode, queues, flows)
    return next(
        entry.row.gbit_per_s for entry in run.entries if (entry.row.mode, entry.queues, entry.flows) == wanted
    )


def _picture(run: Run) -> Bars:
    return Bars(
        title="One VM that receives: queues and flows",
        axes=("queues of the VM, processors of the host", "Gbit/s"),
        groups=[str(queues) for queues in run.plan.queues],
        bars={
            f"{mode}, {flows} flow{'s' if flows > 1 else ''}": [
                _rate(run, mode, queues, flows) for queues in run.plan.queues
            ]
            for mode in MODES
            for flows in FLOWS
        },
        published={},
        line=("what the wire carries", line.capacity(10_000, run.status["mtu"])),
    )
