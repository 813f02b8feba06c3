"""Results on disk."""

import csv
import json
from pathlib import Path

from tests.unit.measured_rows import STATUS, row
from vmdqemu.experiments import results
from vmdqemu.experiments.row import Limit


def test_ratios_are_of_medians_and_of_rows_that_may_be_compared() -> None:
    rows = [row("off", gbit) for gbit in (5.0, 5.4, 5.5)]
    rows += [row("vmq", gbit) for gbit in (9.0, 9.18, 9.4)] + [row("vmq", 2.0, limit=Limit.MACHINE)]
    assert results.ratios(rows, "off") == {"vmq/off@4": 1.7}


def test_without_a_row_that_may_be_compared_there_is_no_ratio() -> None:
    assert results.ratios([row("off"), row("vmq", limit=Limit.MACHINE)], "off") == {}
    assert results.ratios([row("off"), row("vmq", vms=8)], "off") == {}


def test_the_document_begins_as_every_result_does() -> None:
    begun = results.document("figure3", STATUS, ["the wire"], {"real": []})
    assert list(begun) == ["schema_version", "experiment", "machine", "lab", "emulated", "claims"]
    assert begun["lab"]["lab"] == "figure3"


def test_a_row_has_the_four_columns_of_cpu_time() -> None:
    flat = results.flat(row())
    assert {"cpu_outside", "cpu_adapter", "cpu_host", "cpu_guest", "cpu_s_per_gbit"} <= set(flat)
    assert json.loads(json.dumps(flat))["limit"] == "processor"


def test_csv_has_a_line_for_each_row(tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    results.write_csv(file, [results.flat(row("off")), results.flat(row("vmq", 9.3))])
    with file.open(newline="") as lines:
        first, second = csv.DictReader(lines)
    assert (first["mode"], second["mode"], second["gbit_per_s"]) == ("off", "vmq", "9.3")
    assert first["busy"] == "0.25 0.0 0.0 0.0"


def test_json_replaces_what_was_there_as_a_whole(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    for number in (1, 2):
        results.write_json(file, {"rows": [number]})
        assert json.loads(file.read_text()) == {"rows": [number]}
    assert [found.name for found in tmp_path.iterdir()] == ["results.json"]
