"""The pump: reads one kernel ring in bursts and carries out the verdict on every frame.

The loop in `_forward` is the way of every frame that is not the first of its kind: read, find the remembered
action, write. A run of frames with the same action is counted when it ends. Whatever is rare (a superframe, a
new address, a tag to edit, a copy, a refusal) leaves the loop by a call.
"""

import errno
import io
import os
import time
from collections.abc import Callable
from itertools import repeat
from typing import Any, Final, NamedTuple

from vmdqemu.datapath import vnet
from vmdqemu.datapath.action import NO_DROP, NO_RING, SHORTEST_ON_WIRE, Action, Output, Rings
from vmdqemu.datapath.arena import SLOT_OCTETS, copy_into
from vmdqemu.datapath.flowcache import FlowCache
from vmdqemu.datapath.inbox import INBOX
from vmdqemu.datapath.shm import QUEUE_OFFSET, RING_OFFSET
from vmdqemu.datapath.vnet import Buffer
from vmdqemu.host.vswitch import WIRE, Edit
from vmdqemu.nic.arbiter import WIRE_OVERHEAD
from vmdqemu.nic.counters import DropReason, QueueCounter, RingCounter
from vmdqemu.nic.frame import ETHERNET_OCTETS
from vmdqemu.nic.tables import Tables

BUFFER_OCTETS: Final = SLOT_OCTETS  # what fits in one fits in the other
SHORTEST: Final = vnet.VNET_OCTETS + ETHERNET_OCTETS
NEVER_PADDED: Final = vnet.VNET_OCTETS + SHORTEST_ON_WIRE
MISS_BUDGET: Final = 8  # verdicts made in one burst: each takes as long as several frames

_READS = RING_OFFSET[RingCounter.READS]
_READ_WIRE = RING_OFFSET[RingCounter.READ_WIRE]
_READ_OCTETS = RING_OFFSET[RingCounter.READ_OCTETS]
_DISCARDED_WIRE = RING_OFFSET[RingCounter.DISCARDED_WIRE]
_DISCARDED_OCTETS = RING_OFFSET[RingCounter.DISCARDED_OCTETS]
_COPIES = RING_OFFSET[RingCounter.COPIES]
_LOOKUPS = RING_OFFSET[RingCounter.LOOKUPS]
_MISSES = RING_OFFSET[RingCounter.MISSES]
_WRITES = RING_OFFSET[RingCounter.WRITES]
_WRITE_WIRE = RING_OFFSET[RingCounter.WRITE_WIRE]
_WRITE_OCTETS = RING_OFFSET[RingCounter.WRITE_OCTETS]
_SERVICE_NS = RING_OFFSET[RingCounter.SERVICE_NS]
_RX_PACKETS = QUEUE_OFFSET[QueueCounter.RX_PACKETS]
_RX_BYTES = QUEUE_OFFSET[QueueCounter.RX_BYTES]

_EGRESS = {
    errno.EINVAL: DropReason.BAD_VNET_HEADER,
    errno.EAGAIN: DropReason.INBOX_FULL,  # a TAP's ring that is full takes the frame and counts it itself
    errno.EIO: DropReason.EGRESS_DOWN,
    errno.EBADFD: DropReason.EGRESS_GONE,
}


class Spent(NamedTuple):
    """What a burst came to."""

    reads: int
    wire_frames: int
    octets: int  # of the wire frames, without FCS
    line_octets: int  # of those that went to the wire, with all that a cable carries besides
    empty: bool  # the ring had no more
    gone: bool  # the device was removed
    tired: bool  # it ended early because too many verdicts had to be made


def reader(fd: int) -> Callable[[Buffer], int | None]:
    """Reads a ring's next frame into a buffer: its octets, or None when there is none."""
    return io.FileIO(fd, "r", closefd=False).readinto


class Pump:
    """Serves one ring of one port. Owned by one worker."""

    def __init__(
        self,
        port: int,
        ring: int,
        read: Callable[[Any], int | None],
        tables: Tables,
        rings: Rings,
        buffer: Buffer | None = None,
    ) -> None:
        """read: the ring's readinto; None when it is empty. buffer: where it reads frames to.

        What is in an inbox came from the wire.
        """
        self.port = port
        self.ring = ring
        self.read = read  # may be changed between two bursts
        self._row = rings.row(port, ring)
        self._cells = rings.cells
        self._buffer = bytearray(BUFFER_OCTETS) if buffer is None else buffer
        self._view = memoryview(self._buffer)
        self._max_frame = tables.common_frame
        self._cache = FlowCache(self._buffer, WIRE if port == INBOX else port, tables, rings)
        self._frames = self._wire_frames = self._octets = self._line_octets = 0  # of this burst
        self._refused = self._refused_octets = 0  # of this run: written, but not taken

    def burst(self, reads: int, octet_limit: int) -> Spent:
        """Read until the ring is empty, `reads` frames were read, or `octet_limit` octets were reached."""
        self._cache.misses = self._frames = self._wire_frames = self._octets = self._line_octets = 0
        empty = gone = False
        started = time.monotonic_ns()
        try:
            empty = self._forward(reads, octet_limit)
        except OSError:  # of the read; a write's is counted where it happens
            gone = True
        self._cells[self._row + _MISSES] += self._cache.misses
        self._cells[self._row + _SERVICE_NS] += time.monotonic_ns() - started
        tired = self._cache.misses >= MISS_BUDGET
        return Spent(
            self._frames, self._wire_frames, self._octets, self._line_octets, empty or gone, gone, tired
        )

    def place(self, rings: Rings) -> None:
        """Hand over to other processors from the next frame on."""
        self._cache.place(rings)

    def _forward(self, reads: int, octet_limit: int) -> bool:
        """The loop; whether it ended because the ring was empty."""
        buffer, view, cache, write = self._buffer, self._view, self._cache, os.write
        longest, l2_key, known = vnet.VNET_OCTETS + self._max_frame, cache.l2_key, cache.known
        action, frames, octets, total = _NOTHING, 0, 0, 0
        try:
            for length in map(self.read, repeat(buffer, reads)):
                if length is None:
                    return True
                total += length
                if buffer[vnet.GSO_TYPE] or not NEVER_PADDED <= length <= longest:
                    total += self._unusual(length)
                else:
                    found = known(l2_key())
                    if found is None or found.by_flow:
                        found = cache.look(found, length, length - vnet.VNET_OCTETS)
                        known = cache.known
                    if found.fd == NO_RING:
                        self._carry_out(found, length, 1, length - vnet.VNET_OCTETS)
                    else:
                        if found is not action:
                            self._end_run(action, frames, octets)
                            action, frames, octets = found, 0, 0
                        frames += 1
                        octets += length
                        frame = view[:length]
                        arena = found.arena
                        if arena is not None:  # VMBus
                            arena[:length] = frame
                            frame = arena[:length]
                        try:
                            write(found.fd, frame)
                        except OSError as error:
                            self._refuse(error, length)
                if total >= octet_limit or cache.misses >= MISS_BUDGET:
                    return False
        finally:
            self._end_run(action, frames, octets)
        return False

    def _unusual(self, length: int) -> int:
        """A superframe, or a frame whose size needs a closer look. Returns octets the wire adds to it."""
        count, header, longest = 1, 0, length - vnet.VNET_OCTETS
        if self._buffer[vnet.GSO_TYPE] and SHORTEST <= length < BUFFER_OCTETS:
            count, header, longest = vnet.segments(self._buffer, length)
        added = (count - 1) * header
        self._carry_out(self._find(length, longest), length, count, length - vnet.VNET_OCTETS + added)
        return added

    def _find(self, length: int, longest: int) -> Action:
        """The action for a frame of any size; longest: octets of its longest wire frame."""
        if longest > self._max_frame or length < SHORTEST:
            return self._cache.look_closely(length, longest)
        action = self._cache.known(self._cache.l2_key())
        if action is None or action.by_flow:
            action = self._cache.look(action, length, longest)
        return action

    def _carry_out(self, action: Action, length: int, wire_frames: int, octets: int) -> None:
        """Count one frame, then write it to all its rings: what a crash cuts off was read, not delivered."""
        self._count(action, 1, wire_frames, octets)
        for output in action.outputs:
            try:
                added = self._write(output, action, length)
            except OSError as error:
                self._count_refusal(error)
            else:
                self._count_writes(action, output, 1, wire_frames, octets + added * wire_frames)

    def _write(self, output: Output, action: Action, length: int) -> int:
        """Write one frame to one ring, its tag edited, padded, copied; the octets that this added.

        Padding matters: Linux throws a tagged frame of fewer than 20 octets away and counts it nowhere.
        """
        parts: tuple[bytes | memoryview, ...]
        if output.edit is Edit.INSERT and action.tag is not None:
            head = vnet.head_with_tag(self._buffer, action.tag)
            parts, added = (head, *self._behind(vnet.ADDRESSES_END, length)), vnet.TAG_OCTETS
        elif output.edit is Edit.STRIP:
            head = vnet.head_without_tag(self._buffer)
            parts, added = (head, *self._behind(vnet.TAG_END, length)), -vnet.TAG_OCTETS
        else:
            parts, added = self._behind(0, length), 0
        missing = output.shortest + vnet.VNET_OCTETS - length - added
        if missing > 0 and not self._buffer[vnet.GSO_TYPE]:  # a superframe's segments are cut later
            parts, added = (*parts, bytes(missing)), added + missing
        if output.arena is not None:
            parts = (copy_into(output.arena, parts),)
        os.writev(output.fd, parts)
        return added

    def _behind(self, start: int, length: int) -> tuple[memoryview, ...]:
        """The frame from octet `start` on, in as many parts as it lies in."""
        return (self._view[start:length],)

    def _refuse(self, error: OSError, length: int) -> None:
        self._refused += 1
        self._refused_octets += length
        self._count_refusal(error)

    def _count_refusal(self, error: OSError) -> None:
        reason = _EGRESS.get(error.errno or 0, DropReason.EGRESS_ERROR)
        self._cells[self._row + RING_OFFSET[reason]] += 1

    def _end_run(self, action: Action, frames: int, octets: int) -> None:
        """Count a run of plain frames that went to one ring; octets: with their vnet headers."""
        if not frames:
            return
        self._count(action, frames, frames, octets - vnet.VNET_OCTETS * frames)
        taken = frames - self._refused
        octets -= self._refused_octets
        self._count_writes(action, action.outputs[0], taken, taken, octets - vnet.VNET_OCTETS * taken)
        self._refused = self._refused_octets = 0

    def _count(self, action: Action, frames: int, wire_frames: int, octets: int) -> None:
        """Count frames that were read, where the silicon placed them, and what the host did."""
        cells, row = self._cells, self._row
        cells[row + _READS] += frames
        cells[row + _READ_WIRE] += wire_frames
        cells[row + _READ_OCTETS] += octets
        for queue in action.queues:
            cells[queue + _RX_PACKETS] += wire_frames
            cells[queue + _RX_BYTES] += octets
        if action.lookup:
            cells[row + _LOOKUPS] += frames
        if action.copies:
            cells[row + _COPIES] += frames * action.copies
        if action.drop != NO_DROP:
            cells[row + action.drop] += frames
            if action.discarded:
                cells[row + _DISCARDED_WIRE] += wire_frames
                cells[row + _DISCARDED_OCTETS] += octets
        if action.cast is not None:
            cells[row + action.cast.read] += wire_frames
        self._frames += frames
        self._wire_frames += wire_frames
        self._octets += octets

    def _count_writes(
        self, action: Action, output: Output, frames: int, wire_frames: int, octets: int
    ) -> None:
        cells, row = self._cells, output.row
        cells[row + _WRITES] += frames
        cells[row + _WRITE_WIRE] += wire_frames
        cells[row + _WRITE_OCTETS] += octets
        if action.cast is not None:
            cells[row + action.cast.write] += wire_frames
        if output.outbound:
            self._line_octets += octets + WIRE_OVERHEAD * wire_frames


_NOTHING: Final = Action()
