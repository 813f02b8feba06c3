"""Gates: what must hold before a run's numbers may be believed. One that does not makes the run void."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from vmdqemu.experiments import calibrate
from vmdqemu.experiments import row as rows_of
from vmdqemu.experiments.controls import WIRE_AT_MOST, Control
from vmdqemu.experiments.row import Row


class Gate(NamedTuple):
    """One condition, and what was found."""

    name: str
    found: str
    holds: bool


def of_controls(controls: Sequence[Control]) -> Iterator[Gate]:
    """The controls that something depends on."""
    for control in controls:
        if control.holds is not None:
            yield Gate(f"{control.name}: {control.question}", control.answer, control.holds)


def no_drift(rows: Sequence[Row], mode: str, vms: int, target: float) -> Gate:
    """What was fitted still gives what it was fitted to, in the counted rounds."""
    name = f"{mode} with {vms} VMs within {calibrate.DRIFT:.0%} of {target} Gbit/s"
    fitted = rows_of.valid(rows_of.of(rows, mode, vms))
    if not fitted:
        return Gate(name, "every row was limited by the machine", False)
    reached = rows_of.rate(fitted)
    return Gate(name, f"{reached:.2f} Gbit/s", calibrate.is_close(reached, target, calibrate.DRIFT))


def within_the_wire(rows: Sequence[Row], capacity: float) -> Gate:
    """No row has more than a cable carries."""
    most = max(row.gbit_per_s for row in rows)
    return Gate(
        "no row above what the wire carries",
        f"{most:.3f} of {capacity:.3f} Gbit/s",
        most <= WIRE_AT_MOST * capacity,
    )


def comparable(rows: Sequence[Row], mode: str, vms: int) -> Gate:
    """At least one row was limited by the emulated lab and not by the machine."""
    all_rows = rows_of.of(rows, mode, vms)
    count = len(rows_of.valid(all_rows))
    return Gate(
        f"{mode} with {vms} VMs limited by the emulated lab", f"{count} of {len(all_rows)} rows", count > 0
    )


def at_least(name: str, ratio: float | None, least: float) -> Gate:
    """A ratio that was promised."""
    found = "none: the machine was the limit" if ratio is None else f"{ratio:.2f}"
    return Gate(f"{name} at least {least}", found, ratio is not None and ratio >= least)


def law(holds: bool) -> Gate:
    """Every frame was delivered or dropped for a counted reason."""
    return Gate("the law of frames", "holds" if holds else "broken", holds)
