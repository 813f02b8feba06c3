"""What a cable carries."""

import pytest

from vmdqemu.experiments import line


@pytest.mark.parametrize(
    ("rate", "mtu", "gbit_per_s"), [(10_000, 1500, 9.415), (1_000, 1500, 0.9415), (10_000, 9000, 9.900)]
)
def test_a_cable_carries_its_rate_less_what_frames_need_for_themselves(
    rate: float, mtu: int, gbit_per_s: float
) -> None:
    assert line.capacity(rate, mtu) == pytest.approx(gbit_per_s, abs=5e-4)


def test_full_frames_on_10_gbe_are_that_many() -> None:
    assert line.gbit_per_s(812_744, 1500) == pytest.approx(line.capacity(10_000, 1500), rel=1e-5)
