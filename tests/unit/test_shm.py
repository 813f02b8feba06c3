"""Shared counters: every cell has one place, one writer's block, and outlives its writer."""

import os
from collections.abc import Iterator

import pytest

from vmdqemu.datapath.shm import QUEUE_COLUMNS, RING_COLUMNS, RING_OFFSET, Counters, Layout, cells, create
from vmdqemu.nic.counters import DropReason, QueueCounter, RingCounter

LAYOUT = Layout(workers=2, rings=(1, 2, 4), queues=3)


@pytest.fixture
def memory() -> Iterator[int]:
    fd = create(LAYOUT)
    yield fd
    os.close(fd)


def rows() -> list[tuple[int, int]]:
    """First cell and length of every row."""
    found = []
    for worker in range(LAYOUT.workers):
        for port, rings in enumerate(LAYOUT.rings):
            found += [(LAYOUT.ring_cell(worker, port, ring), len(RING_COLUMNS)) for ring in range(rings)]
        found += [(LAYOUT.queue_cell(worker, queue), len(QUEUE_COLUMNS)) for queue in range(LAYOUT.queues)]
    return found


def test_rows_fill_the_memory_and_do_not_overlap() -> None:
    taken = [cell for start, length in rows() for cell in range(start, start + length)]
    assert sorted(taken) == list(range(LAYOUT.octets // 8))


def test_a_workers_block_is_its_own() -> None:
    first = [cell for cell, _ in rows() if cell < LAYOUT.block]
    assert len(first) == len(rows()) // 2


def test_every_counter_and_every_drop_reason_has_a_column() -> None:
    assert set(RING_OFFSET) == {*RingCounter, *DropReason}
    assert len(set(RING_OFFSET.values())) == len(RING_OFFSET)
    assert set(QUEUE_COLUMNS) == set(QueueCounter)


def test_wire_frames_and_octets_follow_their_counter() -> None:
    """The pump writes the three as neighbours."""
    for first, second, third in (
        (RingCounter.READS, RingCounter.READ_WIRE, RingCounter.READ_OCTETS),
        (RingCounter.WRITES, RingCounter.WRITE_WIRE, RingCounter.WRITE_OCTETS),
    ):
        assert RING_OFFSET[second] == RING_OFFSET[first] + 1
        assert RING_OFFSET[third] == RING_OFFSET[first] + 2
    assert QUEUE_COLUMNS[:2] == (QueueCounter.RX_PACKETS, QueueCounter.RX_BYTES)


def test_a_reader_adds_the_workers_up(memory: int) -> None:
    written, counters = cells(memory), Counters(LAYOUT, cells(memory))
    for worker in range(LAYOUT.workers):
        written[LAYOUT.ring_cell(worker, 1, 1) + RING_OFFSET[DropReason.ANTI_SPOOF_MAC]] += 10 + worker
        written[LAYOUT.ring_cell(worker, 1, 0) + RING_OFFSET[RingCounter.READS]] += 1
        written[LAYOUT.queue_cell(worker, 2) + 1] += 5
    assert counters.ring(1, 1)["anti_spoof_mac"] == 21
    assert counters.ring(1, 0)["reads"] == 2
    assert counters.port(1, rings=2)["reads"] == 2
    assert counters.port(1, rings=2)["anti_spoof_mac"] == 21
    assert counters.queue(2) == {"rx-packets": 0, "rx-bytes": 10, "coalesced": 0, "interrupts": 0}
    assert not any(counters.port(2, rings=4).values())


def test_counts_outlive_the_mapping_of_a_dead_worker(memory: int) -> None:
    first = cells(memory)
    first[7] = 1 << 63
    first.release()
    assert cells(memory)[7] == 1 << 63


def test_the_memory_is_not_inherited_by_accident(memory: int) -> None:
    assert not os.get_inheritable(memory)


def test_an_adapter_without_rings_has_memory_all_the_same() -> None:
    fd = create(Layout(workers=2, rings=(0,), queues=0))
    assert len(cells(fd)) == 1
    os.close(fd)


def test_who_is_given_a_ports_number_begins_at_zero_and_nothing_is_forgotten(memory: int) -> None:
    written, counters = cells(memory), Counters(LAYOUT, cells(memory))
    reads = LAYOUT.ring_cell(0, 2, 3) + RING_OFFSET[RingCounter.READS]
    for count in (5, 7):  # two owners, one after the other
        written[reads] += count
        assert counters.port(2, rings=4)["reads"] == counters.ring(2, 3)["reads"] == count
        counters.close_books(2, rings=4)
        assert not any(counters.port(2, rings=4).values())
    assert counters.closed_books["reads"] == 12
    assert sum(counters.closed_books.values()) == 12
