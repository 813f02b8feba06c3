"""The worker: a process without privileges that serves the rings it is given.

    python -I -m vmdqemu.datapath.worker CONTROL_FD COUNTERS_FD

It imports everything, gives up its privileges, says `ready` and waits. What it is told, in order:

    rings    file descriptors and which port and ring each one is, as often as needed
    serve    its role, the tables, which rings to read; from here on it forwards

Every ring that it reads is in one edge-triggered epoll set, which the event loop watches. The loop only wakes
the arbiter: a ring stays in the arbiter's ready circle until it was read empty, and being empty is what arms
its edge again. When the supervisor goes, the channel ends and so does the worker.
"""

import asyncio
import io
import os
import select
import socket
import sys
import time
from collections import deque
from typing import Final

import uvloop

from vmdqemu.datapath import channel, shm
from vmdqemu.datapath.action import Rings
from vmdqemu.datapath.confine import confine, refuse_io_uring
from vmdqemu.datapath.pump import Pump
from vmdqemu.nic import tables as nic_tables
from vmdqemu.nic.arbiter import Arbiter, Discipline, Turn

READS: Final = 128  # between two looks at the loop's other events


class Worker:
    """Reads its rings in the arbiter's order until it is told to stop."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        control: socket.socket,
        cells: memoryview,
        edges: select.epoll,
    ) -> None:
        """cells: all workers' counters; edges: the set of rings, still empty."""
        self._loop = loop
        self._control = control
        self._edges = edges
        self._fds: dict[tuple[int, int], int] = {}
        self._cells = cells
        self._pumps: dict[int, Pump] = {}  # by file descriptor
        self._waiting: dict[int, deque[Pump]] = {}  # by port: its rings that have frames
        self._arbiter = Arbiter(Discipline.DEFICIT)
        self._scheduled = False  # to go on at once
        self._alarm: asyncio.TimerHandle | None = None  # to go on when a held port may send
        self.stopped: asyncio.Future[None] = loop.create_future()

    def watch(self) -> None:
        """Register every event that this process has."""
        self._loop.add_reader(self._control, self._on_message)
        self._loop.add_reader(self._edges, self._on_edges)

    def announce(self) -> None:
        """Say that a role may be given."""
        channel.send(self._control, {"is": "ready"})

    def _on_message(self) -> None:
        received = channel.receive(self._control)
        if received is None:
            self.stopped.set_result(None)
            return
        message, fds = received
        if message["do"] == "rings":
            self._fds.update(
                {(port, ring): fd for (port, ring), fd in zip(message["rings"], fds, strict=True)}
            )
        elif message["do"] == "serve":
            self._serve(message)
            channel.send(self._control, {"is": "serving"})

    def _serve(self, message: channel.Message) -> None:
        """Take up a role. Tables and rings are what they are until the process ends."""
        layout = shm.Layout(message["workers"], tuple(message["rings"]), message["queues"])
        rings = Rings(message["worker"], layout, self._cells, self._fds)
        tables = nic_tables.from_json(message["tables"])
        self._arbiter = Arbiter(Discipline(message["arbiter"]))
        for port in message["ports"]:
            self._arbiter.add(port["port"], port["weight"], port["rate"])
            self._waiting[port["port"]] = deque()
            for ring in range(port["rings"]):
                fd = self._fds[port["port"], ring]
                read = io.FileIO(fd, "r", closefd=False).readinto
                self._pumps[fd] = Pump(port["port"], ring, read, tables, rings)
                self._edges.register(fd, select.EPOLLIN | select.EPOLLET)

    def _on_edges(self) -> None:
        """Some rings have frames: into the ready circle with them."""
        for fd, _ in self._edges.poll(0):
            pump = self._pumps[fd]
            waiting = self._waiting[pump.port]
            if pump not in waiting:
                waiting.append(pump)
                self._arbiter.ready(pump.port)
        self._forward()

    def _forward(self) -> None:
        """Let the arbiter drain the ready circle, for a while."""
        now = time.monotonic()
        reads = 0
        while reads < READS:
            turn = self._arbiter.next(now)
            if turn is None:
                self._wait_for_held(now)
                return
            reads += max(1, self._take(turn))
        self._again()

    def _take(self, turn: Turn) -> int:
        """One turn: a burst from the port's next ring. Returns the frames it read."""
        waiting = self._waiting[turn.port]
        pump = waiting[0]
        spent = pump.burst(turn.reads, turn.octets)
        if spent.empty:
            waiting.popleft()
        else:
            waiting.rotate(-1)
        if spent.gone:
            self._give_up(pump)
        self._arbiter.spent(spent.wire_frames, spent.octets, empty=not waiting, tired=spent.tired)
        return spent.reads

    def _give_up(self, pump: Pump) -> None:
        """The device was removed: its epoll event would come back for ever."""
        fd = self._fds[pump.port, pump.ring]
        self._edges.unregister(fd)
        del self._pumps[fd]
        channel.send(self._control, {"is": "gone", "port": pump.port, "ring": pump.ring})

    def _again(self) -> None:
        """Go on after the loop's other events."""
        if not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._continue)

    def _wait_for_held(self, now: float) -> None:
        """Every port left is held by its rate: come back when the first may send."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        wakes_at = self._arbiter.wakes_at()
        if wakes_at is not None:
            self._alarm = self._loop.call_later(max(0.001, wakes_at - now), self._forward)

    def _continue(self) -> None:
        self._scheduled = False
        self._forward()


async def main(control: socket.socket, counters: int) -> None:
    """Serve until the supervisor goes. Whatever has to be opened is, before confinement forbids it."""
    worker = Worker(asyncio.get_running_loop(), control, shm.cells(counters), select.epoll())
    worker.watch()
    confine()
    worker.announce()
    await worker.stopped
    os._exit(0)  # nothing is left to do, and little is allowed


if __name__ == "__main__":
    refuse_io_uring()
    uvloop.run(main(socket.socket(fileno=int(sys.argv[1])), counters=int(sys.argv[2])))
