"""The supervisor: starts the workers, hands them their rings, and replaces one that dies.

It holds every file descriptor twice over, so a worker that is killed costs no carrier and no frame that still
waits in a ring. One spare worker is always started, stripped of its privileges and waiting: it takes over the
role, and the counters, of any that dies.
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from vmdqemu.daemon.plant import Plant, Port, RingName
from vmdqemu.daemon.workers import WorkerProcess
from vmdqemu.datapath import channel, shm
from vmdqemu.errors import VmdqemuError
from vmdqemu.host import vrss
from vmdqemu.nic import tables as nic_tables
from vmdqemu.nic.disciplines import Discipline
from vmdqemu.nic.share import Share

EVENTS: Final = 1000  # kept
SHORT_LIFE: Final = 1.0  # seconds: a worker that dies sooner is replaced no faster than this


@dataclass(slots=True)
class Role:
    """What a worker does: which rings it reads, on which CPU, under which block of counters."""

    name: str
    block: int
    cpu: int
    speed: float  # share of the CPU
    processor: int | None = None  # of the host; None for the adapter's transmit side
    rings: tuple[RingName, ...] = ()  # that it reads now
    line: float | None = None  # octets a second that it may send on the wire
    worker: WorkerProcess | None = None
    since: float = 0.0  # monotonic, when the worker was given the role
    # Set while the worker knows its role: what changes from then on is told to it.
    instructed: asyncio.Event = field(default_factory=asyncio.Event)


class Supervisor:
    """Keeps a plant served until `stop`. Lives in one event loop."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.counters = shm.Counters(plant.layout, shm.cells(plant.counters))
        self.crashes = 0
        self.events: deque[dict[str, Any]] = deque(maxlen=EVENTS)
        self._noted = 0
        self.gone: set[int] = set()  # ports whose device was removed
        self.stopped = asyncio.Event()
        self.roles = _roles(plant)
        self.snaplen = 0  # octets of each frame that an observer sees; 0: nobody observes
        self._spare: WorkerProcess | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Every role served, and a spare waiting."""
        started = [self._spawn() for _ in self.roles]
        spare = self._spare = self._spawn()
        try:
            for role, worker in zip(self.roles, started, strict=True):
                await self._give_role(role, worker)
            await spare.ready
        except BaseException:  # Ctrl-C: `stop` knows only those that have a role
            for worker in started:
                worker.kill()
            raise

    def stop(self) -> None:
        """End every worker; `stopped` is set when nobody serves any more."""
        self.stopped.set()
        for task in self._tasks:
            task.cancel()
        for worker in (self._spare, *(role.worker for role in self.roles)):
            if worker is not None:
                worker.kill()
        self._spare = None
        for role in self.roles:
            role.worker = None

    @property
    def transmitter(self) -> Role:
        """Who reads what the VMs send."""
        return self.roles[0]

    @property
    def spare_ready(self) -> bool:
        """Whether a worker's death would be bridged at once."""
        return self._spare is not None and self._spare.is_ready

    def note(self, kind: str, **what: object) -> None:
        """Add an event."""
        self._noted += 1
        self.events.append({"number": self._noted, "time": round(time.time(), 3), "event": kind, **what})

    async def hand_rings(self, names: tuple[RingName, ...]) -> None:
        """Give every worker the descriptors of rings."""
        for role in self.roles:
            if role.worker is not None:
                with suppress(VmdqemuError):  # it died: its successor is given all of them
                    await _send_rings(role.worker, self.plant, names)

    async def admit(self, ports: tuple[Port, ...]) -> None:
        """Give every worker what new ports have; nobody reads their rings yet."""
        await self.hand_rings(tuple(ring for port in ports for ring in port.rings))
        for role in self.roles:
            if role.worker is not None:
                with suppress(VmdqemuError):  # it died: its successor is given all of them
                    await _send_arenas(role.worker, ports)

    async def read(self, role: Role, rings: tuple[RingName, ...]) -> None:
        """Have a role read these rings too. A worker that dies meanwhile leaves that to its successor."""
        role.rings = (*role.rings, *rings)
        await self._tell(role, "start", rings=rings, shares=_shares(self.plant, rings))

    async def share(self, port: int) -> None:
        """Have a port's rings served on the adapter's terms of now."""
        shares = _shares(self.plant, ((port, 0),))
        await self._tell(self.transmitter, "share", shares=shares)

    async def stop_reading(self, role: Role, rings: tuple[RingName, ...]) -> None:
        """Have a role read no more of these rings; what waits in them stays there."""
        role.rings = tuple(ring for ring in role.rings if ring not in rings)
        await self._tell(role, "stop", rings=rings, frames=0)

    async def drain(self, role: Role, rings: tuple[RingName, ...], frames: int) -> None:
        """Have a role read up to `frames` that wait in each of these rings, and then no more of them.

        It is done when this returns: a worker that dies over it leaves it to its successor. A role that does
        not read these rings does not begin to: it would hand frames over, which then come behind later ones.
        """
        role.rings = tuple(ring for ring in role.rings if ring not in rings)
        drained = False
        while not drained:
            await role.instructed.wait()
            drained = await self._tell(role, "stop", rings=rings, frames=frames)
            await asyncio.sleep(0)  # a worker that cannot be told is dead, which the loop has yet to notice

    async def forget(self, port: Port) -> None:
        """Have every worker close a port's rings, which nobody reads any more."""
        for role in self.roles:
            if role.worker is not None:
                with suppress(VmdqemuError):  # it died, and its descriptors with it
                    await role.worker.command("forget", port=port.number)
        self.gone.discard(port.number)

    async def publish(self) -> None:
        """Have every worker rule by the plant's tables and placement."""
        rules = self._rules()
        await asyncio.gather(*(self._tell(role, "tables", **rules) for role in self.roles))

    async def place(self) -> None:
        """Have every processor know the plant's placement."""
        placement = self._placement()
        await asyncio.gather(*(self._tell(role, "placement", **placement) for role in self.roles))

    async def record(self, snaplen: int) -> None:
        """Have every worker keep records of what it reads, so many octets of each frame; 0: no more."""
        self.snaplen = snaplen
        for role in self.roles:
            await self._tell(role, "record", snaplen=snaplen)

    async def set_speed(self, speed: float) -> None:
        """Give each of the host's processors another share of its CPU."""
        for role in self.roles:
            if role.processor is not None:
                role.speed = speed
                await self._tell(role, "speed", speed=speed)

    def _rules(self) -> dict[str, Any]:
        return {"tables": nic_tables.to_json(self.plant.tables), **self._placement()}

    def _placement(self) -> dict[str, Any]:
        plant = self.plant
        channels = vrss.place(plant.tables, plant.placement, plant.placing.processors)
        return {
            "placement": list(plant.placement.items()),
            "channels": [(*channel, processor) for channel, processor in channels.items()],
        }

    async def _tell(self, role: Role, do: str, **what: Any) -> bool:
        """Tell a role's worker of a change, and whether it was carried out.

        One that is still being instructed hears of it there, and so does the successor of one that dies.
        """
        if role.worker is None or not role.instructed.is_set():
            return False
        try:
            await role.worker.command(do, **what)
        except VmdqemuError:
            return False
        return True

    def _spawn(self) -> WorkerProcess:
        return WorkerProcess(self.plant.counters, self._on_exit, self._on_event)

    def _on_event(self, message: channel.Message) -> None:
        if message["is"] == "gone":
            self.gone.add(message["port"])
            self.note("gone", port=message["port"], ring=message["ring"])

    def _on_exit(self, worker: WorkerProcess, status: int) -> None:
        """A worker died; nobody stopped it."""
        role = next((role for role in self.roles if role.worker is worker), None)
        if role is not None:
            self._lose(role, status)
        elif worker is self._spare:
            self.note("spare-died", status=status)
            self._spare = None
            self._later(self._restock(SHORT_LIFE))

    def _lose(self, role: Role, status: int) -> None:
        """A role's worker is dead: see to its role."""
        role.worker = None
        role.instructed.clear()
        self.crashes += 1
        self.note("worker-died", role=role.name, status=status)
        short = time.monotonic() - role.since < SHORT_LIFE
        self._later(self._replace(role, delay=SHORT_LIFE if short else 0.0))

    def _later(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace(self, role: Role, delay: float) -> None:
        """Hand the role to the spare, then start another spare."""
        if delay:
            await asyncio.sleep(delay)
        worker, self._spare = self._spare or self._spawn(), None
        try:
            await self._give_role(role, worker)
        except VmdqemuError:  # it died as well, so `_lose` begins again
            return
        self.note("worker-replaced", role=role.name, pid=worker.pid)
        await self._restock(0.0)

    async def _restock(self, delay: float) -> None:
        if delay:
            await asyncio.sleep(delay)
        if self._spare is None and not self.stopped.is_set():
            self._spare = self._spawn()

    async def _give_role(self, role: Role, worker: WorkerProcess) -> None:
        """Rings first, then what to do with them. From here on its death is the role's.

        Raises VmdqemuError if the worker ends meanwhile.
        """
        role.worker, role.since = worker, time.monotonic()
        await worker.ready
        with suppress(ProcessLookupError):  # it died: the next command says so
            os.sched_setaffinity(worker.pid, {role.cpu})
        await _send_rings(worker, self.plant, tuple(self.plant.ring_fds))
        await _send_arenas(worker, self.plant.ports)
        await worker.command(
            "role",
            worker=role.block,
            processor=role.processor,
            layout=self.plant.layout._asdict(),
            arbiter=(self.plant.adapter.arbiter if role is self.transmitter else Discipline.DEFICIT).value,
            line=role.line,
            speed=role.speed,
        )
        role.instructed.set()  # messages keep their order: a change comes behind these tables
        await worker.command("tables", **self._rules())
        if self.snaplen:
            await worker.command("record", snaplen=self.snaplen)
        rings = tuple(ring for ring in role.rings if ring[0] not in self.gone)
        await worker.command("start", rings=rings, shares=_shares(self.plant, rings))


async def _send_rings(worker: WorkerProcess, plant: Plant, names: tuple[RingName, ...]) -> None:
    """What is gone when its turn comes is left out."""
    for start in range(0, len(names), channel.MAX_FDS):
        fds = plant.ring_fds
        part = [name for name in names[start : start + channel.MAX_FDS] if name in fds]
        await worker.command("rings", tuple(fds[name] for name in part), rings=part)


def _shares(plant: Plant, rings: tuple[RingName, ...]) -> list[tuple[int, Share]]:
    """On what terms the ports of these rings are served; only a VPort has terms of its own."""
    vports = plant.adapter.vports
    ports = sorted({port for port, _ in rings})
    return [(port, vports[port].share if port in vports else Share()) for port in ports]


async def _send_arenas(worker: WorkerProcess, ports: tuple[Port, ...]) -> None:
    arenas = {port.number: port.arena for port in ports if port.arena is not None}
    await worker.command("arenas", tuple(arenas.values()), ports=list(arenas))


def _roles(plant: Plant) -> tuple[Role, ...]:
    """The adapter's transmit side, and each of the host's processors.

    An emulated processor has a CPU of its own as long as there are enough of them.
    """
    cpus = sorted(os.sched_getaffinity(0))
    everything = tuple(ring for port in plant.ports for ring in port.rings)
    roles = [Role("nic", 0, cpus[-1], 1.0, rings=everything, line=plant.line)]
    if plant.wire is not None:
        host = plant.config.host
        for processor in range(host.processors):
            rings = plant.rings_of(processor)
            cpu = cpus[processor % len(cpus)]
            roles.append(Role(f"cpu{processor}", 1 + processor, cpu, host.speed, processor, rings))
    return tuple(roles)
