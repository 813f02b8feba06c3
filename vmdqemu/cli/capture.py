"""`capture`: the frames of a running lab, into a pcapng file or one a line."""

import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from itertools import islice
from typing import Final

from vmdqemu.cli.observing import observing
from vmdqemu.cli.trace import port_number
from vmdqemu.errors import UsageError
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic import words
from vmdqemu.observe import explanation, pcapng
from vmdqemu.observe.live import Live, Seen
from vmdqemu.observe.pcapng import Direction

STANDARD_OUTPUT: Final = "-"

Sink = Callable[[list[Seen]], None]


def capture(lab: str | None, file: str | None, ports: list[str], count: int | None, snaplen: int) -> None:
    """Capture until `count` frames were seen, or until Ctrl-C. Raises NotRunning, UsageError.

    ports: only frames that come in or go out there; none are all.
    """
    taken = 0
    with observing(lab, snaplen) as live, _sink(file, snaplen) as sink, suppress(BrokenPipeError):
        numbers = {port_number(name, live.tables) for name in ports}
        for batch in _wanted(live, numbers, count):
            sink(batch)
            taken += len(batch)
    print(f"captured: {taken:,} frames", file=sys.stderr)


def _wanted(live: Live, ports: set[int], count: int | None) -> Iterator[list[Seen]]:
    """The frames to keep, up to `count` of them."""
    left = sys.maxsize if count is None else count
    for batch in live.frames():
        wanted = list(islice((seen for seen in batch if not ports or ports & _touched(seen)), left))
        yield wanted
        left -= len(wanted)
        if not left:
            return


def _touched(seen: Seen) -> set[int]:
    """The ports that a frame comes in or goes out by."""
    return {seen.record.port, *(to.port for to in seen.verdict.deliveries)}


@contextmanager
def _sink(file: str | None, snaplen: int) -> Iterator[Sink]:
    if file is None:
        yield _show
        return
    try:
        with FileIO(1, "w", closefd=False) if file == STANDARD_OUTPUT else FileIO(file, "w") as out:
            yield PcapngFile(out, snaplen).write
    except BrokenPipeError:  # who reads it has seen enough
        raise
    except OSError as error:
        raise UsageError(f"{file}: {error.strerror}; name a file that can be written") from None


def _show(batch: Iterable[Seen]) -> None:
    for seen in batch:
        told = explanation.summary(seen.verdict, seen.rules.tables)
        print(f"{seen.arrival}: {words.frame(seen.frame)}: {told}", flush=True)


class PcapngFile:
    """Writes frames; each port is an interface from its first frame on."""

    def __init__(self, out: FileIO, snaplen: int) -> None:
        """out: unbuffered, so that who reads a pipe sees every frame at once."""
        self._out = out
        self._snaplen = snaplen
        self._interfaces: dict[str, int] = {}
        self._put(pcapng.section())

    def write(self, batch: Iterable[Seen]) -> None:
        """Append frames. A frame that is dropped has the reason as its comment."""
        self._put(b"".join(block for seen in batch for block in self._blocks(seen)))

    def _blocks(self, seen: Seen) -> Iterator[bytes]:
        number = self._interfaces.get(seen.port)
        if number is None:
            number = self._interfaces[seen.port] = len(self._interfaces)
            yield pcapng.interface(seen.port, self._snaplen)
        drop = seen.verdict.drop
        yield pcapng.packet(
            number,
            seen.record.time_ns,
            seen.octets[: self._snaplen],
            seen.record.length,
            # What comes in from the wire the host receives; what comes in from a VM that VM sends.
            Direction.INBOUND if seen.record.port == WIRE else Direction.OUTBOUND,
            seen.record.ring,
            "" if drop is None else f"dropped: {drop}",
        )

    def _put(self, octets: bytes) -> None:
        rest = memoryview(octets)
        while rest:
            rest = rest[self._out.write(rest) :]
