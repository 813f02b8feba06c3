"""What limited a row, and which rows count."""

from collections.abc import Sequence

import pytest

from tests.unit.measured_rows import CAPACITY, row
from vmdqemu.experiments import row as rows_of
from vmdqemu.experiments.row import Limit, limit

SPENT = (0.249, 0.0, 0.0, 0.0)
SPARE = (0.15, 0.2, 0.12, 0.16)


@pytest.mark.parametrize(
    ("gbit_per_s", "busy", "limited_by"),
    [
        (5.4, SPENT, Limit.PROCESSOR),
        (9.3, SPARE, Limit.WIRE),
        (9.3, (0.25, 0.25, 0.25, 0.25), Limit.WIRE),
        (8.0, (0.249, 0.25, 0.248, 0.25), Limit.PROCESSOR),
        (7.0, (0.249, 0.25, 0.01, 0.0), Limit.PROCESSOR),  # RSS has spread the flows over two of four
        (8.0, SPARE, Limit.MACHINE),
        (4.0, (0.2, 0.0, 0.0, 0.0), Limit.MACHINE),
        (0.0, (0.0, 0.0, 0.0, 0.0), Limit.MACHINE),
    ],
)
def test_a_row_is_limited_by_the_wire_the_processors_or_else_by_the_machine(
    gbit_per_s: float, busy: Sequence[float], limited_by: Limit
) -> None:
    assert limit(gbit_per_s, CAPACITY, busy, speed=0.25) is limited_by


def test_rows_that_the_machine_limited_do_not_count() -> None:
    good, bad = row(gbit_per_s=5.4), row(gbit_per_s=3.0, limit=Limit.MACHINE)
    assert rows_of.valid([good, bad]) == [good]


def test_rows_of_one_setting_are_found() -> None:
    rows = [row("off"), row("vmq"), row("off", vms=8)]
    assert rows_of.of(rows, "off", 4) == rows[:1]


def test_the_typical_row_is_in_the_middle() -> None:
    rows = [row(gbit_per_s=gbit) for gbit in (5.6, 5.0, 5.3, 5.4)]
    assert rows_of.typical(rows).gbit_per_s == 5.3
    assert rows_of.rate(rows) == pytest.approx(5.35)


def test_cpu_seconds_of_a_gigabit_are_the_hosts() -> None:
    assert row(gbit_per_s=5.4).cpu_s_per_gbit == pytest.approx(0.05)
