"""The straight pump: serves an RX queue that a VM has for itself, and looks no address up.

The sorter placed every frame of that ring by an exact filter of the VM's VPort, so all have one action. Where
they lie depends on what the tables say of a VM's queue:

    copy            read into the host's memory, copied into the VM's, written from there (VMBus)
    shared memory   the lookahead is read into the host's memory, the rest into the VM's; written as two parts

What must hold: a ring is read empty before its queue is given to another VM (daemon/change.py), because
nobody looks whose frames are in it.

Whatever is decided by is read from the host's memory, and so are the headers that are delivered: the VM may
rewrite its own at any moment (NDIS: security-issues-with-ndis-virtual-machine--vm--shared-memory). Only with
a lookahead of 0 all of the frame lies in the VM's memory; that is the control of a test.
"""

import os
from collections.abc import Callable
from functools import partial
from itertools import repeat
from typing import Any, Final, NamedTuple

from vmdqemu.datapath import vnet
from vmdqemu.datapath.action import NO_DROP, NO_RING, Action, Rings
from vmdqemu.datapath.coalescer import Read
from vmdqemu.datapath.pump import BUFFER_OCTETS, Pump, reader
from vmdqemu.datapath.vnet import Buffer
from vmdqemu.host.decide import Verdict, sorted_into
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.tables import TAG, Tables

_NOTHING: Final = memoryview(b"")


def open_pump(port: int, ring: int, tables: Tables, rings: Rings, read: Read | None = None) -> Pump:
    """The pump that serves a ring as long as these tables are in effect.

    read: None for the ring itself. Only a default ring, which is not read straight, has frames held back.
    """
    verdict = sorted_into(ring, tables) if port == WIRE else None
    if verdict is None:
        return Pump(port, ring, read or reader(rings.fds[port, ring]), tables, rings)
    return Straight(ring, verdict, tables, rings)


class _Memory(NamedTuple):
    """Where frames are read to, and how."""

    read: Callable[[Any], int | None]
    into: Buffer | tuple[Buffer, memoryview]
    buffer: Buffer  # what is decided by
    rest: memoryview  # what did not fit in there


class Straight(Pump):
    """Serves one ring of pf0. Owned by one worker."""

    def __init__(self, ring: int, verdict: Verdict, tables: Tables, rings: Rings) -> None:
        """verdict: on every frame that the sorter places in this ring."""
        vport = verdict.nic.queues[0].vport
        memory = _memory(rings.fds[WIRE, ring], tables, rings.arenas[vport])
        super().__init__(WIRE, ring, memory.read, tables, rings, memory.buffer)
        self._into = memory.into
        self._rest = memory.rest
        self._split = len(memory.buffer)
        self._action = rings.direct().action(verdict, copy=tables.copy)
        self._longest = tables.max_frame + (TAG if verdict.nic.vlan is not None else 0)

    def _forward(self, reads: int, octet_limit: int) -> bool:
        buffer, view, action, split, rest = self._buffer, self._view, self._action, self._split, self._rest
        arena, fd, write, writev = action.arena, action.fd, os.write, os.writev
        plain = 0 if fd == NO_RING else vnet.VNET_OCTETS + self._longest
        frames = octets = total = 0
        try:
            for length in map(self.read, repeat(self._into, reads)):
                if length is None:
                    return True
                total += length
                if buffer[vnet.GSO_TYPE] or length > plain:
                    total += self._unusual(length)
                else:
                    frames += 1
                    octets += length
                    try:
                        if arena is not None:
                            arena[:length] = view[:length]
                            write(fd, arena[:length])
                        elif length <= split:
                            write(fd, view[:length])
                        else:
                            writev(fd, (view, rest[: length - split]))
                    except OSError as error:
                        self._refuse(error, length)
                if total >= octet_limit:
                    return False
        except BlockingIOError:  # what readinto says by None
            return True
        finally:
            self._end_run(action, frames, octets)
        return False

    def _find(self, length: int, longest: int) -> Action:
        """What the sorter cannot tell: whether the frame is too long."""
        if longest <= self._longest:
            return self._action
        closely = self._cache.look_closely(length, longest)
        return self._action if closely.drop == NO_DROP else closely

    def _behind(self, start: int, length: int) -> tuple[memoryview, ...]:
        if length <= self._split:
            return super()._behind(start, length)
        return self._view[start:], self._rest[: length - self._split]


def _memory(fd: int, tables: Tables, arena: memoryview) -> _Memory:
    """Host memory, VM memory behind a lookahead in host memory, or VM memory alone."""
    if not tables.copy and tables.lookahead:
        host = bytearray(vnet.VNET_OCTETS + tables.lookahead)
        return _Memory(partial(os.readv, fd), (host, arena), host, arena)
    whole = bytearray(BUFFER_OCTETS) if tables.copy else arena
    return _Memory(reader(fd), whole, whole, _NOTHING)
