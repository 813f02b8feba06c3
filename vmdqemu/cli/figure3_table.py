"""Figure 3 for the eye: the paper's numbers beside ours, what each mode is, and what the controls say."""

from typing import Final

from vmdqemu.cli import table
from vmdqemu.experiments import figure3_results
from vmdqemu.experiments.figure3 import CALIBRATED, PAPER, Run
from vmdqemu.experiments.figure3_results import Line

MODES: Final = {
    "off": "one RX queue, one processor; the vSwitch looks every frame up and copies it (VMBus)",
    "vmdq": "the adapter sorts by (MAC, VLAN): a queue and a processor for each VM, no look-up, a copy",
    "vmq": "as vmdq, into the VM's own memory: no copy",
}
HEADS: Final = ("mode", "VMs", "predicted", "measured", "paper", "off by", "ns/frame", "CPU ms/Gbit", "limit")
VERDICTS: Final = {True: "holds", False: "FAILS", None: "says"}


def show(run: Run) -> None:
    """Print it all."""
    table.show(HEADS, [_cells(line) for line in figure3_results.table(run)])
    print(
        f"Gbit/s; a processor is {run.fit.speed:.3f} of a CPU, the one fitted number: "
        f"off with {CALIBRATED[1]} VMs is to give {PAPER[CALIBRATED]}"
    )
    for mode in run.plan.modes:
        print(f"{mode}: {MODES[mode]}")
    print()
    for control in run.controls:
        print(f"{control.name} {VERDICTS[control.holds]}: {control.question}: {control.answer}")
    print()


def _cells(line: Line) -> tuple[table.Cell, ...]:
    return (
        line.mode,
        line.vms,
        line.predicted,
        _number(line.measured),
        _number(line.paper),
        "-" if line.difference is None else f"{line.difference:+.0%}",
        "-" if line.ns_per_frame is None else f"{line.ns_per_frame:.0f}",
        _number(line.cpu_ms_per_gbit),
        line.limit,
    )


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
