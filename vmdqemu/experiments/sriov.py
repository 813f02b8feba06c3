"""Are VMDq and SR-IOV performing the same function? The modes side by side, under the same load.

In every mode but `off` the adapter sorts. From a VMDq or VMQ queue the host still takes each frame to its VM;
a VF's frames never meet the host. Linux's own bridge and a bare veth pair are measured in the same rounds.
"""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, Final, NamedTuple

from vmdqemu.config import LabConfig
from vmdqemu.experiments import affinity, bare_lab, baselines, contenders, gates, lab_files, rig, sriov_claims
from vmdqemu.experiments.carried import Carried, carry
from vmdqemu.experiments.contenders import ACROSS, BRIDGE, INWARD, SRIOV, VETH, VMDQ, VMQ, Contender, Load
from vmdqemu.experiments.gates import Gate
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.lab_files import Receivers
from vmdqemu.experiments.outcome import Outcome
from vmdqemu.experiments.picture import Bars, Panels
from vmdqemu.experiments.results import Document
from vmdqemu.experiments.rig import Rig, Say
from vmdqemu.experiments.row import Cpu

NAME: Final = "sriov"
QUESTION: Final = "Are VMDq and SR-IOV performing the same function?"
LOADS: Final = (INWARD, ACROSS)
EVERYBODY: Final = (*contenders.MODES, *contenders.BASELINES)
RIVALS: Final = (BRIDGE, VETH, VMQ)
STRAY: Final = 10  # skbs: somebody asked for a neighbour meanwhile
AT_REST: Final = 0.05  # of a CPU: a process that looks after itself

Value = Callable[[Carried], float]


class Plan(NamedTuple):
    """How much of it."""

    rounds: int
    seconds: int  # of each measurement


QUICK: Final = Plan(rounds=1, seconds=1)
DEFAULT: Final = Plan(rounds=3, seconds=2)


class Run(NamedTuple):
    """What was found; in each round everybody was measured once under each load."""

    rounds: Sequence[Sequence[Carried]]
    status: Document
    law: Document
    conditions: Sequence[str]


def run(plan: Plan, out: Path, say: Say, interrupts: Interrupts) -> Run:
    """Measure, everybody by turns. Raises VmdqemuError."""
    processors = min(contenders.VMS, len(os.sched_getaffinity(0)))
    lab_of = Receivers(contenders.VMS, processors, speed=1.0, rate=None, queues=processors)
    with ExitStack() as stack:
        lab = stack.enter_context(rig.running(lab_files.write(out, NAME, lab_of), interrupts))
        rigs = dict.fromkeys(contenders.MODES, lab)
        for baseline in contenders.BASELINES:
            file = lab_files.write(out, f"vf-{baseline.name}", lab_of)
            command = (baselines.MODULE, baseline.name)
            rigs[baseline] = stack.enter_context(bare_lab.running(command, file, interrupts))
        rounds = [_round(rigs, plan.seconds, say) for _ in range(plan.rounds)]
        return Run(rounds, lab.call("status"), lab.settled()["law"], _conditions(lab.lab))


def _conditions(lab: LabConfig) -> list[str]:
    """Which CPU runs a VM's programs and takes in what it sends, whoever carries that."""
    return [
        f"an echo at rest: {affinity.together(lab)}",
        f"under load: {affinity.apart(lab)}; in ext the one behind its VM's",
    ]


def _round(rigs: Mapping[Contender, Rig], seconds: int, say: Say) -> list[Carried]:
    found = []
    for contender, lab in rigs.items():
        if contender.mode is not None:
            contenders.turn_to(lab, contender)
        for load in contender.loads:
            row = carry(lab, contender, load, seconds)
            say(f"{contender.name}, {load.name}: {row.gbit_per_s:.2f} Gbit/s")
            found.append(row)
    return found


def conclude(run: Run) -> Outcome:
    """The rows, what follows from them, and the picture."""
    return Outcome(
        experiment=NAME,
        status=run.status,
        emulated=sriov_claims.EMULATED,
        claims=sriov_claims.listed(),
        rows=[{"round": number} | _flat(row) for number, rows in enumerate(run.rounds) for row in rows],
        ratios=_ratios(run),
        gates=[*_gates(run), gates.law(run.law["holds"])],
        law=run.law,
        picture=_picture(run),
        answer=_answer(run),
        conditions=run.conditions,
    )


def _flat(row: Carried) -> Document:
    return {
        "at": row.at,
        "contender": row.contender.name,
        "way": row.contender.way,
        "mode": row.contender.mode,
        "load": row.load.name,
        "gbit_per_s": row.gbit_per_s,
        "retransmits": row.retransmits,
        "rtt_ms": round(row.resting.middle_ms, 5),
        "rtt_p99_ms": row.resting.p99_ms,
        "rtt_loaded_ms": round(row.loaded.middle_ms, 5),
        "rtt_loaded_p99_ms": row.loaded.p99_ms,
        "echoes_lost": row.resting.lost + row.loaded.lost,
        **{f"cpu_{column}": share for column, share in row.cpu._asdict().items()},
        "cpu_ms_per_gbit": row.cpu_ms_per_gbit,
        "busy": row.busy,
        "steal": row.steal,
        "handled": row.handled,
    }


def _ratios(run: Run) -> dict[str, float]:
    """The VF against its rivals, each round by itself, then the median: "vf/bridge@VM -> VM"."""
    found = {}
    for measure, value in (("", _rate), (" rtt", _rtt)):
        for rival in RIVALS:
            for load in rival.loads:
                pairs = [(_row(rows, SRIOV, load), _row(rows, rival, load)) for rows in run.rounds]
                ratio = median(value(vf) / value(other) for vf, other in pairs)
                found[f"vf/{rival.name.lower()}{measure}@{load.name}"] = round(ratio, 3)
    return found


def _gates(run: Run) -> list[Gate]:
    """The host has no part in what a VF carries."""
    rows = [row for rows in run.rounds for row in rows if row.contender == SRIOV]
    handled = max(row.handled for row in rows)
    spent = max(row.cpu.adapter + row.cpu.host for row in rows)
    return [
        Gate(f"{SRIOV.name}: the workers handle no frame", f"{handled} skbs", handled <= STRAY),
        Gate(f"{SRIOV.name}: and spend no CPU on any", f"{spent:.3f} of a CPU", spent <= AT_REST),
    ]


def _answer(run: Run) -> str:
    vmdq, vf = (_typical(run, contender, INWARD, _cost) for contender in (VMDQ, SRIOV))
    return (
        f"{QUESTION} No, though they begin alike: in both the adapter sorts by MAC and VLAN. What VMDq has "
        f"sorted the host takes to the VM, for {vmdq:.1f} CPU ms a gigabit; what SR-IOV has sorted the "
        f"adapter takes there itself, for {vf:.1f}."
    )


def table(run: Run) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Heads and rows for the eye: the medians of the rounds; CPU as shares of one."""
    heads = ("", "load", "Gbit/s", "RTT us", "loaded", *Cpu._fields, "retr.")
    return heads, [
        (contender.name, load.name, *_line(run, contender, load))
        for load in LOADS
        for contender in EVERYBODY
        if load in contender.loads
    ]


def _line(run: Run, contender: Contender, load: Load) -> tuple[float, ...]:
    rows = [_row(rows, contender, load) for rows in run.rounds]
    cpu = (median(shares) for shares in zip(*(row.cpu for row in rows), strict=True))
    return (
        median(map(_rate, rows)),
        median(map(_rtt, rows)),
        round(median(row.loaded.middle_ms for row in rows) * 1e3),
        *cpu,
        round(median(row.retransmits for row in rows)),
    )


def _row(rows: Sequence[Carried], contender: Contender, load: Load) -> Carried:
    return next(row for row in rows if (row.contender, row.load) == (contender, load))


def _typical(run: Run, contender: Contender, load: Load, value: Value) -> float:
    return median(value(_row(rows, contender, load)) for rows in run.rounds)


def _rate(row: Carried) -> float:
    return row.gbit_per_s


def _rtt(row: Carried) -> float:
    """Microseconds."""
    return row.resting.middle_ms * 1e3


def _cost(row: Carried) -> float:
    return row.cpu_ms_per_gbit


def _picture(run: Run) -> Panels:
    return Panels(
        title=QUESTION,
        panels=[
            _panel(run, "What is carried", "Gbit/s", _rate),
            _panel(run, "An echo and its answer, at rest", "us", _rtt),
            _panel(run, "CPU time of the adapter and the host", "ms a gigabit", _cost, contenders.MODES),
        ],
    )


def _panel(run: Run, title: str, unit: str, value: Value, shown: Sequence[Contender] = EVERYBODY) -> Bars:
    """A gap where nobody was measured, and for who is not shown."""
    bars = {
        contender.name: [
            _typical(run, contender, load, value) if contender in shown and load in contender.loads else None
            for load in LOADS
        ]
        for contender in EVERYBODY
    }
    return Bars(title, ("", unit), [load.name for load in LOADS], bars, published={}, line=None)
