"""docs/fidelity.md has every row once, says nothing that no test shows, and counts right."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

import pytest

TESTS: Final = Path(__file__).parents[1]
DOCUMENT: Final = TESTS.parent / "docs/fidelity.md"
STATUSES: Final = ("live", "model", "to come", "not emulated")
SHOWN_IN: Final = {"live": "system/", "model": "unit/"}  # the others are shown nowhere
LAST: Final = {  # of the rows of each letter; Intel's have none
    "": 65, "Q": 19, "F": 20, "C": 4, "T": 4, "M": 5, "L": 2, "K": 6, "N": 24,
    "V": 15, "R": 21, "D": 19, "P": 6, "O": 6, "G": 9,
}  # fmt: skip
EXPECTED: Final = [f"{letter}{number}" for letter, last in LAST.items() for number in range(1, last + 1)]


class Row(NamedTuple):
    """One line of a table."""

    number: str
    feature: str
    status: str
    shown_by: str
    remark: str

    @property
    def tests(self) -> list[str]:
        """Those that show it, as room/file.py::function."""
        return re.findall(r"`([^`]+)`", self.shown_by)


def rows() -> Iterator[Row]:
    for line in DOCUMENT.read_text().splitlines():
        if re.match(r"\| [A-Z]?\d", line):
            yield Row(*(cell.strip() for cell in line.strip("|").split("|")))


ROWS: Final = list(rows())


@cache
def functions(file: str) -> set[str]:
    """The tests of a file; none if there is no such file."""
    path = TESTS / file
    tree = ast.parse(path.read_text() if path.exists() else "")
    found = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    return {name for name in found if name.startswith("test_")}


def test_every_feature_has_its_row_once() -> None:
    assert [row.number for row in ROWS] == EXPECTED


def test_the_totals_are_those_of_the_rows() -> None:
    counted = Counter(row.status for row in ROWS)
    totals = ", ".join(f"{counted[status]} {status}" for status in STATUSES)
    assert f"\n{len(ROWS)} rows: {totals}.\n" in DOCUMENT.read_text()


def test_most_of_it_is_live() -> None:
    counted = Counter(row.status for row in ROWS)
    assert counted["live"] >= 170
    assert counted["not emulated"] <= 25


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_a_row_is_shown_by_tests_of_its_status_or_says_why_by_none(row: Row) -> None:
    assert row.feature
    assert row.status in STATUSES
    room = SHOWN_IN.get(row.status)
    assert bool(row.tests) == (room is not None), "only what is live or a model has a test"
    assert row.remark or room is not None, "say why, or with what it comes"
    for test in row.tests:
        file, _, name = test.partition("::")
        assert file.startswith(f"{room}test_"), f"{row.status}: shown under tests/{room}"
        assert name in functions(file), f"no test {test}"
