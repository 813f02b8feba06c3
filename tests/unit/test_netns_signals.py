"""A signal waits for what must not be cut short, and is not lost."""

import os
import signal

import pytest

from netns.signals import ENDS, heard, heed, uninterrupted


@pytest.mark.parametrize("number", sorted(ENDS), ids=lambda number: number.name)
def test_a_signal_is_taken_at_the_end(number: signal.Signals) -> None:
    done: list[str] = []

    @uninterrupted()
    def work() -> None:
        os.kill(os.getpid(), number)
        done.append("work")

    before = signal.signal(number, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            work()
    finally:
        signal.signal(number, before)
    assert done == ["work"]


def test_what_was_blocked_before_stays_blocked() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        with uninterrupted():
            pass
        assert signal.pthread_sigmask(signal.SIG_BLOCK, set()) == before | {signal.SIGUSR1}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@pytest.mark.parametrize("number", sorted(ENDS), ids=lambda number: number.name)
def test_a_signal_that_waits_can_be_heeded_between_two_steps(number: signal.Signals) -> None:
    before = signal.signal(number, signal.default_int_handler)
    try:
        with uninterrupted():
            heed()
            os.kill(os.getpid(), number)
            with pytest.raises(KeyboardInterrupt):
                heed()
            signal.signal(number, signal.SIG_IGN)  # it goes
    finally:
        signal.signal(number, before)


def test_a_signal_that_is_ignored_is_not_heeded() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert signal.SIGHUP not in heard()
        with uninterrupted():
            os.kill(os.getpid(), signal.SIGHUP)
            heed()
    finally:
        signal.signal(signal.SIGHUP, before)
