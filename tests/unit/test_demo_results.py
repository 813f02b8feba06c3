"""What the demo found, as a document and as tables."""

import pytest

from tests.unit.measured import measured
from vmdqemu.cli.demo_results import document, show


def _printed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


def test_every_measurement_is_a_row_and_the_ratios_are_to_one_connection_alone() -> None:
    written = document(measured())
    assert [(row["run"], row["measurement"], row["source"]) for row in written["rows"]] == [
        ("alone", "tcp", "vm1"),
        ("two at once", "tcp", "vm1"),
        ("two at once", "tcp", "vm3"),
        ("ping", "ping", "vm1"),
    ]
    assert written["rows"][3]["median_ms"] == 0.093
    assert written["ratios"] == {"two at once/alone": 1.25}


def test_the_document_has_the_shape_of_every_result() -> None:
    written = document(measured())
    described = {"schema_version", "experiment", "machine", "lab", "emulated", "claims"}
    assert described | {"rows", "ratios", "law"} <= set(written)
    assert set(written["claims"]) == {"real", "emulated", "calibrated", "predicted", "not_modelled"}
    assert set(written["law"]) == {"holds", "checks"}


def test_the_tables_show_the_numbers_the_drops_by_reason_and_the_law(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show(measured())
    lines = _printed(capsys)
    assert "vm1 -> vm2, two at once 6.00 7" in lines
    assert "vm1 -> vm2 93 200" in lines
    assert "vm1 5 4 50 4 1 oversize, 2 ring_overflow" in lines
    assert "0 default 1,234" in lines
    assert "law holds: yes (1 of 1 equations)" in lines


def test_a_broken_equation_is_shown_with_both_sides(capsys: pytest.CaptureFixture[str]) -> None:
    show(measured(right=4))
    assert _printed(capsys)[-2:] == [
        "law holds: no (0 of 1 equations)",
        "broken: vm1: tx_packets = reads: 5 and 4",
    ]
