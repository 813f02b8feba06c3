"""What figure3 found: the paper's table beside ours, and as one document."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from vmdqemu.experiments import gates, line, results
from vmdqemu.experiments import row as rows_of
from vmdqemu.experiments.claims import EMULATED, claims
from vmdqemu.experiments.figure3 import CALIBRATED, LINE, NAME, OFF, PAPER, Run
from vmdqemu.experiments.gates import Gate
from vmdqemu.experiments.outcome import Outcome
from vmdqemu.experiments.picture import Bars, Curves
from vmdqemu.experiments.predict import Prediction
from vmdqemu.experiments.results import Document
from vmdqemu.experiments.row import Row


class Line(NamedTuple):
    """One line of the table: a mode with so many VMs. Numbers of rows that the machine did not limit."""

    mode: str
    vms: int
    predicted: float  # Gbit/s
    measured: float | None  # median; None: the machine limited every row
    least: float | None
    most: float | None
    paper: float | None
    difference: float | None  # measured against predicted
    limit: str
    ns_per_frame: float | None
    cpu_ms_per_gbit: float | None
    rows: int  # that count
    machine_limited: int  # that do not


def table(run: Run) -> list[Line]:
    """A line for each prediction."""
    return [_line(said, rows_of.of(run.rows, said.mode, said.vms)) for said in run.predictions]


def _line(said: Prediction, rows: Sequence[Row]) -> Line:
    counted = rows_of.valid(rows)
    paper = PAPER.get((said.mode, said.vms))
    if not counted:
        nothing = (None, None, None, paper, None, rows_of.Limit.MACHINE.value, None, None)
        return Line(said.mode, said.vms, said.gbit_per_s, *nothing, 0, len(rows))
    measured, typical = rows_of.rate(counted), rows_of.typical(counted)
    return Line(
        mode=said.mode,
        vms=said.vms,
        predicted=said.gbit_per_s,
        measured=measured,
        least=min(row.gbit_per_s for row in counted),
        most=max(row.gbit_per_s for row in counted),
        paper=paper,
        difference=measured / said.gbit_per_s - 1,
        limit=Counter(row.limit for row in counted).most_common(1)[0][0].value,
        ns_per_frame=typical.ns_per_frame,
        cpu_ms_per_gbit=typical.cpu_s_per_gbit * 1e3,
        rows=len(counted),
        machine_limited=len(rows) - len(counted),
    )


def gates_of(run: Run) -> list[Gate]:
    """Every condition on this run; none before it was measured."""
    if run.law is None:
        return []
    capacity = line.capacity(LINE, run.status["mtu"])
    found = [*gates.of_controls(run.controls), gates.within_the_wire(run.rows, capacity)]
    if any(row.vms == CALIBRATED[1] for row in run.rows):
        found.append(gates.no_drift(run.rows, *CALIBRATED, PAPER[CALIBRATED]))
    found += [gates.comparable(run.rows, said.mode, said.vms) for said in run.predictions]
    if run.plan.least_ratio is not None:
        name = f"{run.plan.modes[-1]}/{OFF}@{CALIBRATED[1]}"
        found.append(gates.at_least(name, results.ratios(run.rows, OFF).get(name), run.plan.least_ratio))
    return [*found, gates.law(run.law["holds"])]


def conclude(run: Run) -> Outcome:
    """What is known by now: before the rounds the predictions, at the end everything."""
    return Outcome(
        experiment=NAME,
        status=run.status,
        emulated=EMULATED,
        claims=claims(run.fit, run.predictions),
        rows=[results.flat(row) for row in run.rows],
        ratios=results.ratios(run.rows, OFF),
        gates=gates_of(run),
        law=run.law,
        picture=_picture(run),
        more=_more(run),
    )


def _more(run: Run) -> Document:
    return {
        "plan": run.plan._asdict(),
        "calibration": {"mode": CALIBRATED[0], "vms": CALIBRATED[1], **run.fit._asdict()}
        | {"points": [point._asdict() for point in run.fit.points]},
        "predicted_at": run.predicted_at,
        "predictions": [said._asdict() for said in run.predictions],
        "table": [entry._asdict() for entry in table(run)] if run.rows else [],
        "controls": [control._asdict() for control in run.controls],
        "sensitivity": [
            {"speed": point.speed, "off": point.off.gbit_per_s, point.sorted.mode: point.sorted.gbit_per_s}
            for point in run.sensitivity
        ],
    }


def _picture(run: Run) -> Bars:
    """Bars by the number of VMs, as the paper has them."""
    lines = table(run)
    modes = list(dict.fromkeys(entry.mode for entry in lines))
    return Bars(
        title="VMs that only receive, 10 GbE, frames of 1500 bytes",
        axes=("VMs", "Gbit/s"),
        groups=[str(vms) for vms in run.plan.vms],
        bars={mode: [entry.measured for entry in lines if entry.mode == mode] for mode in modes},
        published={mode: [entry.paper for entry in lines if entry.mode == mode] for mode in modes},
        line=("what the wire carries", line.capacity(LINE, run.status["mtu"])),
    )


def sensitivity(run: Run) -> Curves | None:
    """C9 as a picture: both modes over the speed, with the paper's points at the fitted one."""
    if not run.sensitivity:
        return None
    published = [(run.fit.speed, PAPER[mode, CALIBRATED[1]]) for mode in (OFF, run.plan.modes[-1])]
    return Curves(
        title=f"{CALIBRATED[1]} VMs that receive: what the fitted number decides",
        axes=("speed of a processor, of a CPU", "Gbit/s"),
        places=[point.speed for point in run.sensitivity],
        curves={
            OFF: [point.off.gbit_per_s for point in run.sensitivity],
            run.plan.modes[-1]: [point.sorted.gbit_per_s for point in run.sensitivity],
        },
        published=published,
    )
