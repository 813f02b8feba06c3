"""Tables: columns of text, numbers to the right. For the eye; `-j` is for programs."""

import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

GAP: Final = 2  # columns of space between two; the tables fit 80
UNBOUNDED: Final = 10_000  # columns of a file or pipe

Cell = str | int | float


def show(heads: Sequence[str], rows: Iterable[Sequence[Cell]]) -> None:
    """Print a table on stdout. Only its last column folds, between words, in a terminal too narrow for it."""
    rows = list(rows)
    table = Table(box=None, padding=(0, GAP, 0, 0), pad_edge=False, header_style="bold")
    columns = zip(*rows, strict=True) if rows else [()] * len(heads)
    for number, (head, cells) in enumerate(zip(heads, columns, strict=True), start=1):
        numeric = not any(isinstance(cell, str) for cell in cells)
        widest = max(map(len, (head, *map(spelled, cells))))
        table.add_column(
            head, justify="right" if numeric else "left", min_width=0 if number == len(heads) else widest
        )
    for row in rows:
        table.add_row(*map(spelled, row))
    _print(table)


def spelled(cell: Cell) -> str:
    """A cell's text: thousands in groups, two decimals."""
    match cell:
        case str():
            return cell
        case int():
            return f"{cell:,}"
        case float():
            return f"{cell:,.2f}"


def room() -> int:
    """Columns that a line may have."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else UNBOUNDED


def _print(table: Table) -> None:
    """In a terminal narrower than the least that the table needs, the terminal breaks the lines."""
    console = Console(width=UNBOUNDED, markup=False, highlight=False, emoji=False)
    console.width = max(room(), Measurement.get(console, console.options, table).minimum)
    console.print(table)
