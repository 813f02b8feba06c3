"""The supervisor: starts the workers, hands them their rings, and replaces one that dies.

It holds every file descriptor twice over, so a worker that is killed costs no carrier and no frame that still
waits in a ring. One spare worker is always started, stripped of its privileges and waiting: it takes over the
role, and the counters, of any that dies.
"""

import asyncio
import os
import socket
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Final

from vmdqemu.daemon import law
from vmdqemu.daemon.plant import Plant, Port
from vmdqemu.datapath import channel, shm
from vmdqemu.errors import VmdqemuError
from vmdqemu.nic import tables as nic_tables

EVENTS: Final = 1000  # kept
SHORT_LIFE: Final = 1.0  # seconds: a worker that dies sooner is replaced no faster than this


@dataclass(frozen=True, slots=True)
class Role:
    """What a worker does: which ports it serves, on which processor, under which block of counters."""

    name: str
    block: int
    cpu: int
    ports: tuple[Port, ...]


@dataclass(slots=True)
class WorkerProcess:
    """A worker as its supervisor sees it."""

    process: subprocess.Popen[bytes]
    control: socket.socket
    pidfd: int
    ready: asyncio.Event = field(default_factory=asyncio.Event)  # stripped and waiting
    serving: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    since: float = 0.0  # monotonic, when it was given its role


class Supervisor:
    """Keeps a plant served until `stop`. Lives in one event loop."""

    def __init__(self, plant: Plant) -> None:
        self.plant = plant
        self.counters = shm.Counters(plant.layout, shm.cells(plant.counters))
        self.lost: dict[int, int] = {}  # frames a dead worker had read and not booked, by port
        self.crashes = 0
        self.events: deque[dict[str, Any]] = deque(maxlen=EVENTS)
        self.gone: set[int] = set()  # ports whose device was removed
        self.stopped = asyncio.Event()
        self.workers: dict[str, WorkerProcess] = {}  # by role
        self.roles = _roles(plant)
        self._spare: WorkerProcess | None = None
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Every role served, and a spare waiting."""
        started = [self._spawn() for _ in self.roles]
        self._spare = self._spawn()
        for role, worker in zip(self.roles, started, strict=True):
            await self._give_role(role, worker)
        await _reached(self._spare.ready, self._spare)

    def stop(self) -> None:
        """End every worker; `stopped` is set when nobody serves any more."""
        everyone = [*self.workers.values(), *([self._spare] if self._spare else [])]
        self.workers, self._spare = {}, None
        for worker in everyone:
            self._forget(worker)
            worker.process.kill()
            worker.process.wait()
        self.stopped.set()

    @property
    def spare_ready(self) -> bool:
        """Whether a worker's death would be bridged at once."""
        return self._spare is not None and self._spare.ready.is_set()

    def note(self, kind: str, **what: object) -> None:
        """Add an event."""
        self.events.append({"time": round(time.time(), 3), "event": kind, **what})

    def _spawn(self) -> WorkerProcess:
        ours, theirs = channel.pair()
        with theirs:
            fds = (theirs.fileno(), self.plant.counters)
            process = subprocess.Popen(
                [sys.executable, "-I", "-m", "vmdqemu.datapath.worker", *map(str, fds)],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the supervisor
            )
        worker = WorkerProcess(process, ours, os.pidfd_open(process.pid))
        self._loop.add_reader(ours, self._on_message, worker)
        self._loop.add_reader(worker.pidfd, self._on_exit, worker)
        return worker

    def _forget(self, worker: WorkerProcess) -> None:
        self._loop.remove_reader(worker.control)
        self._loop.remove_reader(worker.pidfd)
        worker.control.close()
        os.close(worker.pidfd)

    def _on_message(self, worker: WorkerProcess) -> None:
        try:
            received = channel.receive(worker.control)
        except (BlockingIOError, ConnectionResetError):
            return
        if received is None:  # its end is closed: the pidfd tells the rest
            self._loop.remove_reader(worker.control)
            return
        message, _ = received
        if message["is"] == "ready":
            worker.ready.set()
        elif message["is"] == "serving":
            worker.serving.set()
        elif message["is"] == "gone":
            self.gone.add(message["port"])
            self.note("gone", port=message["port"], ring=message["ring"])

    def _on_exit(self, worker: WorkerProcess) -> None:
        """A worker died; nobody stopped it."""
        status = worker.process.wait()
        self._forget(worker)
        worker.ended.set()
        role = next((role for role in self.roles if self.workers.get(role.name) is worker), None)
        if role is not None:
            self._lose(role, worker, status)
        elif worker is self._spare:
            self.note("spare-died", status=status)
            self._spare = None
            self._later(self._restock(SHORT_LIFE))

    def _lose(self, role: Role, worker: WorkerProcess, status: int) -> None:
        """Book what the dead worker had in its hands, and see to its role."""
        del self.workers[role.name]
        self.crashes += 1
        ports = tuple(port.number for port in role.ports)
        self.lost |= law.unrecorded_reads(self.plant, self.counters, ports)
        self.note("worker-died", role=role.name, status=status)
        short = time.monotonic() - worker.since < SHORT_LIFE
        self._later(self._replace(role, delay=SHORT_LIFE if short else 0.0))

    def _later(self, work: Any) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _replace(self, role: Role, delay: float) -> None:
        """Hand the role to the spare, then start another spare."""
        if delay:
            await asyncio.sleep(delay)
        worker, self._spare = self._spare or self._spawn(), None
        try:
            await self._give_role(role, worker)
        except (VmdqemuError, OSError):  # it died as well, so `_lose` begins again
            return
        self.note("worker-replaced", role=role.name, pid=worker.process.pid)
        await self._restock(0.0)

    async def _restock(self, delay: float) -> None:
        if delay:
            await asyncio.sleep(delay)
        if self._spare is None and not self.stopped.is_set():
            self._spare = self._spawn()

    async def _give_role(self, role: Role, worker: WorkerProcess) -> None:
        """Rings first, then what to do with them. From here on its death is the role's.

        Raises VmdqemuError or OSError if the worker ends meanwhile.
        """
        self.workers[role.name] = worker
        worker.since = time.monotonic()
        await _reached(worker.ready, worker)
        os.sched_setaffinity(worker.process.pid, {role.cpu})
        rings = [
            (port.number, ring, fd) for port in self.plant.all_ports for ring, fd in enumerate(port.tap.fds)
        ]
        for start in range(0, len(rings), channel.MAX_FDS):
            part = rings[start : start + channel.MAX_FDS]
            message = {"do": "rings", "rings": [(port, ring) for port, ring, _ in part]}
            channel.send(worker.control, message, tuple(fd for _, _, fd in part))
        channel.send(worker.control, self._orders(role))
        await _reached(worker.serving, worker)

    def _orders(self, role: Role) -> channel.Message:
        """The message that makes a worker serve a role."""
        return {
            "do": "serve",
            "worker": role.block,
            "workers": self.plant.layout.workers,
            "rings": self.plant.layout.rings,
            "queues": self.plant.layout.queues,
            "tables": nic_tables.to_json(self.plant.tables),
            "arbiter": self.plant.config.adapter.arbiter,
            "ports": [
                {"port": port.number, "rings": len(port.tap.fds), "weight": port.weight, "rate": port.rate}
                for port in role.ports
                if port.number not in self.gone
            ],
        }


async def _reached(state: asyncio.Event, worker: WorkerProcess) -> None:
    """Wait until a worker says that it is that far."""
    waits = [asyncio.ensure_future(event.wait()) for event in (state, worker.ended)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    if not state.is_set():
        raise VmdqemuError(f"worker {worker.process.pid} ended before it served; what it said is above")


def _roles(plant: Plant) -> tuple[Role, ...]:
    """The adapter's transmit side, and the host's processor 0 for what comes in on the wire."""
    cpus = sorted(os.sched_getaffinity(0))
    transmit = Role("nic", 0, cpus[-1], plant.ports)
    return (transmit,) if plant.wire is None else (transmit, Role("cpu0", 1, cpus[0], (plant.wire,)))
