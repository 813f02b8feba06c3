"""What is to be expected is the wire, or what the processors can do, whichever is less."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.measured_rows import CAPACITY
from vmdqemu.experiments.predict import predict
from vmdqemu.experiments.row import Limit


def test_one_processor_is_the_limit_and_four_fill_the_wire() -> None:
    off = predict("off", 4, 1, 540.0, 0.25, CAPACITY, 1500)
    vmq = predict("vmq", 4, 4, 540.0, 0.25, CAPACITY, 1500)
    assert (off.limit, vmq.limit) == (Limit.PROCESSOR, Limit.WIRE)
    assert off.gbit_per_s == pytest.approx(0.25 / 540e-9 * 1448 * 8 / 1e9)
    assert vmq.gbit_per_s == CAPACITY


@given(processors=st.integers(1, 8), cost=st.floats(100, 5000), speed=st.floats(0.01, 1))
def test_nothing_is_above_the_wire_and_work_costs_what_it_costs(
    processors: int, cost: float, speed: float
) -> None:
    said = predict("vmq", 4, processors, cost, speed, CAPACITY, 1500)
    assert said.gbit_per_s <= CAPACITY
    used = said.gbit_per_s * said.cpu_s_per_gbit
    assert used <= processors * speed * (1 + 1e-9)
    if said.limit is Limit.PROCESSOR:
        assert used == pytest.approx(processors * speed)
