"""What vRSS needs (row D13 of the Microsoft rules; how far it spreads is in test_dynamic_vmq)."""

import pytest

from vmdqemu.host.vrss import NoVrss, obstacle


@pytest.mark.parametrize(
    ("has_queue", "channels", "vf", "expected"),
    [
        (True, 2, False, None),
        (True, 8, False, None),
        (False, 2, False, NoVrss.QUEUE),
        (True, 1, False, NoVrss.CHANNELS),
        (True, 2, True, NoVrss.VF),
        (False, 1, True, NoVrss.VF),
    ],
)
def test_d13_vrss_needs_a_queue_two_channels_and_no_vf(
    has_queue: bool, channels: int, vf: bool, expected: NoVrss | None
) -> None:
    assert obstacle(has_queue, channels, vf) is expected


def test_every_reason_names_its_cure() -> None:
    assert all("; " in reason.value for reason in NoVrss)
