"""The fit finds the speed that gives the target, and says so when there is none."""

from collections.abc import Callable
from itertools import chain, repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.measured_rows import row
from vmdqemu.errors import AssertionFailed
from vmdqemu.experiments.calibrate import CLOSE, TRIES, Point, fit, fitted, is_close
from vmdqemu.experiments.row import Limit, Row

TARGET = 5.4


def machine(gbit_per_cpu: float, bias: float = 0.0) -> Callable[[float], Row]:
    """A machine on which a whole CPU moves so much, and a processor wastes a little at every speed."""
    return lambda speed: row(gbit_per_s=gbit_per_cpu * speed - bias, speed=speed)


@given(gbit_per_cpu=st.floats(8.0, 200.0), speed=st.floats(0.01, 1.0))
def test_a_proportional_machine_is_fitted_by_one_point(gbit_per_cpu: float, speed: float) -> None:
    assert fitted([Point(speed, gbit_per_cpu * speed)], TARGET) == pytest.approx(TARGET / gbit_per_cpu)


@given(gbit_per_cpu=st.floats(8.0, 100.0), bias=st.floats(0.0, 0.5))
def test_the_fitted_speed_gives_the_target(gbit_per_cpu: float, bias: float) -> None:
    found = fit(machine(gbit_per_cpu, bias), TARGET)
    assert is_close(machine(gbit_per_cpu, bias)(found.speed).gbit_per_s, TARGET, 2 * CLOSE)


def test_a_row_that_the_machine_limited_is_no_point() -> None:
    rows = chain([row(gbit_per_s=2.0, limit=Limit.MACHINE)], repeat(row(gbit_per_s=5.4, speed=0.22)))
    assert set(fit(lambda _: next(rows), TARGET).points) == {Point(0.22, 5.4)}


def test_one_row_that_gives_the_target_by_luck_is_no_fit() -> None:
    tried: list[float] = []

    def lucky_once(speed: float) -> Row:
        tried.append(speed)
        return row(gbit_per_s=TARGET if len(tried) == 1 else 30.0 * speed, speed=speed)

    assert fit(lucky_once, TARGET).speed == pytest.approx(TARGET / 30.0)


def test_a_processor_faster_than_the_wire_is_made_slower() -> None:
    def measured(speed: float) -> Row:
        return row(gbit_per_s=min(9.4, speed * 50), limit=Limit.WIRE if speed > 0.188 else Limit.PROCESSOR)

    assert fit(measured, TARGET, guess=0.5).speed == pytest.approx(0.108)


@pytest.mark.parametrize("gbit_per_cpu", [2.0, 1000.0])
def test_a_speed_that_no_processor_can_have_is_no_fit(gbit_per_cpu: float) -> None:
    with pytest.raises(AssertionFailed, match="no speed gives"):
        fit(machine(gbit_per_cpu), TARGET)


def test_a_restless_machine_gets_the_middle_of_its_last_rows() -> None:
    tried: list[float] = []

    def restless(speed: float) -> Row:
        tried.append(speed)
        return row(gbit_per_s=(20.0 if len(tried) % 2 else 30.0) * speed, speed=speed)

    assert fit(restless, TARGET).speed == pytest.approx(TARGET / 30.0)
    assert len(tried) == TRIES


def test_a_machine_that_is_always_the_limit_is_given_up() -> None:
    with pytest.raises(AssertionFailed, match="busy with something else"):
        fit(lambda speed: row(gbit_per_s=2.0, speed=speed, limit=Limit.MACHINE), TARGET)
