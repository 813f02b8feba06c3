"""Shares: what each chip's arbiter can do, and that what it cannot is said."""

import pytest

from vmdqemu.nic.disciplines import Discipline
from vmdqemu.nic.models import MODELS
from vmdqemu.nic.share import ARBITERS, Share

CHIPS = sorted(set(ARBITERS) - {"ideal"})


@pytest.mark.parametrize("model", CHIPS)
def test_a_chip_goes_round_robin_unless_it_is_told_otherwise(model: str) -> None:
    assert ARBITERS[model].choose(None) is Discipline.ROUND_ROBIN


def test_without_a_chip_turns_are_shared_by_deficit_and_all_others_are_there() -> None:
    ideal = ARBITERS["ideal"]
    assert ideal.choose(None) is Discipline.DEFICIT
    assert {ideal.choose(discipline.value) for discipline in Discipline} == set(Discipline)


@pytest.mark.parametrize("model", CHIPS)
def test_only_the_82599_and_later_know_weights(model: str) -> None:
    if model in ("82599", "x550"):
        assert ARBITERS[model].choose("weighted") is Discipline.WEIGHTED
        return
    with pytest.raises(ValueError, match='"weighted" is none of the chip\'s; use "round-robin"'):
        ARBITERS[model].choose("weighted")


@pytest.mark.parametrize("model", CHIPS)
def test_only_the_82576_has_strict_queues(model: str) -> None:
    if model == "82576":
        assert ARBITERS[model].settle(Share(strict=True)) == Share(strict=True)
        return
    with pytest.raises(ValueError, match="no queue of this chip goes before the others"):
        ARBITERS[model].settle(Share(strict=True))


@pytest.mark.parametrize(
    ("model", "rate", "settled"),
    [
        ("82576", 300, 1000 / (3 + 5461 / 16384)),
        ("82599", 300, 10_000 / (33 + 5461 / 16384)),
        ("x550", 10_000, 10_000),
        ("ideal", 0.3, 0.3),
    ],
)
def test_a_rate_is_what_the_chips_factor_comes_to(model: str, rate: float, settled: float) -> None:
    assert ARBITERS[model].settle(Share(2, rate)) == Share(2, settled)


@pytest.mark.parametrize(
    ("model", "rate", "problem"),
    [
        ("82575", 100, "no queue of this chip has a rate limit"),
        ("82598", 100, "no queue of this chip has a rate limit"),
        ("82576", 1001, "a rate of 1001 does not fit; use more than 0, to 1000 Mbit/s"),
        ("82599", 10, "a rate of 10 does not fit; use more than 10, to 10000 Mbit/s"),
    ],
)
def test_a_rate_that_the_chip_has_not_is_refused_with_what_it_has(
    model: str, rate: float, problem: str
) -> None:
    with pytest.raises(ValueError, match=problem):
        ARBITERS[model].settle(Share(rate=rate))


def test_every_model_has_the_rules_of_its_name() -> None:
    assert {name: model.arbiter for name, model in MODELS.items()} == {
        name: ARBITERS[name] for name in MODELS
    }
