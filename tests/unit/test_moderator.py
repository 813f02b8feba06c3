"""A moderated queue is silent until it was read empty and its interval has passed; no other is masked."""

import socket
from collections.abc import Iterator
from typing import cast

import pytest

from tests.unit.builders import Vm, mac, octets, tables
from tests.unit.pumping import PLAIN, Fabric
from vmdqemu.datapath import moderator
from vmdqemu.datapath.edges import Edges
from vmdqemu.datapath.moderator import Moderator
from vmdqemu.datapath.pump import Pump, Spent
from vmdqemu.datapath.timer import Timer
from vmdqemu.nic.coalescing import CoalescingFilter, read_test
from vmdqemu.nic.moderation import OFF, Moderation
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.tables import Tables

INTERVAL = 0.02  # seconds
MODERATED = Moderation(int(INTERVAL * 1e9))
EMPTY = Spent(reads=1, wire_frames=1, octets=60, line_octets=0, empty=True, gone=False, tired=False)
MORE = EMPTY._replace(empty=False)
FRAME = PLAIN + octets(mac(1), mac(2))
ANYTHING = CoalescingFilter((read_test("packet-type=2/0"),), delay=20)


class Clock:
    """In place of the time, which passes only in `Bench.wait`, and of the kernel's timer."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.alarm: float | None = None

    def monotonic(self) -> float:
        return self.now

    def set(self, moment: float) -> None:
        self.alarm = moment

    def clear(self) -> None:
        self.alarm = None


class Ring:
    """One ring of a bench: the far end of a pair of sockets."""

    def __init__(self, bench: "Bench", port: int, number: int) -> None:
        self._bench = bench
        self._sender, self._receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._receiver.setblocking(False)
        self.fd = self._receiver.fileno()
        fds = {**bench.rings.fds, (port, number): self.fd}
        bench.rings = bench.rings._replace(fds=fds)
        bench.moderator.start(port, number, bench.tables, bench.rings)
        self.pump = Pump(port, number, lambda _: None, bench.tables, bench.rings)

    def arrive(self) -> bool:
        """A frame comes; whether the ring says so."""
        self._sender.send(FRAME)
        return self.fd in self._bench.speaking()

    def interrupt(self, spent: Spent = EMPTY) -> None:
        """The host is woken, and reads."""
        assert self._bench.moderator.interrupts(self.pump)
        self._bench.moderator.served(self.pump, spent)

    def hold(self) -> None:
        """A frame comes that may wait."""
        assert self.arrive()
        assert not self._bench.moderator.interrupts(self.pump)

    def close(self) -> None:
        self._sender.close()
        self._receiver.close()


class Bench:
    """A moderator with as many rings as are added, and what it is told to do with RX queue 0."""

    def __init__(self, fabric: Fabric, clock: Clock) -> None:
        self.counters = fabric.counters
        self.tables = fabric.tables
        self.rings = fabric.rings
        self.edges = Edges()
        self.clock = clock
        self.woken: list[int] = []
        self.moderator = Moderator(self.edges, cast(Timer, clock), self.woken.append)
        self._made: list[Ring] = []

    def add(self, number: int = 0, moderation: Moderation = OFF, port: int = 0) -> Ring:
        self.tables = self.moderating(moderation, number)
        self._made.append(Ring(self, port, number))
        return self._made[-1]

    def moderating(self, moderation: Moderation, queue: int = 0) -> Tables:
        return self.tables._replace(moderation={**self.tables.moderation, queue: moderation})

    def coalesce(self, *filters: CoalescingFilter) -> None:
        self.tables = self.tables._replace(coalescing=dict(enumerate(filters, start=1)))
        self.moderator.put_tables(self.tables)

    def speaking(self) -> list[int]:
        return [fd for fd, _ in self.edges.poll()]

    def wait(self) -> None:
        """Until the timer expires."""
        assert self.clock.alarm is not None
        self.clock.now = max(self.clock.now, self.clock.alarm)
        self.moderator.on_timer()

    def count(self, name: str) -> int:
        return self.counters.queue(0)[name]

    def close(self) -> None:
        self.edges.close()
        for ring in self._made:
            ring.close()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    clock = Clock()
    monkeypatch.setattr(moderator, "time", clock)
    with Fabric(Vm(), mode=VMQ) as fabric:
        bench = Bench(fabric, clock)
        yield bench
        bench.close()


def test_an_idle_queue_interrupts_at_once_and_then_waits_for_its_interval(bench: Bench) -> None:
    ring = bench.add(moderation=MODERATED)
    assert ring.arrive()
    fired = bench.clock.now
    ring.interrupt()
    assert not ring.arrive()
    assert not ring.arrive()
    bench.wait()
    assert bench.clock.now == pytest.approx(fired + INTERVAL)
    assert bench.speaking() == [ring.fd]
    assert bench.count("interrupts") == 1


def test_a_queue_that_is_still_read_is_not_unmasked(bench: Bench) -> None:
    ring = bench.add(moderation=MODERATED)
    assert ring.arrive()
    ring.interrupt(MORE)
    assert bench.clock.alarm is None
    bench.clock.now += 2 * INTERVAL
    bench.moderator.served(ring.pump, EMPTY)
    assert ring.arrive()  # its interval passed meanwhile


def test_a_queue_without_moderation_says_everything(bench: Bench) -> None:
    ring = bench.add()
    for count in range(1, 4):
        assert ring.arrive()
        ring.interrupt()
        assert bench.count("interrupts") == count


def test_moderation_begins_and_ends_on_a_running_queue(bench: Bench) -> None:
    ring = bench.add()
    bench.moderator.put_tables(bench.moderating(MODERATED))
    assert ring.arrive()
    ring.interrupt()
    assert not ring.arrive()
    bench.moderator.put_tables(bench.moderating(OFF))
    assert bench.speaking() == [ring.fd]  # what waited is said at once
    assert ring.arrive()


def test_a_transmit_ring_has_no_interrupt(bench: Bench) -> None:
    ring = bench.add(moderation=MODERATED, port=1)
    assert ring.arrive()
    ring.interrupt()
    assert ring.arrive()
    assert bench.count("interrupts") == 0
    assert bench.moderator.forget(ring.pump) == 0


def test_a_ring_that_is_let_go_is_not_unmasked(bench: Bench) -> None:
    ring = bench.add(moderation=MODERATED)
    assert ring.arrive()
    ring.interrupt()
    bench.edges.unregister(ring.fd)
    bench.moderator.forget(ring.pump)
    bench.wait()
    assert bench.speaking() == []


def test_queues_are_unmasked_each_at_its_own_time(bench: Bench) -> None:
    quick = bench.add(0, MODERATED)
    slow = bench.add(1, Moderation(10 * MODERATED.interval))
    for ring in (slow, quick):
        assert ring.arrive()
        ring.interrupt()
        assert not ring.arrive()
    woken = []
    for _ in range(2):
        bench.wait()
        woken += bench.speaking()
    assert woken == [quick.fd, slow.fd]


def test_tables_say_how_each_queue_is_moderated() -> None:
    assert set(tables(Vm()).moderation.values()) == {OFF}


@pytest.mark.parametrize("moderation", [OFF, MODERATED])
def test_held_frames_wake_the_host_when_their_delay_ends(bench: Bench, moderation: Moderation) -> None:
    ring = bench.add(moderation=moderation)
    bench.coalesce(ANYTHING)
    ring.hold()
    ring.hold()
    assert (bench.count("interrupts"), bench.woken) == (0, [])
    bench.wait()
    assert (bench.count("interrupts"), bench.woken) == (1, [ring.fd])
    assert bench.count("coalesced") == 2


def test_an_interrupt_of_another_queue_brings_the_held_frames(bench: Bench) -> None:
    ring, other = bench.add(0), bench.add(1)
    bench.coalesce(ANYTHING)
    other.interrupt()
    assert bench.woken == []
    ring.hold()
    other.interrupt()
    assert bench.woken == [ring.fd]


def test_a_cleared_filter_brings_the_held_frames(bench: Bench) -> None:
    ring = bench.add()
    bench.coalesce(ANYTHING)
    ring.hold()
    bench.coalesce()
    assert bench.woken == [ring.fd]


def test_only_a_queue_with_filters_is_read_in_another_way(bench: Bench) -> None:
    bench.add(0)
    bench.add(1)
    assert bench.moderator.reader(0, 0) is None
    bench.coalesce(ANYTHING)
    assert bench.moderator.reader(0, 0) is not None
    assert bench.moderator.reader(0, 1) is None
    assert bench.moderator.reader(1, 0) is None


def test_a_ring_that_is_let_go_says_what_is_held_of_it(bench: Bench) -> None:
    ring = bench.add()
    bench.coalesce(ANYTHING)
    ring.hold()
    read = bench.moderator.reader(0, 0)
    assert read is not None
    assert bench.moderator.forget(ring.pump) == 1
    assert read(bytearray(2048)) == len(FRAME)
