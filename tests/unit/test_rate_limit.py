"""Rate limits: the chips' factors, and buckets. What the arbiter makes of them is in test_arbiter_rate.py."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.nic.rate_limit import BUCKET_SECONDS, NO_LIMIT, Bucket, RateLimits

TEN_GBIT = RateLimits(link=10_000, above=10)


def test_300_of_10000_is_33_and_5461_of_16384() -> None:
    """ixgbe_sriov.c."""
    assert TEN_GBIT.settle(300) == 10_000 / (33 + 5461 / 16384)
    assert TEN_GBIT.settle(300) == pytest.approx(300.0002, abs=0.0001)


@given(st.floats(10, 10_000, exclude_min=True))
def test_a_factor_never_holds_back_what_was_asked_for_and_adds_no_more_than_its_step(rate: float) -> None:
    settled = TEN_GBIT.settle(rate)
    assert rate * (1 - 1e-12) <= settled <= rate * (1 + rate / 10_000 / 16_383)


@given(st.integers(11, 10_000))
def test_a_rate_that_the_chip_has_stays_as_it_is(rate: int) -> None:
    settled = TEN_GBIT.settle(rate)
    assert TEN_GBIT.settle(settled) == pytest.approx(settled, rel=1e-4)


@pytest.mark.parametrize("rate", [0.0, 10.0, 10_001.0])
def test_what_the_driver_refuses_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=f"a rate of {rate:g} does not fit; use more than 10, to 10000"):
        TEN_GBIT.settle(rate)


def test_a_factor_has_14_bits_before_the_point() -> None:
    limits = RateLimits(link=1000)
    assert limits.settle(1000 / 16_383) == pytest.approx(1000 / 16_383)
    with pytest.raises(ValueError, match=r"use more than 0\.061, to 1000"):
        limits.settle(1000 / 16_384)


def test_without_a_chip_a_rate_is_exact() -> None:
    assert RateLimits().settle(0.123) == 0.123


def test_a_bucket_without_a_rate_is_never_closed() -> None:
    bucket = Bucket(None)
    bucket.take(NO_LIMIT)
    assert bucket.fill(0.0)
    assert (bucket.limited, bucket.spendable) == (False, NO_LIMIT)


def test_an_overdrawn_bucket_is_closed_until_the_debt_is_paid() -> None:
    bucket = Bucket(1000.0)
    bucket.take(int(1000 * BUCKET_SECONDS) + 500)
    assert not bucket.fill(0.4)
    assert bucket.solvent_at() == pytest.approx(0.5)
    assert bucket.fill(0.5)
    assert bucket.spendable == 1
