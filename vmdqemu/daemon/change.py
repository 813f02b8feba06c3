"""Changing hands: other tables, queues and owners on a running lab, without a frame lost or out of order.

A flow's frames may wait in one ring while its next ones are sorted into another. So before the new owner of a
ring reads it, every frame that was sorted by the old tables has been read:

    1  the readers that hand frames over stop (the default rings', and those that vRSS spreads), and so do
       those of rings that only go to another processor; the inboxes they fed are read until they are empty;
       the sorter sends every frame that the new tables place differently to the default rings
    2  the rings that change are read until they are empty, by their old owners, and let go
    3  all workers get the new tables, while the embedded switch has the VFs of both; the sorter and the
       switch go by them, and no frame is on its way by the old ones any more
    4  the default rings are read until all that waited in them is gone
    5  the new owners read their rings, and the inboxes

Queues of VPorts that stay the same are not touched. Frames wait meanwhile, as they would in a NIC; only a
ring that overflows loses any, and that is counted.
"""

import asyncio
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from vmdqemu.config import LabConfig
from vmdqemu.config_admission import admit, make_room
from vmdqemu.daemon.plant import RingName
from vmdqemu.daemon.supervisor import Role, Supervisor
from vmdqemu.datapath import uplink
from vmdqemu.datapath.inbox import INBOX
from vmdqemu.errors import UsageError, VmdqemuError
from vmdqemu.host import processors
from vmdqemu.host.plan import Move
from vmdqemu.host.processors import BASE_PROCESSOR, Placement, Policy
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic import adapter as control
from vmdqemu.nic import coalescing, difference
from vmdqemu.nic.adapter import Adapter, Outcome, Request, compile_tables
from vmdqemu.nic.coalescing import CoalescingFilter
from vmdqemu.nic.moderation import Moderation
from vmdqemu.nic.modes import MODES
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import Tables

UNTIL_EMPTY: Final = 1 << 40  # frames, of a ring that nobody writes to
SRIOV: Final = "sriov"  # whoever sets it gives every VM a VF, too
# For a mode and a policy; None: the one that the lab file names.
SHORT: Final[Mapping[str, tuple[str, Policy | None]]] = {
    "dvmq": ("vmq", Policy.DYNAMIC),
    SRIOV: ("vmq", None),
}

_CURES: Final = {
    Status.NO_QUEUES: "more processors than queues; move all entries of one together, or the queue itself",
    Status.INVALID_DATA: "a table can only lose what repeats the rest, and name processors that there are",
}


def accept(status: Status, request: Request, why: str = "") -> None:
    """Raise VmdqemuError if the adapter refused a request. why: the limit that it would pass."""
    if status is not Status.SUCCESS:
        refusal = f"{status}: {why or f'the adapter refuses {type(request).__name__}'}"
        raise VmdqemuError("; ".join(filter(None, (refusal, None if why else _CURES.get(status)))))


class Change(NamedTuple):
    """What is to be put in effect."""

    adapter: Adapter
    tables: Tables
    placed: Placement | None = None  # RX queues and their processors; None: as they are where they stay


def agreed(adapter: Adapter, *requests: Request) -> Adapter:
    """The adapter after requests. Raises VmdqemuError with the status of the first that it refuses."""
    for request in requests:
        outcome = control.apply(adapter, request)
        accept(outcome.status, request, outcome.why)
        adapter = outcome.adapter
    return adapter


def admitted(adapter: Adapter, config: LabConfig) -> Adapter:
    """The adapter with queues for the VMs that may have them. Raises VmdqemuError with a refusal's status."""
    adapter, refused = admit(adapter, config)
    if refused:
        said = (": ".join(filter(None, (vm, why.status, why.why))) for vm, why in refused.items())
        raise VmdqemuError("; ".join(said))
    return adapter


def _handing_over(tables: Tables) -> set[int]:
    """RX queues whose reader may find frames that another processor is to deliver."""
    spread = {vport.queues[0] for vport in tables.vports.values() if vport.vrss}
    return {*tables.default_queues, *spread}


class Changer:
    """Changes one lab, one change at a time: who holds `busy` may."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self.busy = asyncio.Lock()

    async def set_mode(self, name: str, policy: Policy | None = None) -> None:
        """Sort what is received in another way, and place queues by `policy`, or as the lab file says.

        Where the policy changes, all queues are placed anew. Raises UsageError, VmdqemuError with the
        adapter's status.
        """
        mode, implied = SHORT.get(name, (name, None))
        if mode not in MODES:
            raise UsageError(f"no mode {name!r}; use one of {', '.join((*MODES, *SHORT))}")
        plant = self._supervisor.plant
        if reason := plant.config.refusal(MODES[mode]):
            raise VmdqemuError(reason)
        policy = policy or implied or plant.config.host.placing.policy
        if policy is Policy.DYNAMIC and plant.config.adapter.sorter == "software":
            raise UsageError("one ring carries every queue's frames; dynamic placement needs the sorter")
        async with self.busy:
            leaner = make_room(plant.adapter, plant.config, MODES[mode])
            adapter = agreed(leaner, control.SetMode(MODES[mode]))
            await self.put(await self.prepare(admitted(adapter, plant.config)))
            if policy is not plant.placing.policy:
                plant.placing = plant.placing._replace(policy=policy)
                await self._move(plant.placing.place(plant.tables), by="operator")

    async def request(self, *requests: Request) -> None:
        """Put requests to the adapter, and carry out what follows: of all of them, or of none."""
        async with self.busy:
            await self.put(await self.prepare(agreed(self._supervisor.plant.adapter, *requests)))

    async def carry_out(self, request: Request) -> Outcome:
        """Put one request to the adapter, and say how it ended; a refused one changes nothing."""
        async with self.busy:
            return await self.apply(request)

    async def apply(self, request: Request) -> Outcome:
        """The same; `busy` is held by the caller."""
        outcome = control.apply(self._supervisor.plant.adapter, request)
        await self.adopt(outcome.adapter, outcome.placement)
        return outcome

    async def adopt(self, adapter: Adapter, moved: Mapping[int, int] = MappingProxyType({})) -> None:
        """Put an adapter in effect as far as anything differs. `busy` is held by the caller.

        moved: the queues that other processors are to serve, and by which.
        """
        plant = self._supervisor.plant
        if not moved and compile_tables(adapter, plant.tables.generation) == plant.tables:
            plant.adapter = adapter  # no frame is treated otherwise
            return
        change = await self.prepare(adapter)
        placed = {**plant.placement, **moved} if moved else None
        await self.put(change._replace(placed=placed))

    async def prepare(self, adapter: Adapter) -> Change:
        """What can fail comes first: rings for what is to come. `busy` is held by the caller."""
        plant = self._supervisor.plant
        tables = compile_tables(adapter, plant.tables.generation + 1)
        await self._grow(tables)
        return Change(adapter, tables)

    async def put(self, change: Change) -> None:
        """Put a change that was prepared in effect. `busy` is held by the caller."""
        self._supervisor.plant.adapter = change.adapter
        await self._put(change.tables, change.placed)

    async def move(self, moves: Iterable[Move]) -> None:
        """Make the balancer's moves, all at once; one that was overtaken by another change is left out."""
        async with self.busy:
            placement = self._supervisor.plant.placement
            queues = {move.item: move for move in moves if isinstance(move.item, int)}
            sound = {
                queue: move.target for queue, move in queues.items() if placement.get(queue) == move.source
            }
            await self._move(sound, by="balancer")

    async def set_queue(self, queue: int, processor: int | None, moderation: Moderation | None) -> None:
        """Change who serves an RX queue and how often it interrupts him, both or neither; None leaves it."""
        async with self.busy:
            self._check(queue, processor)
            if moderation is not None:
                await self._moderate(queue, moderation)
            if processor is not None:
                await self._move({queue: processor}, by="operator")

    async def coalesce(self, tests: CoalescingFilter, number: int) -> None:
        """Have the adapter hold frames of the default queue that may wait. number: 0 for a new filter."""
        async with self.busy:
            if self._supervisor.plant.config.adapter.sorter == "software":
                raise UsageError("one ring carries every queue's frames; packet coalescing needs the sorter")
            if not tests.is_sound:
                raise UsageError(f"{Status.INVALID_PARAMETER}: {coalescing.CURE}")
            await self._adjust(control.SetCoalescing(tests, number))

    async def stop_coalescing(self, number: int) -> None:
        """Clear one of those filters; what it held is delivered."""
        async with self.busy:
            if number not in self._supervisor.plant.adapter.coalescing:
                raise UsageError(f"no coalescing filter {number}; vmdqemu coalescing list names them")
            await self._adjust(control.ClearFilter(number))

    async def _adjust(self, request: Request) -> None:
        """Put a request to the adapter that moves no frame to another queue."""
        plant = self._supervisor.plant
        plant.adapter = agreed(plant.adapter, request)
        plant.tables = compile_tables(plant.adapter, plant.tables.generation + 1)
        await self._supervisor.publish()

    async def _move(self, placement: Placement, by: str) -> None:
        """Have other processors serve RX queues: stop, acknowledge, start; their frames wait in the rings."""
        plant = self._supervisor.plant
        before = plant.placement
        moved = {queue: to for queue, to in placement.items() if before[queue] != to}
        if not moved:
            return
        rings = self._rings({*moved, *_handing_over(plant.tables)})
        await self._stop(rings)
        await self._drain(self._inboxes, UNTIL_EMPTY)
        plant.placement = {**before, **moved}
        await self._supervisor.place()
        await self._start([*self._inboxes, *rings])
        for queue, target in moved.items():
            self._supervisor.note("queue-moved", queue=queue, source=before[queue], target=target, by=by)

    async def _moderate(self, queue: int, moderation: Moderation) -> None:
        if (WIRE, queue) not in self._supervisor.plant.ring_fds:
            raise UsageError(f"RX queue {queue} has no interrupt of its own; only queue 0 has (sorter)")
        try:
            self._supervisor.plant.adapter.model.moderation.settle(moderation.interval)
        except ValueError as error:
            raise UsageError(f"{Status.INVALID_PARAMETER}: {error} microseconds") from None
        await self._adjust(control.SetModeration(queue, moderation))

    def _check(self, queue: int, processor: int | None) -> None:
        plant = self._supervisor.plant
        if queue not in plant.placement:
            raise UsageError(f"no RX queue {queue}; vmdqemu queue list names them")
        if processor is not None and not 0 <= processor < plant.config.host.processors:
            last = plant.config.host.processors - 1
            raise UsageError(f"no processor {processor}; use 0 to {last} ([host] processors)")

    async def _put(self, tables: Tables, placed: Placement | None) -> None:
        """The five steps."""
        plant, supervisor = self._supervisor.plant, self._supervisor
        if plant.uplink is None:
            self._adopt(tables, placed)
            await supervisor.publish()
            return
        change = difference.compare(plant.tables, tables)
        changed = self._rings(change.changed)
        held = self._rings(change.meanwhile.default_queues)
        after = self._placement(tables, placed)
        moved = {queue for queue in change.kept if plant.placement[queue] != after[queue]}
        stopped = self._rings({*_handing_over(plant.tables), *moved})
        await self._stop(stopped)
        await self._drain(self._inboxes, UNTIL_EMPTY)
        await self._sort(change.meanwhile)
        await self._drain([ring for ring in changed if ring not in held], UNTIL_EMPTY)
        await self._switch(change.joined)
        self._adopt(tables, placed)
        await supervisor.publish()
        await asyncio.gather(self._sort(tables), self._switch(tables))  # the kernel lets each wait
        await self._drain(held, plant.config.adapter.ring)
        await self._start(list(dict.fromkeys((*self._inboxes, *changed, *stopped))))

    def _adopt(self, tables: Tables, placed: Placement | None) -> None:
        plant = self._supervisor.plant
        plant.placement = self._placement(tables, placed)
        plant.tables = tables

    def _placement(self, tables: Tables, placed: Placement | None) -> Placement:
        """Who serves each queue under these tables."""
        plant = self._supervisor.plant
        if placed is None:
            placed = processors.stay(plant.placement, plant.tables, tables)
        return plant.placing.place(tables, placed)

    async def _grow(self, tables: Tables) -> None:
        """Rings for the queues to come; every worker learns of them."""
        plant = self._supervisor.plant
        rings = uplink.rx_rings(plant.config, tables)
        if plant.uplink is None or rings <= len(plant.uplink.pf.fds):
            return
        had = set(plant.ring_fds)
        await asyncio.to_thread(plant.uplink.grow, rings)
        await self._supervisor.hand_rings(tuple(name for name in plant.ring_fds if name not in had))

    async def _sort(self, tables: Tables) -> None:
        external = self._supervisor.plant.uplink
        if external is not None and external.sorter is not None:
            await asyncio.to_thread(external.sorter.put, tables)

    async def _switch(self, tables: Tables) -> None:
        external = self._supervisor.plant.uplink
        if external is not None:
            await asyncio.to_thread(external.eswitch.publish, tables)

    def _rings(self, queues: Iterable[int]) -> list[RingName]:
        """The rings of RX queues; where decide() sorts in software there is one for all."""
        known = self._supervisor.plant.ring_fds
        return [(WIRE, queue) for queue in sorted(queues) if (WIRE, queue) in known]

    @property
    def _inboxes(self) -> list[RingName]:
        """Of all processors. Nothing comes into them while the readers that hand frames over are stopped."""
        return [(INBOX, processor) for processor in range(self._supervisor.plant.config.host.processors)]

    async def _stop(self, rings: list[RingName]) -> None:
        owned = self._by_owner(rings)
        await asyncio.gather(*(self._supervisor.stop_reading(role, mine) for role, mine in owned))

    async def _drain(self, rings: list[RingName], frames: int) -> None:
        owned = self._by_owner(rings)
        await asyncio.gather(*(self._supervisor.drain(role, mine, frames) for role, mine in owned))

    async def _start(self, rings: list[RingName]) -> None:
        owned = self._by_owner(rings)
        await asyncio.gather(*(self._supervisor.read(role, mine) for role, mine in owned))

    def _by_owner(self, rings: list[RingName]) -> list[tuple[Role, tuple[RingName, ...]]]:
        """The rings of each processor that has any of them, by the placement in effect."""
        owned = [
            (role, tuple(ring for ring in rings if self._owner(ring) == role.processor))
            for role in self._supervisor.roles
            if role.processor is not None
        ]
        return [(role, mine) for role, mine in owned if mine]

    def _owner(self, ring: RingName) -> int:
        """The processor that reads a ring, or is to."""
        port, number = ring
        return number if port == INBOX else self._supervisor.plant.placement.get(number, BASE_PROCESSOR)
