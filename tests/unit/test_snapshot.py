"""A snapshot adds up what the workers and the kernel counted; the registers forget what was read."""

from types import SimpleNamespace
from typing import cast

import pytest

from tests.unit.builders import granted
from tests.unit.plants import counters, plant
from vmdqemu.daemon import snapshot
from vmdqemu.daemon.plant import Plant
from vmdqemu.daemon.snapshot import Registers
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.datapath.eswitch import Books, Direction
from vmdqemu.datapath.shm import QUEUE_OFFSET, RING_OFFSET, Counters
from vmdqemu.datapath.uplink import Uplink
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.counters import DropReason, QueueCounter, RingCounter
from vmdqemu.nic.statistics import QueueTraffic, Traffic, VfTraffic

LAB = 'vm = [{ name = "vm1", queues = 2 }, { name = "vm2" }]'
WIRE, VM1, VM2 = 0, 1, 2

VF_BOOKS = Books(
    entered=Direction(8, 9, 900),
    left=Direction(5, 7, 700),
    looped_entered=Direction(2, 3, 300),
    looped_left=Direction(4, 4, 400),
    copies=1,
    groups_left=2,
    drops={DropReason.ANTI_SPOOF_MAC: 6},
)


@pytest.fixture
def built() -> Plant:
    """With a wire on which 100 frames came and 10 left; 7 of them have found queue 0 full."""
    made = plant(LAB)
    made.uplink = cast(
        Uplink,
        SimpleNamespace(
            pf=SimpleNamespace(fds=(1,)),
            from_wire=lambda: Direction(90, 100, 10_000),
            to_wire=lambda: Direction(10, 10, 1_000),
            sorter=SimpleNamespace(arrivals=lambda _: 97),
            eswitch=SimpleNamespace(counters=lambda _: VF_BOOKS),
        ),
    )
    made.layout = made.layout._replace(rings=(1, *made.layout.rings[1:]))
    return made


@pytest.fixture
def books(built: Plant) -> Counters:
    return counters(built)


def book(books: Counters, port: int, ring: int, counter: RingCounter | DropReason, count: int) -> None:
    """Count on a ring."""
    books.cells[books.layout.ring_cell(0, port, ring) + RING_OFFSET[counter]] += count


def test_good_frames_are_those_that_the_adapter_did_not_drop_itself(built: Plant, books: Counters) -> None:
    book(books, WIRE, 0, RingCounter.DISCARDED_WIRE, 4)
    book(books, WIRE, 0, RingCounter.DISCARDED_OCTETS, 400)
    book(books, WIRE, 0, RingCounter.READ_MULTICAST, 3)
    book(books, WIRE, 0, RingCounter.WRITE_BROADCAST, 2)
    taken = snapshot.take(built, books)
    assert taken.seen == 100
    assert taken.received == Traffic(96, 9_600, multicast=3)
    assert taken.sent == Traffic(10, 1_000, broadcast=2)


def test_an_rx_queue_dropped_what_arrived_and_was_not_read(built: Plant, books: Counters) -> None:
    cell = books.layout.queue_cell(0, 0)
    books.cells[cell + QUEUE_OFFSET[QueueCounter.RX_PACKETS]] = 91
    books.cells[cell + QUEUE_OFFSET[QueueCounter.RX_BYTES]] = 9_100
    book(books, WIRE, 0, RingCounter.READS, 90)
    assert snapshot.take(built, books).rx[0] == QueueTraffic(91, 9_100, drops=7)


def test_each_channel_is_a_transmit_queue_behind_the_default_one(built: Plant, books: Counters) -> None:
    book(books, VM1, 1, RingCounter.READ_WIRE, 45)
    book(books, VM1, 1, RingCounter.READ_OCTETS, 65_000)
    book(books, VM2, 0, RingCounter.READ_WIRE, 1)
    none = QueueTraffic()
    assert snapshot.take(built, books).tx == {
        0: none,
        1: none,
        2: QueueTraffic(45, 65_000),
        3: QueueTraffic(1),
    }


def test_without_a_wire_nothing_comes_and_nothing_leaves(books: Counters) -> None:
    taken = snapshot.take(plant(LAB), counters(plant(LAB)))
    assert books
    assert (taken.seen, taken.received, taken.sent) == (0, Traffic(), Traffic())
    assert taken.rx == {0: QueueTraffic()}


def test_whoever_reads_the_registers_clears_them(built: Plant, books: Counters) -> None:
    registers = Registers(cast(Supervisor, SimpleNamespace(plant=built, counters=books)))
    book(books, VM2, 0, DropReason.ANTI_SPOOF_MAC, 5)
    first, second = registers.read(), registers.read()
    assert (first["TPR"], first["SSVPC"]) == (100, 5)
    assert set(second.values()) == {0}
    book(books, VM2, 0, DropReason.ANTI_SPOOF_MAC, 1)
    assert registers.read()["SSVPC"] == 1


def test_a_vfs_traffic_and_its_spoofed_frames_are_those_of_the_eswitch(built: Plant, books: Counters) -> None:
    built.adapter = granted(built.adapter, 1)
    built.tables = compile_tables(built.adapter, 2)
    taken = snapshot.take(built, books)
    looped = Traffic(4, 400), Traffic(3, 300)
    assert taken.vfs == {0: VfTraffic(Traffic(7, 700, multicast=2), Traffic(9, 900), *looped)}
    assert taken.all_spoofed == 6
