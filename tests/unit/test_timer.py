"""The kernel's timer: readable from its moment on, and not before."""

import select
import time
from collections.abc import Iterator

import pytest

from vmdqemu.datapath.timer import Timer

SOON = 0.005  # seconds


@pytest.fixture
def timer() -> Iterator[Timer]:
    timer = Timer()
    yield timer
    timer.close()


def readable(timer: Timer, timeout: float) -> bool:
    return bool(select.select([timer], [], [], timeout)[0])


def test_it_expires_at_its_moment_and_not_before(timer: Timer) -> None:
    assert not readable(timer, 0)
    moment = time.monotonic() + SOON
    timer.set(moment)
    assert readable(timer, 1.0)
    assert time.monotonic() >= moment


@pytest.mark.parametrize("moment", [0.0, -1.0, 1e-9])
def test_a_moment_in_the_past_is_now(timer: Timer, moment: float) -> None:
    timer.set(moment)
    assert readable(timer, 1.0)


def test_a_cleared_timer_waits_to_be_set_again(timer: Timer) -> None:
    timer.set(0.0)
    assert readable(timer, 1.0)
    timer.clear()
    assert not readable(timer, SOON)
    timer.clear()  # nothing there
    timer.set(0.0)
    assert readable(timer, 1.0)


def test_a_later_setting_replaces_an_earlier_one(timer: Timer) -> None:
    timer.set(time.monotonic() + SOON)
    timer.set(time.monotonic() + 60)
    assert not readable(timer, 4 * SOON)
