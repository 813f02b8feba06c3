"""Frames of a running lab, as its workers read them, with the tables that rule on them.

A frame is seen once, where it comes in: what a VM sends, and what comes in from the wire. A superframe is one
frame, as it was read. What is done with it is explained by the tables of its generation; if they were
replaced twice before we heard of them, by those that came next.
"""

import mmap
import os
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final, NamedTuple

from vmdqemu.datapath import vnet
from vmdqemu.datapath.recorder import MEMORY_OCTETS, Reader, Record
from vmdqemu.host.decide import Verdict, decide_behind
from vmdqemu.host.processors import Placement
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic import tables as nic_tables
from vmdqemu.nic.frame import HEADER_OCTETS, Frame, parse
from vmdqemu.nic.tables import Tables
from vmdqemu.observe.explanation import Explanation, explain, port_name

ASK_AGAIN: Final = 1.0  # seconds; the daemon's lease is longer
LOOK_AGAIN: Final = 0.02  # seconds between two looks at the records

Ask = Callable[[int], dict[str, Any]]  # the daemon, to keep records of so many octets


class Rules(NamedTuple):
    """What was in effect."""

    tables: Tables
    placement: Placement


class Seen(NamedTuple):
    """One frame, and what ruled on it."""

    record: Record
    rules: Rules

    @property
    def port(self) -> str:
        """Where it came in."""
        return port_name(self.record.port, self.rules.tables)

    @property
    def octets(self) -> bytes:
        """As many as were kept."""
        return self.record.octets[vnet.VNET_OCTETS :]

    @property
    def segments(self) -> vnet.Segments:
        """The wire frames that it stands for."""
        buffer = bytearray(self.record.octets.ljust(vnet.VNET_OCTETS + self.record.length, b"\0"))
        if not buffer[vnet.GSO_TYPE]:
            return vnet.Segments(1, 0, self.record.length)
        return vnet.segments(buffer, len(buffer))

    @property
    def frame(self) -> Frame:
        """As it is judged: a superframe by its headers, and the length of its longest wire frame."""
        seen = parse(self.octets, self.record.length, self.rules.tables.tunnels)
        return seen._replace(length=self.segments.longest)

    @property
    def arrival(self) -> str:
        """When and where it came in, in words."""
        at = datetime.fromtimestamp(self.record.time_ns / 1e9).time().isoformat("microseconds")
        frames = self.segments.frames
        whole = f", {self.record.length} octets for {frames} wire frames" if frames > 1 else ""
        return f"{at} from {self.port} ring {self.record.ring}{whole}"

    @property
    def verdict(self) -> Verdict:
        """What becomes of it."""
        return decide_behind(self.frame, self.record.port, self.rules.tables)

    def explain(self) -> Explanation:
        """Why that becomes of it."""
        return explain(self.frame, self.record.port, *self.rules, arrival=self.arrival)


class Live:
    """Observes a lab from the moment that it is made."""

    def __init__(self, ask: Ask, snaplen: int, pause: Callable[[float], None] = time.sleep) -> None:
        """snaplen: octets of each frame to keep, and never less than a verdict may read; pause: as sleep."""
        self.interrupted = False  # we did not ask for so long that nothing was kept
        self._ask = ask
        self._pause = pause
        self._snaplen = max(snaplen, HEADER_OCTETS)
        self._readers: dict[int, Reader] = {}  # by worker
        self._rules: dict[int, Rules] = {}  # by generation
        self._unknown = 0
        self._renew(from_now=True)

    @property
    def tables(self) -> Tables:
        """In effect as far as we know."""
        return self._rules[max(self._rules)].tables

    @property
    def lost(self) -> int:
        """Frames that came and were not seen: we were too slow, or their port was gone."""
        return self._unknown + sum(reader.lost for reader in self._readers.values())

    def frames(self) -> Iterator[list[Seen]]:
        """What came since the last look, again and again, in the order of its time; it may be nothing."""
        while True:
            records = sorted(record for reader in self._readers.values() for record in reader.read())
            news = any(record.generation not in self._rules for record in records)
            if news or time.monotonic() - self._asked > ASK_AGAIN:
                self._renew()
            seen = [Seen(record, self._ruling(record)) for record in records]
            known = [each for each in seen if self._is_known(each)]
            self._unknown += len(seen) - len(known)
            yield known
            self._pause(0.0 if records else LOOK_AGAIN)

    def _renew(self, from_now: bool = False) -> None:
        """Ask the daemon; a worker that is new has recorded nothing that we should not see."""
        document = self._ask(self._snaplen)
        self._asked = time.monotonic()
        self.interrupted |= document["begins"] and not from_now
        tables = nic_tables.from_json(document["tables"])
        self._rules[tables.generation] = Rules(tables, dict(document["placement"]))
        for worker in document["workers"]:
            if worker["pid"] not in self._readers:
                memory = _map(document["pid"], worker["records"])
                if memory is not None:
                    first = None if from_now else 0
                    self._readers[worker["pid"]] = Reader(memory, self._snaplen, first)

    def _ruling(self, record: Record) -> Rules:
        later = [generation for generation in self._rules if generation >= record.generation]
        return self._rules[min(later, default=max(self._rules))]

    def _is_known(self, seen: Seen) -> bool:
        return seen.record.port == WIRE or seen.record.port in seen.rules.tables.vports


def _map(pid: int, fd: int) -> memoryview | None:
    """A worker's records, by the daemon's descriptor; None if the worker ended meanwhile."""
    try:
        ours = os.open(f"/proc/{pid}/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        if os.fstat(ours).st_size != MEMORY_OCTETS:  # another file has that number now
            return None
        return memoryview(mmap.mmap(ours, MEMORY_OCTETS, access=mmap.ACCESS_READ))
    finally:
        os.close(ours)
