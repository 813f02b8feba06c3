"""Signals are taken where the program waits, and once."""

import os
import signal

import pytest

from vmdqemu.experiments.interrupts import Interrupts


def _press(number: signal.Signals = signal.SIGINT) -> None:
    os.kill(os.getpid(), number)


def _wait(interrupts: Interrupts, steps: list[str], number: signal.Signals = signal.SIGINT) -> None:
    """A wait that is interrupted."""
    with interrupts.taken():
        _press(number)
        steps.append("the wait went on")


def test_ctrl_c_ends_a_wait() -> None:
    steps: list[str] = []
    with pytest.raises(KeyboardInterrupt), Interrupts() as interrupts:
        _wait(interrupts, steps)
    assert steps == []


def test_a_signal_between_two_waits_ends_the_next_before_it_begins() -> None:
    steps: list[str] = []

    def step() -> None:
        with Interrupts() as interrupts:
            _press()
            steps.append("a step is not cut in half")
            _wait(interrupts, steps)

    with pytest.raises(KeyboardInterrupt):
        step()
    assert steps == ["a step is not cut in half"]


def test_a_signal_that_no_wait_took_is_raised_at_the_end() -> None:
    steps: list[str] = []

    def step() -> None:
        with Interrupts():
            _press()
            steps.append("undone")

    with pytest.raises(KeyboardInterrupt):
        step()
    assert steps == ["undone"]


def test_a_second_ctrl_c_does_not_cut_the_undo_short() -> None:
    steps: list[str] = []

    def step() -> None:
        with Interrupts() as interrupts:
            try:
                _wait(interrupts, steps)
            finally:
                _press()
                _wait(interrupts, steps)
                steps.append("undone")

    with pytest.raises(KeyboardInterrupt):
        step()
    assert steps == ["the wait went on", "undone"]  # the undo's own wait


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_another_signal_ends_with_the_exit_code_of_the_shell(number: signal.Signals) -> None:
    with pytest.raises(SystemExit) as ended, Interrupts() as interrupts:
        _wait(interrupts, [], number)
    assert ended.value.code == 128 + number


def test_a_signal_that_was_ignored_before_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts() as interrupts, interrupts.taken():
            _press(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupts():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
