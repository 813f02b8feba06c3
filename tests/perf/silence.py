"""What a receiver of a steady stream misses while something happens: the longest silence, and frames."""

import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Final, NamedTuple

from netns import namespace
from tests.perf import load
from tests.perf.steady import NUMBER

WINDOW: Final = 0.4  # seconds watched, what happens in the middle

_RCVBUFFORCE = 33
_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("=qq")


class Missed(NamedTuple):
    """In one window."""

    silence: float  # ms, the longest between two frames
    frames: int


@contextmanager
def listening(receiver: load.Vm) -> Iterator[socket.socket]:
    """A socket that holds all that arrives in a window, stamped by the kernel."""
    with namespace.entered(receiver.ns):
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sink:
        sink.setsockopt(socket.SOL_SOCKET, _RCVBUFFORCE, 64 << 20)
        sink.setsockopt(socket.SOL_SOCKET, _TIMESTAMPNS, 1)
        sink.bind((receiver.address, load.PORT))
        sink.setblocking(False)
        yield sink


def around(sink: socket.socket, happens: Callable[[], object] = lambda: None) -> Missed:
    """What is missed around an event."""
    _arrivals(sink)
    time.sleep(WINDOW / 2)
    happens()
    time.sleep(WINDOW / 2)
    arrivals = _arrivals(sink)
    numbers = {number for _, number in arrivals}
    stamps = [stamp for stamp, _ in arrivals]
    return Missed(
        max(b - a for a, b in pairwise(stamps)) * 1000, max(numbers) - min(numbers) + 1 - len(numbers)
    )


def _arrivals(sink: socket.socket) -> list[tuple[float, int]]:
    """When each waiting frame arrived, in seconds, and its number."""
    found: list[tuple[float, int]] = []
    while True:
        try:
            data, ancillary, _, _ = sink.recvmsg(64, 128)
        except BlockingIOError:
            return found
        seconds, nanoseconds = _TIMESPEC.unpack(ancillary[0][2])
        found.append((seconds + nanoseconds / 1e9, *NUMBER.unpack_from(data)))
