"""Changing hands: other tables, queues and owners on a running lab, without a frame lost or out of order.

A flow's frames may wait in one ring while its next ones are sorted into another. So before the new owner of a
ring reads it, every frame that was sorted by the old tables has been read:

    1  the default ring's reader stops; the sorter sends everything to the default ring
    2  every other ring is read until it is empty, by its old owner, and let go
    3  all workers get the new tables; the sorter places new frames by them
    4  the default ring is read until all that waited in it is gone
    5  the new owners read their rings

Frames wait meanwhile, as they would in a NIC; only a ring that overflows loses any, and that is counted.
"""

import asyncio

from vmdqemu.daemon.supervisor import Role, Supervisor
from vmdqemu.datapath import uplink
from vmdqemu.errors import UsageError, VmdqemuError
from vmdqemu.host import processors
from vmdqemu.nic import adapter as control
from vmdqemu.nic.adapter import Request, Status, compile_tables
from vmdqemu.nic.modes import MODES
from vmdqemu.nic.tables import DEFAULT_QUEUE, Tables

DEFAULT_RING = (0, DEFAULT_QUEUE)


class Changer:
    """Changes one lab, one change at a time."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._busy = asyncio.Lock()

    async def set_mode(self, name: str) -> None:
        """Sort what is received in another way. Raises UsageError, VmdqemuError with the adapter's status."""
        if name not in MODES:
            raise UsageError(f"no mode {name!r}; use one of {', '.join(MODES)}")
        await self.request(control.SetMode(MODES[name]))

    async def request(self, request: Request) -> None:
        """Put one request to the adapter, and carry out what follows."""
        async with self._busy:
            plant = self._supervisor.plant
            outcome = control.apply(plant.adapter, request)
            if outcome.status is not Status.SUCCESS:
                raise VmdqemuError(f"{outcome.status}: the adapter refuses {type(request).__name__}")
            tables = compile_tables(outcome.adapter, plant.tables.generation + 1)
            await self._grow(tables)  # what can fail comes first
            plant.adapter = outcome.adapter
            await self._put(tables)

    async def move(self, queue: int, processor: int) -> None:
        """Have another processor serve an RX queue: stop, acknowledge, start; its frames wait in the ring."""
        async with self._busy:
            plant = self._supervisor.plant
            if queue not in plant.placement or (0, queue) not in plant.ring_fds:
                raise UsageError(f"no RX queue {queue}; vmdqemu queue list names them")
            if not 0 <= processor < plant.config.host.processors:
                last = plant.config.host.processors - 1
                raise UsageError(f"no processor {processor}; use 0 to {last} ([host] processors)")
            ring = (0, queue)
            await self._supervisor.release(self._reader(ring), (ring,), frames=0)
            plant.placement = {**plant.placement, queue: processor}
            await self._supervisor.read(self._owner(queue), (ring,))

    async def _put(self, tables: Tables) -> None:
        """The five steps."""
        plant, supervisor = self._supervisor.plant, self._supervisor
        if plant.uplink is None:
            plant.tables = tables
            await supervisor.publish()
            return
        frames = plant.config.adapter.ring
        await supervisor.release(self._reader(DEFAULT_RING), (DEFAULT_RING,), frames=0)
        self._sort(tables._replace(filters={}))
        for role in self._processors:
            await supervisor.release(role, role.rings, frames)
        plant.tables = tables
        plant.placement = processors.place_statically(tables, plant.config.host.processors)
        await supervisor.publish()
        self._sort(tables)
        owner = self._owner(DEFAULT_QUEUE)
        await supervisor.read(owner, (DEFAULT_RING,))
        await supervisor.release(owner, (DEFAULT_RING,), frames)
        for role in self._processors:
            await supervisor.read(role, self._rings(role))

    async def _grow(self, tables: Tables) -> None:
        """Rings for the queues to come; every worker learns of them."""
        plant = self._supervisor.plant
        if plant.uplink is None:
            return
        had = set(plant.ring_fds)
        await asyncio.to_thread(plant.uplink.grow, uplink.rx_rings(plant.config, tables))
        await self._supervisor.hand_rings(tuple(name for name in plant.ring_fds if name not in had))

    def _sort(self, tables: Tables) -> None:
        external = self._supervisor.plant.uplink
        if external is not None and external.sorter is not None:
            external.sorter.put(tables)

    @property
    def _processors(self) -> list[Role]:
        return [role for role in self._supervisor.roles if role.processor is not None]

    def _rings(self, role: Role) -> tuple[tuple[int, int], ...]:
        assert role.processor is not None
        return tuple((0, ring) for ring in self._supervisor.plant.rings_of(role.processor))

    def _reader(self, ring: tuple[int, int]) -> Role:
        """Who reads a ring now."""
        return next(role for role in self._processors if ring in role.rings)

    def _owner(self, queue: int) -> Role:
        """Who is to read a queue, by the placement."""
        processor = self._supervisor.plant.placement[queue]
        return next(role for role in self._processors if role.processor == processor)
