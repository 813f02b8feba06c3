"""`experiment`: measurements, each with what casts doubt on it."""

from pathlib import Path
from typing import Annotated

import typer

from vmdqemu.cli.group import group
from vmdqemu.cli.options import Quick
from vmdqemu.errors import UsageError

app = group("Measure, and doubt it.")

Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Where the results go.")]


@app.command("figure3")
def figure3(
    quick: Quick = False,
    full: Annotated[bool, typer.Option("--full", help="1, 2, 4 and 8 VMs.", show_default=False)] = False,
    controls: Annotated[
        bool, typer.Option("--controls", help="Every control, not the starred alone.", show_default=False)
    ] = False,
    out: Out = Path("results/figure3"),
) -> None:
    """The paper's Figure 3: VMs that receive from a 10 GbE wire, without VMDq and with it."""
    from vmdqemu.cli import experiment
    from vmdqemu.experiments import figure3

    if quick and full:
        raise UsageError("--quick and --full do not fit together; give one")
    plan = figure3.QUICK if quick else figure3.FULL if full else figure3.DEFAULT
    experiment.figure3(plan._replace(controls=controls), out)


@app.command("scaling")
def scaling(quick: Quick = False, out: Out = Path("results/scaling")) -> None:
    """One VM with more and more queues: native RSS, VMQ and VMMQ."""
    from vmdqemu.cli import experiment
    from vmdqemu.experiments import scaling

    experiment.experiment(scaling, scaling.QUICK if quick else scaling.DEFAULT, out)


@app.command("fairness")
def fairness(quick: Quick = False, out: Out = Path("results/fairness")) -> None:
    """VMs that share a slow wire to the outside: what the arbiter gives each."""
    from vmdqemu.cli import experiment
    from vmdqemu.experiments import fairness

    experiment.experiment(fairness, fairness.QUICK if quick else fairness.DEFAULT, out)


@app.command("latency")
def latency(quick: Quick = False, out: Out = Path("results/latency")) -> None:
    """The round trip to one VM while the others rest, and while they receive."""
    from vmdqemu.cli import experiment
    from vmdqemu.experiments import latency

    experiment.experiment(latency, latency.QUICK if quick else latency.DEFAULT, out)


@app.command("sriov")
def sriov(quick: Quick = False, out: Out = Path("results/sriov")) -> None:
    """vSwitch, VMDq, VMQ, VMMQ and SR-IOV side by side, with a kernel bridge and a veth pair."""
    from vmdqemu.cli import experiment
    from vmdqemu.experiments import sriov

    experiment.experiment(sriov, sriov.QUICK if quick else sriov.DEFAULT, out)


@app.command("dvmq")
def dvmq(
    quick: Quick = False,
    simulate: Annotated[
        bool,
        typer.Option(
            "--simulate", help="64 processors and 255 queues on a virtual clock.", show_default=False
        ),
    ] = False,
    seed: Annotated[
        int | None, typer.Option(metavar="N", help="With --simulate: of its traces.", show_default="1")
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(
            metavar="H", min=0.01, max=24, help="With --simulate: of virtual time.", show_default="1"
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Where the results go.", show_default="results/dvmq"),
    ] = None,
) -> None:
    """Dynamic VMQ: processors follow the load, with static VMQ beside it."""
    from vmdqemu.cli import experiment
    from vmdqemu.experiments import dvmq, dvmq_simulated

    if simulate:
        plan = dvmq_simulated.QUICK if quick else dvmq_simulated.DEFAULT
        plan = plan._replace(seed=plan.seed if seed is None else seed)
        plan = plan._replace(hours=plan.hours if hours is None else hours)
        experiment.simulation(dvmq_simulated, plan, out or Path("results") / dvmq_simulated.NAME)
        return
    if seed is not None or hours is not None:
        raise UsageError("--seed and --hours are of the simulation; give --simulate too")
    experiment.experiment(dvmq, dvmq.QUICK if quick else dvmq.DEFAULT, out or Path("results/dvmq"))
