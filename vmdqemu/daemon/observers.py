"""Observers: commands that look at the frames of a running lab.

The workers keep records as long as somebody asks for it again and again; an observer that ends, however it
ends, asks no more. The daemon does not look at the records: it says in whose memory they are, and an observer
maps that (memfd_create(2): /proc/PID/fd/FD of the one who made it).
"""

import asyncio
import os
from typing import Any, Final

from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.datapath.recorder import MOST_OCTETS
from vmdqemu.errors import UsageError
from vmdqemu.nic import tables as nic_tables

SCHEMA_VERSION: Final = 1
LEASE: Final = 3.0  # seconds that records are kept for after an observer asked


class Observers:
    """Has the workers keep records while anybody observes."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._end: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    async def observe(self, snaplen: int) -> dict[str, Any]:
        """Keep records, so many octets of each frame, for LEASE more; where they are, and what rules.

        When it returns, every frame that is read from now on is recorded. Raises UsageError.
        """
        supervisor = self._supervisor
        if not 0 < snaplen <= MOST_OCTETS:
            raise UsageError(f"snaplen: {snaplen}; use 1 to {MOST_OCTETS} octets")
        if supervisor.snaplen not in (0, snaplen):
            kept = supervisor.snaplen
            raise UsageError(f"snaplen: somebody observes {kept} octets of each frame; use {kept}")
        self._renew()
        begins = not supervisor.snaplen
        if begins:
            await supervisor.record(snaplen)
        return {"schema_version": SCHEMA_VERSION, "begins": begins, **self._where()}

    def _renew(self) -> None:
        if self._end is not None:
            self._end.cancel()
        self._end = asyncio.get_running_loop().call_later(LEASE, self._expire)

    def _expire(self) -> None:
        self._end = None
        self._ending = asyncio.get_running_loop().create_task(self._supervisor.record(snaplen=0))

    def _where(self) -> dict[str, Any]:
        """The memory of each worker, by the daemon's descriptors."""
        plant = self._supervisor.plant
        return {
            "pid": os.getpid(),
            "workers": [
                {"role": role.name, "pid": role.worker.pid, "records": role.worker.records}
                for role in self._supervisor.roles
                if role.worker is not None
            ],
            "tables": nic_tables.to_json(plant.tables),
            "placement": list(plant.placement.items()),
        }
