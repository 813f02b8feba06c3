"""The balancer at the size of a large host, on a virtual clock."""

import math
from itertools import islice
from random import Random

import pytest

from vmdqemu.experiments.simulation import HOUR, QUEUES, TRACES, lower_bound, simulate
from vmdqemu.host.balance_settings import DYNAMIC_VMQ

MINUTES = 5


@pytest.mark.parametrize("trace", TRACES)
def test_a_run_is_the_same_with_the_same_seed_and_another_with_another(trace: str) -> None:
    first, again, other = (simulate(trace, seed, seconds=60) for seed in (1, 1, 2))
    assert first == again
    assert first._replace(seed=2) != other


@pytest.mark.parametrize("trace", TRACES)
def test_a_trace_offers_every_queue_a_share_each_second(trace: str) -> None:
    for offered in islice(TRACES[trace](Random(1), QUEUES), 30):
        assert len(offered) == QUEUES
        assert all(math.isfinite(load) and load >= 0 for load in offered)


@pytest.mark.parametrize("hidden", [False, True])
def test_a_day_takes_few_processors_more_than_the_bound_and_hardly_overloads_one(hidden: bool) -> None:
    ratios = simulate("diurnal", seed=1, seconds=HOUR, hidden=hidden).ratios
    assert 1.0 <= ratios["processors/bound"] <= 1.3
    assert ratios["overload"] <= 0.01


@pytest.mark.parametrize("trace", TRACES)
def test_moves_stay_in_the_budget(trace: str) -> None:
    outcome = simulate(trace, seed=1, seconds=60 * MINUTES, hidden=True)
    assert outcome.moves > 0
    assert outcome.most_moves <= DYNAMIC_VMQ.budget * QUEUES
    assert outcome.moves_per_minute == pytest.approx(outcome.moves / MINUTES)


def test_without_the_balancer_a_day_overloads_the_home_processor() -> None:
    """The control: one processor in the set, so nothing can move."""
    outcome = simulate("diurnal", seed=1, seconds=60, processors=1)
    assert outcome.moves == 0
    assert outcome.ratios["overload"] == 1.0


@pytest.mark.parametrize(
    ("offered", "bound"), [([], 1), ([0.9], 1), ([0.45] * 4, 2), ([0.45] * 4 + [0.01], 3), ([3.0, 3.0], 2)]
)
def test_the_bound_is_what_no_packing_can_do_without(offered: list[float], bound: int) -> None:
    assert lower_bound(offered, upper=0.9) == bound
