"""Results on disk: one JSON document and one CSV table for each experiment."""

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from vmdqemu.experiments import machine
from vmdqemu.experiments import row as rows_of
from vmdqemu.experiments.row import Row

SCHEMA_VERSION: Final = 1
LAB_KEYS: Final = ("lab", "model", "mode", "mtu", "offloads", "wire", "vms")

Document = dict[str, Any]


def document(
    experiment: str, status: Document | None, emulated: Sequence[str], claims: Mapping[str, Sequence[str]]
) -> Document:
    """What every experiment's document begins with; status: the lab's, None for one without a lab."""
    return {
        "schema_version": SCHEMA_VERSION,
        "experiment": experiment,
        "machine": machine.describe(),
        "lab": status and {key: status[key] for key in LAB_KEYS},
        "emulated": list(emulated),
        "claims": dict(claims),
    }


def flat(row: Row) -> Document:
    """A row as an object: the CPU's columns under names of their own."""
    fields = row._asdict()
    cpu = {f"cpu_{column}": share for column, share in fields.pop("cpu")._asdict().items()}
    return fields | cpu | {"cpu_s_per_gbit": row.cpu_s_per_gbit}


def ratios(rows: Sequence[Row], base: str) -> dict[str, float]:
    """Medians of each mode against those of `base`, "vmq/off@4"; only of rows that may be compared."""
    found = {}
    for mode, vms in dict.fromkeys((row.mode, row.vms) for row in rows):
        ours, theirs = (rows_of.valid(rows_of.of(rows, name, vms)) for name in (mode, base))
        if mode != base and ours and theirs:
            found[f"{mode}/{base}@{vms}"] = round(rows_of.rate(ours) / rows_of.rate(theirs), 3)
    return found


def write_json(file: Path, content: Document) -> None:
    """Whole, or not at all."""
    new = file.with_suffix(".new")
    new.write_text(json.dumps(content, indent=2) + "\n")
    new.replace(file)


def write_csv(file: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """One line a row; a list's values stand in one cell, with spaces between."""
    with file.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, fieldnames=list(rows[0]) if rows else [])
        writer.writeheader()
        writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)


def _cell(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value
