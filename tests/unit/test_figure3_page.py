"""docs/figure3.md says what its run has measured, and nothing else."""

import json

from tests.perf import figure3, report


def test_the_page_has_the_tables_of_the_results_beside_it() -> None:
    found = json.loads(figure3.RESULTS.read_text())
    _, _, rest = figure3.PAGE.read_text().partition(report.BEGIN)
    block, marker, _ = rest.partition(report.END)
    parts = [figure3.heading(found), *(table.markdown() for table in figure3.tables(found))]
    assert marker
    assert block.strip() == "\n\n".join(parts)


def test_the_committed_run_is_not_void_and_has_every_control() -> None:
    found = json.loads(figure3.RESULTS.read_text())
    assert not found["void"]
    assert {control["name"] for control in found["controls"]} == {f"C{number}" for number in range(1, 14)}
    assert found["machine"]["commit"]
