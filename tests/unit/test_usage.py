"""Shares of time, from the kernel's books."""

import os
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.observe import usage
from vmdqemu.observe.usage import TICK, Machine, Ran, Sample

STAT = "cpu  100 10 50 600 40 3 7 20 5 0\ncpu0 1 1 1 1 1 1 1 1 1 1\n"


def test_the_machines_time_is_busy_idle_or_stolen() -> None:
    machine = usage.machine(STAT)
    assert machine == pytest.approx((170 * TICK, 640 * TICK, 20 * TICK))  # guests are in user and nice


def test_shares_are_of_one_cpu_for_a_process_and_of_all_for_the_machine() -> None:
    before = Sample(10.0, {7: Ran(1.0, 0.5)}, Machine(4.0, 2.0, 0.0))
    after = Sample(12.0, {7: Ran(1.5, 0.6)}, Machine(5.0, 4.5, 0.5))
    used = usage.between(before, after)
    assert used.seconds == 2.0
    assert used.processes[7] == pytest.approx((0.25, 0.05))
    assert used.machine == pytest.approx((0.25, 0.625, 0.125))


@given(st.lists(st.integers(0, 10**9), min_size=8, max_size=10))
def test_the_machines_shares_add_up(ticks: list[int]) -> None:
    machine = usage.machine("cpu  " + " ".join(map(str, ticks)) + "\n")
    assert sum(machine) == pytest.approx(sum(ticks[:8]) * TICK)


def test_a_process_that_runs_is_busy() -> None:
    before = usage.sample([os.getpid()])
    until = time.process_time() + 0.05
    while time.process_time() < until:
        pass
    used = usage.between(before, usage.sample([os.getpid()]))
    busy, waiting = used.processes[os.getpid()]
    assert busy * used.seconds > 0.04
    assert waiting >= 0


def test_books_whose_reader_was_held_up_are_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((10.0, 10.3, 10.4, 10.401))  # before and behind each reading
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    assert usage.sample([]).at == 10.4


def test_a_process_that_ended_is_not_taken_for_an_idle_one() -> None:
    with pytest.raises((FileNotFoundError, ProcessLookupError)):
        usage.sample([2**22 + 1])  # above any pid
