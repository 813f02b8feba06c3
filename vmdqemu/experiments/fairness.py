"""Fairness: VMs send to the outside over a wire that is too slow for all of them; the arbiter decides.

Deficit round robin shares octets, by weight; plain round robin shares wire frames, so who sends short ones
gets less. How even a sharing is says Jain's index: 1 when all have the same.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from vmdqemu.config import EXT
from vmdqemu.experiments import claims, lab_files, measure, outcome, rig
from vmdqemu.experiments.gates import Gate
from vmdqemu.experiments.interrupts import Interrupts
from vmdqemu.experiments.measure import Pair
from vmdqemu.experiments.outcome import Outcome
from vmdqemu.experiments.picture import Bars
from vmdqemu.experiments.results import Document
from vmdqemu.experiments.rig import Rig, Say

NAME: Final = "fairness"
FULL_SEGMENT, SHORT_SEGMENT = 1448, 500  # octets of TCP payload in a frame
LEAST_JAIN: Final = 0.99
RAMP: Final = 1  # second that TCP has to find its rate


class Case(NamedTuple):
    """One way to share, and senders who differ."""

    name: str
    arbiter: str
    shared: str  # the counter of `stats` that is shared out
    weights: tuple[int, ...]
    segments: tuple[int, ...]


CASES: Final = (
    Case("deficit", "deficit", "read_octets", (1, 1, 1), (FULL_SEGMENT, FULL_SEGMENT, SHORT_SEGMENT)),
    Case("weights 1:2:4", "deficit", "read_octets", (1, 2, 4), (FULL_SEGMENT,) * 3),
    Case("round robin", "round-robin", "read_wire", (1, 1, 1), (FULL_SEGMENT, FULL_SEGMENT, SHORT_SEGMENT)),
)


class Plan(NamedTuple):
    """How much of it."""

    seconds: int  # of each case


QUICK: Final = Plan(seconds=2)
DEFAULT: Final = Plan(seconds=5)


class Entry(NamedTuple):
    """What one VM got of one case."""

    case: Case
    vm: str
    weight: int
    segment: int
    gbit_per_s: float  # received by ext, as iperf3 says
    share: float  # of what is shared out, of all that was


class Run(NamedTuple):
    """What was found."""

    entries: Sequence[Entry]
    status: Document
    law: Document


def run(plan: Plan, out: Path, say: Say, interrupts: Interrupts) -> Run:
    """Measure, in a lab for each case. Raises VmdqemuError."""
    entries: list[Entry] = []
    laws = []
    status: Document = {}
    for number, case in enumerate(CASES, start=1):
        file = lab_files.write_senders(out, f"{NAME}-{number}", case.weights, case.arbiter)
        with rig.running(file, interrupts) as lab:
            found = _measured(lab, case, plan.seconds)
            say(f"{case.name}: {' '.join(f'{entry.share:.3f}' for entry in found)}")
            entries += found
            status, law = lab.call("status"), lab.settled()["law"]
            laws.append(law)
    return Run(entries, status, outcome.all_hold(laws))


def _measured(lab: Rig, case: Case, seconds: int) -> list[Entry]:
    names = [vm.name for vm in lab.lab.vms]
    pairs = {Pair(name, EXT): segment for name, segment in zip(names, case.segments, strict=True)}
    with measure.flows(lab, list(pairs), seconds, omitted=RAMP, segments=pairs) as flows:
        lab.wait(RAMP)
        before = _counted(lab, case.shared)
        lab.wait(seconds - 0.5)
        after = _counted(lab, case.shared)
        received = {flow.pair.source: flow.gbit_per_s for flow in flows.reports()}
    got = {name: after[name] - before[name] for name in names}
    return [
        Entry(case, name, weight, segment, received[name], got[name] / sum(got.values()))
        for name, weight, segment in zip(names, case.weights, case.segments, strict=True)
    ]


def _counted(lab: Rig, counter: str) -> dict[str, int]:
    return {port["port"]: port[counter] for port in lab.call("stats")["ports"]}


def jain(values: Sequence[float]) -> float:
    """Jain's fairness index (Jain, Chiu and Hawe, 1984): 1 when all are equal, 1/n when one has all."""
    return float(sum(values) ** 2 / (len(values) * sum(value * value for value in values)))


def conclude(run: Run) -> Outcome:
    """The rows, what follows from them, and the picture."""
    indexes = {
        case.name: jain([entry.share / entry.weight for entry in run.entries if entry.case == case])
        for case in CASES
    }
    return Outcome(
        experiment=NAME,
        status=run.status,
        emulated=(claims.EMULATED[0], "the adapter's arbiter"),
        claims=claims.without_fit("the rate of the wire, 1 Gbit/s, is chosen"),
        rows=[_flat(entry) for entry in run.entries],
        ratios={},
        gates=[
            Gate(f"{name}: Jain's index at least {LEAST_JAIN}", f"{index:.4f}", index >= LEAST_JAIN)
            for name, index in indexes.items()
        ],
        law=run.law,
        picture=_picture(run),
        more={"jain": {name: round(index, 4) for name, index in indexes.items()}},
    )


def _flat(entry: Entry) -> Document:
    case = {"case": entry.case.name, "arbiter": entry.case.arbiter, "shared": entry.case.shared}
    return case | {name: value for name, value in entry._asdict().items() if name != "case"}


def table(run: Run) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Heads and rows for the eye."""
    heads = ("arbiter", "VM", "weight", "octets a segment", "Gbit/s", "share", "of")
    return heads, [
        (
            entry.case.name,
            entry.vm,
            entry.weight,
            entry.segment,
            entry.gbit_per_s,
            f"{entry.share:.3f}",
            {"read_octets": "octets", "read_wire": "wire frames"}[entry.case.shared],
        )
        for entry in run.entries
    ]


def _picture(run: Run) -> Bars:
    vms = list(dict.fromkeys(entry.vm for entry in run.entries))
    return Bars(
        title="VMs that send over a 1 GbE wire: what each gets of what is shared",
        axes=("arbiter", "share of octets; round robin: of wire frames"),
        groups=[case.name for case in CASES],
        bars={vm: [entry.share for entry in run.entries if entry.vm == vm] for vm in vms},
        published={},
        line=None,
    )
