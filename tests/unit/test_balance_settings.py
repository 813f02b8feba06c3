"""The balancer's knobs: published defaults, and bad values refused by name."""

import math
from dataclasses import replace

import pytest

from vmdqemu.host.balance_settings import DYNAMIC_VMQ, VRSS


def test_the_published_thresholds_are_the_defaults() -> None:
    assert DYNAMIC_VMQ.upper == 0.90
    assert VRSS.upper == 0.80


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("upper", 0),
        ("upper", 1.1),
        ("upper", math.nan),
        ("lower", -0.1),
        ("lower", DYNAMIC_VMQ.upper),
        ("margin", -0.1),
        ("margin", DYNAMIC_VMQ.upper),
        ("period", 0),
        ("patience", -1),
        ("rest", -1),
        ("budget", 0),
        ("saturated", 0),
        ("growth", 0.5),
    ],
)
def test_a_bad_setting_is_refused_with_its_name(field: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{field}: .*; use "):
        replace(DYNAMIC_VMQ, **{field: value})  # type: ignore[arg-type]


def test_a_processor_is_filled_up_to_the_margin_below_the_upper_threshold() -> None:
    assert replace(DYNAMIC_VMQ, upper=0.75, margin=0.25).full == 0.5
