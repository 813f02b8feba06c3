"""Records: what was read, whole or not at all, and how many an observer missed."""

import os
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.pumping import PLAIN, Queued
from vmdqemu.datapath import recorder
from vmdqemu.datapath.recorder import MEMORY_OCTETS, MOST_OCTETS, Reader, Recorder

SNAPLEN = 256
GENERATION = 7


class Rig:
    """A recorder of one ring and its reader."""

    def __init__(self, snaplen: int = SNAPLEN) -> None:
        self.memory = memoryview(bytearray(MEMORY_OCTETS))
        self.queued = Queued()
        self.recorder = Recorder(self.memory, snaplen, GENERATION)
        self.reader = Reader(self.memory, snaplen)
        self._read = self.recorder.around(self.queued, port=3, ring=2)
        self._buffer = bytearray(1 << 17)

    def read(self, *frames: bytes) -> list[int | None]:
        """Have frames read from the ring, and then nothing."""
        self.queued.frames.extend(PLAIN + frame for frame in frames)
        return [self._read(self._buffer) for _ in range(len(frames) + 1)]

    def seen(self) -> list[tuple[int, bytes]]:
        return [(record.length, record.octets) for record in self.reader.read()]


def numbered(number: int) -> bytes:
    return struct.pack("!I", number).ljust(60, b"\0")


def slots(snaplen: int = SNAPLEN) -> int:
    """How many records there is room for, found out by what is lost of too many."""
    rig = Rig(snaplen)
    rig.read(*map(numbered, range(20_000)))
    return len(rig.seen()) + 1


def test_a_record_is_what_the_ring_gave_and_the_ring_gives_the_same() -> None:
    rig = Rig()
    assert rig.read(b"a" * 60, b"b" * 14) == [70, 24, None]
    first, second = rig.reader.read()
    assert (first.port, first.ring, first.generation, first.length) == (3, 2, GENERATION, 60)
    assert (first.octets, second.octets) == (PLAIN + b"a" * 60, PLAIN + b"b" * 14)
    assert first.time_ns <= second.time_ns
    assert rig.seen() == []


def test_of_a_long_frame_the_first_octets_are_kept_and_its_length() -> None:
    rig = Rig()
    rig.read(b"x" * 65_000)
    assert rig.seen() == [(65_000, PLAIN + b"x" * SNAPLEN)]


def test_a_frame_that_is_read_in_two_parts_is_one_record() -> None:
    rig, host, arena = Rig(), bytearray(20), bytearray(100)

    def read(into: tuple[bytearray, bytearray]) -> int:
        into[0][:], into[1][:50] = PLAIN + b"a" * 10, b"b" * 50
        return 70

    assert rig.recorder.around(read, port=3, ring=2)((host, arena)) == 70
    assert rig.seen() == [(60, PLAIN + b"a" * 10 + b"b" * 50)]


def test_the_largest_superframe_is_kept_whole_if_that_is_asked_for() -> None:
    rig = Rig(MOST_OCTETS)
    rig.read(b"x" * 65_549)
    assert rig.seen() == [(65_549, PLAIN + b"x" * 65_549)]


def test_a_device_that_is_gone_is_still_an_error() -> None:
    rig = Rig()
    rig.queued.frames.append(OSError("gone"))
    with pytest.raises(OSError, match="gone"):
        rig._read(bytearray(100))
    assert rig.seen() == []


def test_other_tables_are_another_generation() -> None:
    rig = Rig()
    rig.read(numbered(0))
    rig.recorder.generation = 8
    rig.read(numbered(1))
    assert [record.generation for record in rig.reader.read()] == [GENERATION, 8]


@pytest.mark.parametrize("ahead", [0, 1, 5])
def test_a_slow_reader_has_the_newest_and_knows_how_many_it_lost(ahead: int) -> None:
    rig, room = Rig(), slots()
    total = room + ahead
    rig.read(*map(numbered, range(total)))
    numbers = [struct.unpack_from("!I", octets, 10)[0] for _, octets in rig.seen()]
    assert numbers == list(range(ahead + 1, total))  # the oldest may be overwritten while it is read
    assert rig.reader.lost == ahead + 1
    rig.read(numbered(1))
    assert len(rig.seen()) == 1


def test_a_record_that_is_overwritten_while_it_is_copied_is_lost_and_not_garbled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig, room = Rig(), slots()
    rig.read(*map(numbered, range(room - 1)))
    copy = Reader._copy

    def slowly(reader: Reader, number: int) -> Any:
        record = copy(reader, number)
        if number == 2:
            rig.read(*map(numbered, range(room - 1, room + 9)))
        return record

    monkeypatch.setattr(Reader, "_copy", slowly)
    numbers = [struct.unpack_from("!I", octets, 10)[0] for _, octets in rig.seen()]
    assert numbers == [0, 1, *range(10, room - 1)]
    assert rig.reader.lost == 8


def test_a_reader_may_begin_with_the_first_record() -> None:
    rig = Rig()
    rig.read(numbered(0), numbered(1))
    assert Reader(rig.memory, SNAPLEN).read() == []
    assert len(Reader(rig.memory, SNAPLEN, first=0).read()) == 2


@given(st.binary(min_size=64, max_size=2048), st.sampled_from([0, 1, 5, 1 << 63, (1 << 64) - 1]))
def test_whatever_a_captured_worker_leaves_there_is_read_within_bounds(junk: bytes, written: int) -> None:
    memory = memoryview(bytearray(MEMORY_OCTETS))
    reader = Reader(memory, SNAPLEN)
    memory[64 : 64 + len(junk)] = junk
    memory[:8] = struct.pack("=Q", written)
    for record in reader.read():
        assert len(record.octets) <= len(PLAIN) + min(SNAPLEN, record.length)
        assert 0 <= record.length <= MOST_OCTETS
    memory[:8] = bytes(8)
    assert reader.read() == []


def test_the_memory_is_shared_by_its_descriptor() -> None:
    fd = recorder.make_memory()
    try:
        ours, theirs = recorder.map_memory(fd), recorder.map_memory(fd)
        ours[5] = 77
        assert theirs[5] == 77
        assert len(ours) == MEMORY_OCTETS
    finally:
        os.close(fd)
