"""Numbers as a reader gets them: on the terminal while they come, in docs/performance.md at the end."""

import math
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

PAGE: Final = Path(__file__).parents[2] / "docs" / "performance.md"
BEGIN: Final = "<!-- bench: begin -->"
END: Final = "<!-- bench: end -->"


class Table(NamedTuple):
    """One table of the page."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """As GitHub reads it."""
        rule = ["---", *["---:"] * (len(self.columns) - 1)]
        lines = [" | ".join(row) for row in (self.columns, rule, *self.rows)]
        return f"**{self.title}**\n\n" + "\n".join(f"| {line} |" for line in lines)


def say(line: str) -> None:
    """Progress."""
    print(line, flush=True)


def spread(values: Sequence[float], digits: int = 0) -> str:
    """Median (min..max)."""
    middle, low, high = statistics.median(values), min(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f}..{high:.{digits}f})"


def percentile(values: Sequence[float], percent: float) -> float:
    """The smallest value that `percent` of them do not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def write(heading: str, tables: Sequence[Table], page: Path = PAGE) -> None:
    """Replace what stands between the markers; the prose around them is ours to write by hand."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, marker, after = rest.partition(END)
    if not marker:
        raise ValueError(f"{page}: the lines {BEGIN} and {END} are missing")
    parts = [heading, *(table.markdown() for table in tables)]
    page.write_text(before + BEGIN + "\n" + "\n\n".join(parts) + "\n" + END + after)
