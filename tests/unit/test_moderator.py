"""A moderated queue is silent until it was read empty and its interval has passed; no other is masked."""

import os
import select
import time
from collections.abc import Iterator

import pytest

from tests.unit.builders import Vm, tables
from tests.unit.pumping import Fabric
from vmdqemu.datapath.moderator import Moderator
from vmdqemu.datapath.pump import Pump, Spent
from vmdqemu.datapath.timer import Timer
from vmdqemu.nic.moderation import OFF, Moderation
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.tables import Tables

INTERVAL = 0.02  # seconds
MODERATED = Moderation(int(INTERVAL * 1e9))
EMPTY = Spent(reads=1, wire_frames=1, octets=60, line_octets=0, empty=True, gone=False, tired=False)
MORE = EMPTY._replace(empty=False)


class Bench:
    """One RX queue whose ring is a pipe, and its moderator."""

    def __init__(self, fabric: Fabric, moderation: Moderation = OFF, port: int = 0) -> None:
        self.fabric = fabric
        self.edges = select.epoll()
        self.timer = Timer()
        self.moderator = Moderator(self.edges, self.timer)
        self.ring, self.sender = os.pipe()
        self.pump = Pump(port, 0, lambda _: None, fabric.tables, fabric.rings)
        self.moderator.start(self.pump, self.ring, self.moderated(moderation), fabric.rings)

    def moderated(self, moderation: Moderation) -> Tables:
        return self.fabric.tables._replace(moderation={0: moderation})

    def put(self, moderation: Moderation) -> None:
        self.moderator.put_tables(self.moderated(moderation))

    def arrive(self) -> bool:
        """A frame comes; whether the ring says so."""
        os.write(self.sender, b".")
        return self.speaks()

    def speaks(self) -> bool:
        return bool(self.edges.poll(0))

    def interrupt(self, spent: Spent = EMPTY) -> None:
        self.moderator.interrupted(self.pump)
        self.moderator.served(self.pump, spent)

    @property
    def interrupts(self) -> int:
        return self.fabric.counters.queue(0)["interrupts"]

    def wait(self) -> None:
        """Until the timer expires."""
        assert select.select([self.timer], [], [], 1.0)[0]
        self.moderator.on_timer()

    def close(self) -> None:
        self.edges.close()
        self.timer.close()
        os.close(self.ring)
        os.close(self.sender)


@pytest.fixture
def fabric() -> Iterator[Fabric]:
    with Fabric(Vm(), mode=VMQ) as fabric:
        yield fabric


@pytest.fixture
def bench(fabric: Fabric) -> Iterator[Bench]:
    bench = Bench(fabric, MODERATED)
    yield bench
    bench.close()


def test_an_idle_queue_interrupts_at_once_and_then_waits_for_its_interval(bench: Bench) -> None:
    assert bench.arrive()
    fired = time.monotonic()
    bench.interrupt()
    assert not bench.arrive()
    assert not bench.arrive()
    bench.wait()
    assert time.monotonic() >= fired + INTERVAL * 0.99
    assert bench.speaks()
    assert bench.interrupts == 1


def test_a_queue_that_is_still_read_is_not_unmasked(bench: Bench) -> None:
    assert bench.arrive()
    bench.interrupt(MORE)
    assert not select.select([bench.timer], [], [], 2 * INTERVAL)[0]
    bench.moderator.served(bench.pump, EMPTY)
    assert bench.arrive()  # its interval passed meanwhile


def test_a_queue_without_moderation_says_everything(fabric: Fabric) -> None:
    bench = Bench(fabric)
    for count in range(1, 4):
        assert bench.arrive()
        bench.interrupt()
        assert bench.interrupts == count
    bench.close()


def test_moderation_begins_and_ends_on_a_running_queue(fabric: Fabric) -> None:
    bench = Bench(fabric)
    bench.put(MODERATED)
    assert bench.arrive()
    bench.interrupt()
    assert not bench.arrive()
    bench.put(OFF)
    assert bench.speaks()  # what waited is said at once
    assert bench.arrive()
    bench.close()


def test_a_transmit_ring_has_no_interrupt(fabric: Fabric) -> None:
    bench = Bench(fabric, MODERATED, port=1)
    assert bench.arrive()
    bench.interrupt()
    assert bench.arrive()
    assert bench.interrupts == 0
    bench.close()


def test_a_ring_that_is_let_go_is_not_unmasked(bench: Bench) -> None:
    assert bench.arrive()
    bench.interrupt()
    bench.edges.unregister(bench.ring)
    bench.moderator.forget(bench.pump)
    bench.wait()
    assert not bench.speaks()


def test_queues_are_unmasked_each_at_its_own_time(fabric: Fabric) -> None:
    bench = Bench(fabric, MODERATED)
    slow = Pump(0, 1, lambda _: None, fabric.tables, fabric.rings)
    ring, sender = os.pipe()
    longer = Moderation(10 * MODERATED.interval)
    tables = fabric.tables._replace(moderation={0: MODERATED, 1: longer})
    bench.moderator.start(slow, ring, tables, fabric.rings)
    os.write(sender, b".")
    assert {fd for fd, _ in bench.edges.poll(0)} == {ring}
    assert bench.arrive()
    for pump in (slow, bench.pump):
        bench.moderator.interrupted(pump)
        bench.moderator.served(pump, EMPTY)
    os.write(sender, b".")
    os.write(bench.sender, b".")
    woken = []
    for _ in range(2):
        bench.wait()
        woken += [fd for fd, _ in bench.edges.poll(0)]
    assert woken == [bench.ring, ring]
    bench.close()
    os.close(ring)
    os.close(sender)


def test_tables_say_how_each_queue_is_moderated() -> None:
    assert set(tables(Vm()).moderation.values()) == {OFF}
