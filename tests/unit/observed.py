"""A lab's records without a lab: recorders in this process, and what the daemon would answer."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.unit.builders import Vm, tables
from tests.unit.pumping import PLAIN
from vmdqemu.datapath import recorder
from vmdqemu.datapath.recorder import Recorder
from vmdqemu.datapath.vnet import Buffer
from vmdqemu.host.processors import place_statically
from vmdqemu.nic import tables as nic_tables
from vmdqemu.nic.frame import HEADER_OCTETS
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.tables import Tables

LAB = tables(Vm(), Vm(vlan=5), mode=VMQ)  # generation 1


class Observed:
    """In place of a daemon with its workers. Called, it answers `observe`."""

    def __init__(self) -> None:
        self.rules = LAB
        self.begins = False
        self.asked: list[int] = []
        self._workers: dict[int, tuple[int, Recorder]] = {}
        self._made: list[int] = []

    def __call__(self, snaplen: int) -> dict[str, Any]:
        self.asked.append(snaplen)
        return {
            "begins": self.begins,
            "pid": os.getpid(),
            "workers": [{"role": "cpu", "pid": pid, "records": fd} for pid, (fd, _) in self._workers.items()],
            "tables": nic_tables.to_json(self.rules),
            "placement": list(place_statically(self.rules, range(2)).items()),
        }

    def hire(self, pid: int, snaplen: int = HEADER_OCTETS) -> None:
        """Another worker."""
        fd = recorder.make_memory()
        self._made.append(fd)
        self._workers[pid] = fd, Recorder(recorder.map_memory(fd), snaplen, self.rules.generation)

    def announce(self, pid: int, fd: int) -> None:
        """A worker that the daemon speaks of, whatever the descriptor is."""
        self._workers[pid] = fd, Recorder(memoryview(bytearray(recorder.MEMORY_OCTETS)), 1, 1)

    def rule(self, in_effect: Tables, *pids: int) -> None:
        """Other tables; these workers have them already."""
        self.rules = in_effect
        for pid in pids:
            self._workers[pid][1].generation = in_effect.generation

    def read(self, pid: int, frame: bytes, port: int = 0, ring: int = 0, header: bytes = PLAIN) -> None:
        """Have a worker read a frame."""
        octets = header + frame

        def readinto(buffer: Buffer) -> int:
            buffer[: len(octets)] = octets
            return len(octets)

        self._workers[pid][1].around(readinto, port, ring)(bytearray(1 << 17))

    def close(self) -> None:
        for fd in self._made:
            os.close(fd)


@contextmanager
def observed() -> Iterator[Observed]:
    """A daemon with one worker, 1."""
    lab = Observed()
    lab.hire(1)
    try:
        yield lab
    finally:
        lab.close()
