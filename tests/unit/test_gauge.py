"""The gauge: what two looks at the books say of the time between them."""

import os
import time
from types import SimpleNamespace
from typing import cast

import pytest

from tests.unit.plants import counters, plant
from vmdqemu.daemon import gauge
from vmdqemu.daemon.gauge import Gauge, Ran, Reading, Served, between
from vmdqemu.daemon.supervisor import Role, Supervisor
from vmdqemu.daemon.workers import WorkerProcess
from vmdqemu.datapath.shm import RING_OFFSET
from vmdqemu.nic.counters import RingCounter

NOTHING = Served(0.0, 0, 0)
PLACED = {0: 0, 1: 0, 2: 1}


def reading(
    at: float, ran: dict[int, Ran], queues: dict[int, Served], inboxes: dict[int, Served] | None = None
) -> Reading:
    return Reading(at, ran, queues, inboxes or {0: NOTHING, 1: NOTHING})


BEFORE = reading(10.0, {0: Ran(7, 1.0, 0.0), 1: Ran(8, 1.0, 0.0)}, dict.fromkeys(PLACED, NOTHING))


def test_a_slow_processor_is_busy_for_longer() -> None:
    after = reading(12.0, {0: Ran(7, 1.1, 0.0), 1: Ran(8, 1.4, 0.0)}, dict.fromkeys(PLACED, NOTHING))
    sample = between(BEFORE, after, {0: 0.1, 1: 1.0}, PLACED, ring=64)
    assert sample.busy == pytest.approx({0: 0.5, 1: 0.2})


def test_a_processor_that_waits_for_the_machine_is_not_idle_and_none_is_more_than_busy() -> None:
    after = reading(12.0, {0: Ran(7, 1.2, 0.4), 1: Ran(8, 3.0, 1.0)}, dict.fromkeys(PLACED, NOTHING))
    sample = between(BEFORE, after, {0: 1.0, 1: 1.0}, PLACED, ring=64)
    assert sample.busy == pytest.approx({0: 0.3, 1: 1.0})


def test_queues_share_what_their_processor_did_as_they_were_served() -> None:
    served = {0: Served(0.1, 5, 5), 1: Served(0.2, 9, 9), 2: Served(0.6, 7, 7)}
    inboxes = {0: Served(0.1, 1, 1), 1: NOTHING}
    after = reading(11.0, {0: Ran(7, 1.8, 0.0), 1: Ran(8, 1.7, 0.0)}, served, inboxes)
    sample = between(BEFORE, after, {0: 1.0, 1: 1.0}, PLACED, ring=64)
    assert sample.loads == pytest.approx({1: 0.4, 2: 0.7})
    assert sample.placement == {1: 0, 2: 1}  # the default queue stays at home


@pytest.mark.parametrize(("arrivals", "times"), [(100, 1.0), (164, 1.0), (300, 3.0)])
def test_what_overflowed_was_wanted_as_well(arrivals: int, times: float) -> None:
    served = {0: NOTHING, 1: Served(0.5, 100, arrivals), 2: NOTHING}
    after = reading(11.0, {0: Ran(7, 1.5, 0.0), 1: Ran(8, 1.0, 0.0)}, served)
    assert between(BEFORE, after, {0: 1.0, 1: 1.0}, PLACED, ring=64).loads == {1: 0.5 * times}


def test_a_queue_that_is_new_has_no_load_yet() -> None:
    before = reading(10.0, {0: Ran(7, 1.0, 0.0)}, {0: NOTHING})
    after = reading(11.0, {0: Ran(7, 1.5, 0.0)}, {0: NOTHING, 1: Served(9.0, 900, 900)})
    sample = between(before, after, {0: 1.0}, {0: 0, 1: 0}, ring=64)
    assert (sample.loads, sample.placement) == ({}, {1: 0})


def test_a_period_in_which_a_worker_was_replaced_is_not_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    built = plant('adapter.mode = "vmq"\nvm = [{ name = "vm1" }]', processors=1)
    worker = cast(WorkerProcess, SimpleNamespace(pid=os.getpid()))
    role = Role("cpu0", 1, 0, 0.5, processor=0, worker=worker)
    books = counters(built)
    supervisor = SimpleNamespace(plant=built, counters=books, roles=(role,))
    watched = Gauge(cast(Supervisor, supervisor))
    assert watched.sample() is None
    time.sleep(0)
    cell = built.layout.ring_cell(1, -1, 0) + RING_OFFSET[RingCounter.SERVICE_NS]
    books.cells[cell] += 1_000_000
    sample = watched.sample()
    assert sample is not None
    assert 0.0 <= sample.busy[0] <= 1.0
    role.worker = None
    assert watched.sample() is None
    role.worker = cast(WorkerProcess, SimpleNamespace(pid=2**22 + 1))  # above any pid: it died
    assert watched.sample() is None
    role.worker = worker
    assert watched.sample() is None
    assert watched.sample() is not None
    monkeypatch.setattr(gauge, "_ran", lambda pid: Ran(pid + 1, 0.0, 0.0))
    assert watched.sample() is None
