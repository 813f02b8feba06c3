"""The default queue's ring behind the adapter's coalescing buffer.

The silicon looks at each frame as it arrives, before the host is interrupted. Here the worker does that: it
reads what arrived, keeps the frames that may wait, and wakes the host's side of itself only when it has to.
"""

from collections import deque
from collections.abc import Callable

from vmdqemu.datapath import vnet
from vmdqemu.datapath.pump import BUFFER_OCTETS
from vmdqemu.nic.coalescing import Buffer, Filters

Read = Callable[[vnet.Buffer], int | None]


class Coalescer:
    """Reads a ring as the pump would, and hands on what the pump is to see. Owned by one worker."""

    def __init__(self, read: Read) -> None:
        """read: the ring's readinto; None when it is empty."""
        self._read = read
        self._space = bytearray(BUFFER_OCTETS)
        self._buffer = Buffer()
        self._ready: deque[bytes] = deque()  # the host was interrupted for these
        self.held = 0  # frames, ever

    def __call__(self, buffer: vnet.Buffer) -> int | None:
        """In place of the ring's readinto."""
        if not self._ready:
            return self._read(buffer)
        octets = self._ready.popleft()
        buffer[: len(octets)] = octets
        return len(octets)

    @property
    def due(self) -> float | None:
        """When the host is to be interrupted at the latest; None while nothing is held."""
        return self._buffer.due

    def put_filters(self, filters: Filters) -> bool:
        """Hold what matches these; whether the host is to be interrupted."""
        return self._buffer.put_filters(filters)

    def absorb(self, now: float) -> bool:
        """Take in what has arrived; whether the host is to be interrupted.

        That is so as soon as a frame comes that may not wait, or too many do; the host reads what is behind.
        """
        try:
            for length in iter(lambda: self._read(self._space), None):
                octets = bytes(self._space[:length])
                if not self._buffer.receive(octets, now, vnet.VNET_OCTETS):
                    self.release()
                    self._ready.append(octets)
                    return True
                self.held += 1
                if self._buffer.is_due(now):
                    return True
        except OSError:  # the device was removed: the pump meets that too
            return True
        return False

    def release(self) -> int:
        """Let the pump see everything that is held; how many frames it is to see."""
        self._ready += self._buffer.take()
        return len(self._ready)
