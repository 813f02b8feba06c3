"""The default queue's ring behind the coalescing buffer: nothing is lost, the order of arrival is kept."""

import errno

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pumping import PLAIN, Queued
from tests.unit.test_coalescing import ARP, MDNS, MDNS_TESTS, OTHER, entry
from vmdqemu.datapath.coalescer import Coalescer
from vmdqemu.nic.coalescing import CAPACITY, LOW_WATER

WAITS, HURRIES = PLAIN + MDNS, PLAIN + OTHER


def ring(*frames: bytes | OSError) -> tuple[Coalescer, Queued]:
    queued = Queued()
    queued.frames.extend(frames)
    made = Coalescer(queued)
    made.put_filters({1: entry(*MDNS_TESTS)})
    return made, queued


def read(coalescer: Coalescer) -> list[bytes]:
    """What a pump sees."""
    seen, buffer = [], bytearray(1 << 17)
    while (length := coalescer(buffer)) is not None:
        seen.append(bytes(buffer[:length]))
    return seen


def test_frames_that_may_wait_are_held_and_counted() -> None:
    coalescer, queued = ring(WAITS, WAITS)
    assert not coalescer.absorb(0.0)
    assert (coalescer.held, len(queued.frames), coalescer.due) == (2, 0, 0.1)
    assert read(coalescer) == []
    assert coalescer.release() == 2
    assert read(coalescer) == [WAITS, WAITS]
    assert coalescer.due is None


def test_a_frame_that_may_not_wait_brings_the_held_ones_before_it() -> None:
    coalescer, _ = ring(WAITS, HURRIES, WAITS)
    assert coalescer.absorb(0.0)
    assert read(coalescer) == [WAITS, HURRIES, WAITS]


def test_space_that_runs_low_interrupts() -> None:
    coalescer, queued = ring(*[WAITS] * CAPACITY)
    assert coalescer.absorb(0.0)
    assert len(queued.frames) == LOW_WATER


def test_a_device_that_is_gone_is_the_pumps_to_meet() -> None:
    coalescer, _ = ring(OSError(errno.EBADFD, "gone"))
    assert coalescer.absorb(0.0)


def test_without_filters_everything_interrupts() -> None:
    coalescer, _ = ring(WAITS)
    coalescer.put_filters({})
    assert coalescer.absorb(0.0)
    assert read(coalescer) == [WAITS]


@given(st.lists(st.lists(st.sampled_from([WAITS, HURRIES, PLAIN + ARP]), max_size=8), max_size=20))
def test_the_host_sees_every_frame_once_in_the_order_of_arrival(batches: list[list[bytes]]) -> None:
    coalescer, queued = ring()
    seen: list[bytes] = []
    sent = [
        [frame + bytes((number, place)) for place, frame in enumerate(batch)]
        for number, batch in enumerate(batches)
    ]
    for batch in sent:
        queued.frames.extend(batch)
        if coalescer.absorb(0.0):
            coalescer.release()
            seen += read(coalescer)
    coalescer.release()
    seen += read(coalescer)
    assert seen == [frame for batch in sent for frame in batch]
