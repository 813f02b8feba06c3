"""A pump without a kernel: frames come from a list, every ring is a socket that keeps its frames."""

import socket
import struct
from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from tests.unit.builders import Vm, adapter
from vmdqemu.datapath.action import Rings
from vmdqemu.datapath.pump import BUFFER_OCTETS, Pump, Spent
from vmdqemu.datapath.shm import Counters, Layout
from vmdqemu.datapath.vnet import Buffer
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.counters import RingCounter

PLAIN = bytes(10)  # the vnet header of a frame without offloads
NEEDS_CSUM, DATA_VALID = 1, 2
TCPV4, TCPV6, UDP_L4, ECN = 1, 4, 5, 0x80  # gso_type

Line = tuple[int, int]  # port and ring
Written = dict[Line, list[bytes]]


def vnet(
    gso_type: int = 0,
    *,
    gso_size: int = 0,
    csum_start: int = 0,
    hdr_len: int = 0,
    csum_offset: int = 0,
    flags: int = 0,
) -> bytes:
    """A vnet header. Source: Virtio 1.2, 5.1.6."""
    return struct.pack("<BBHHHH", flags, gso_type, hdr_len, gso_size, csum_start, csum_offset)


class Queued:
    """A ring to read: `readinto` of frames that were put there, then None."""

    def __init__(self) -> None:
        self.frames: deque[bytes | OSError] = deque()

    def __call__(self, buffer: Buffer) -> int | None:
        """The next frame."""
        if not self.frames:
            return None
        frame = self.frames.popleft()
        if isinstance(frame, OSError):
            raise frame
        buffer[: len(frame)] = frame
        return len(frame)


class Fabric:
    """All rings of an adapter. Port 0 is the wire."""

    def __init__(self, *vms: Vm, **options: Any) -> None:
        built = adapter(*vms, **options)
        self.tables = compile_tables(built, generation=1)
        rings = (built.rx_queues if built.wire else 0, *(vm.queue_pairs for vm in vms))
        self._layout = Layout(workers=1, rings=rings, queues=built.rx_queues)
        cells = memoryview(bytearray(self._layout.octets)).cast("Q")
        self.counters = Counters(self._layout, cells)
        lines = [(port, ring) for port, number in enumerate(rings) for ring in range(number)]
        self._ends = {line: socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for line in lines}
        for ours, theirs in self._ends.values():
            ours.setblocking(False)
            theirs.setblocking(False)
        fds = {line: theirs.fileno() for line, (_, theirs) in self._ends.items()}
        arenas = {port: memoryview(bytearray(BUFFER_OCTETS)) for port in range(1, len(rings))}
        self.rings = Rings(0, self._layout, cells, fds, arenas=arenas)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        for ours, theirs in self._ends.values():
            ours.close()
            theirs.close()

    @property
    def lines(self) -> list[Line]:
        """Every ring."""
        return list(self._ends)

    def arrive(self, line: Line, frame: bytes) -> None:
        """Put a frame in a ring, to be read from its file descriptor."""
        self._ends[line][0].send(frame)

    def written(self) -> Written:
        """What was written since the last time, vnet headers included; rings without any are left out."""
        found = {line: drain(ours) for line, (ours, _) in self._ends.items()}
        return {line: frames for line, frames in found.items() if frames}

    def books(self) -> dict[str, dict[str, int]]:
        """Every counter that is not 0, by row; how long something took is none."""
        rows = {f"ring {line}": self.counters.ring(*line) for line in self._ends}
        queues = range(self._layout.queues)
        rows |= {f"queue {queue}": self.counters.queue(queue) for queue in queues}
        kept = {
            name: {key: count for key, count in row.items() if count and key != RingCounter.SERVICE_NS}
            for name, row in rows.items()
        }
        return {name: row for name, row in kept.items() if row}


class Pumped:
    """One ring's pump, and the list it reads from."""

    def __init__(self, fabric: Fabric, port: int, ring: int = 0) -> None:
        self.line = (port, ring)
        self.queued = Queued()
        self.pump = Pump(port, ring, self.queued, fabric.tables, fabric.rings)

    def burst(
        self, frames: Iterable[bytes | OSError] = (), *, reads: int = 64, octet_limit: int = 1 << 40
    ) -> Spent:
        """Put frames in the ring, then one burst."""
        self.queued.frames.extend(frames)
        return self.pump.burst(reads, octet_limit)

    def drain(self, frames: Iterable[bytes | OSError]) -> list[Spent]:
        """Put frames in the ring, then bursts until it is empty."""
        bursts = [self.burst(frames)]
        while not bursts[-1].empty:
            bursts.append(self.burst())
        return bursts


def drain(end: socket.socket) -> list[bytes]:
    """What waits in a socket."""
    frames = []
    while True:
        try:
            frames.append(end.recv(1 << 17))
        except BlockingIOError:
            return frames
