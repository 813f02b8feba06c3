"""The worker: a process without privileges that serves the rings it is given.

    python -I -m vmdqemu.datapath.worker CONTROL_FD COUNTERS_FD RECORDER_FD

It imports everything, gives up its privileges, says `ready` and does what it is told, each message answered
with `done` and its number once it is carried out:

    rings      file descriptors, and which port and ring each one is
    role       its block of counters, how turns are shared, the line's rate, its processor and its share of a
               CPU
    speed      another share of a CPU
    arenas     file descriptors of VMs' memories, and whose each one is
    tables     what a verdict depends on; a later one replaces an earlier one between two frames
    placement  which processor serves which RX queue; a frame of another's is handed over to it
    start      read these rings from now on; on what terms each of their ports is served
    share      serve these ports on other terms
    stop       read what waits in these rings, and then no more of them
    forget     a port is gone: close its rings

When the supervisor goes, the channel ends and so does the worker.
"""

import asyncio
import os
import socket
import sys
import time
from contextlib import suppress
from typing import Any

import uvloop

from vmdqemu.datapath import arena, channel, shm
from vmdqemu.datapath.action import Rings
from vmdqemu.datapath.channel import Message
from vmdqemu.datapath.confine import confine, refuse_io_uring
from vmdqemu.datapath.edges import Edges
from vmdqemu.datapath.pump import Pump
from vmdqemu.datapath.recorder import Recorder, map_memory
from vmdqemu.datapath.service import Service
from vmdqemu.datapath.timer import Timer
from vmdqemu.nic import tables as nic_tables
from vmdqemu.nic.disciplines import Discipline
from vmdqemu.nic.share import Share


class Worker:
    """Carries out what the supervisor says."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        control: socket.socket,
        cells: memoryview,
        records: memoryview,
        edges: Edges,
        timer: Timer,
    ) -> None:
        """cells: all workers' counters; records: what an observer sees; edges: an empty set of rings.

        timer: one that is not set.
        """
        self._loop = loop
        self._control = control
        self._service = Service(loop, edges, timer, self._on_gone)
        self._rings = Rings(0, shm.Layout(0, (), 0), cells, {})
        self._arenas: dict[int, memoryview] = {}  # each VM's memory, by port
        self._tables = nic_tables.NO_TABLES
        self._processor: int | None = None
        self._records = records
        self._verbs = {
            "rings": self._take_rings,
            "arenas": self._take_arenas,
            "role": self._take_role,
            "speed": self._take_speed,
            "tables": self._take_tables,
            "placement": self._take_placement,
            "start": self._start,
            "share": self._share,
            "stop": self._stop,
            "record": self._record,
            "forget": self._forget,
        }
        self.stopped: asyncio.Future[None] = loop.create_future()

    def watch(self) -> None:
        """Register every event that this process has."""
        self._loop.add_reader(self._control, self._on_message)
        self._service.watch()

    def announce(self) -> None:
        """Say that a role may be given."""
        self._say({"is": "ready"})

    def _on_message(self) -> None:
        try:
            received = channel.receive(self._control)
        except ConnectionResetError:  # it went without having read everything
            received = None
        if received is None:
            self._loop.remove_reader(self._control)  # the end of a channel is heard again and again
            self.stopped.set_result(None)
            return
        message, fds = received
        before = time.process_time()
        self._verbs[message["do"]](message, fds)
        self._service.excuse(time.process_time() - before)
        self._say({"is": "done", "number": message["number"]})

    def _say(self, message: Message) -> None:
        """Tell the supervisor; one that is gone hears nothing, and the channel's end comes next."""
        with suppress(BrokenPipeError):
            channel.send(self._control, message)

    def _take_rings(self, message: Message, fds: list[int]) -> None:
        """A ring that is here already is not kept twice: its device would outlive `forget`."""
        known = dict(self._rings.fds)
        for (port, ring), fd in zip(message["rings"], fds, strict=True):
            if known.setdefault((port, ring), fd) != fd:
                os.close(fd)
        self._rings = self._rings._replace(fds=known)

    def _take_arenas(self, message: Message, fds: list[int]) -> None:
        for port, fd in zip(message["ports"], fds, strict=True):
            self._arenas[port] = arena.memory(fd)
            os.close(fd)
        self._rings = self._rings._replace(arenas=self._slots())

    def _take_role(self, message: Message, _: list[int]) -> None:
        self._processor = message["processor"]
        layout = shm.Layout(**{**message["layout"], "rings": tuple(message["layout"]["rings"])})
        self._rings = self._rings._replace(worker=message["worker"], layout=layout)
        self._rings = self._rings._replace(arenas=self._slots())
        self._service.take_role(Discipline(message["arbiter"]), message["line"])
        self._service.set_speed(message["speed"])

    def _slots(self) -> dict[int, memoryview]:
        """This worker's part of each VM's memory, by port."""
        return {port: arena.slot(memory, self._rings.worker) for port, memory in self._arenas.items()}

    def _take_speed(self, message: Message, _: list[int]) -> None:
        self._service.set_speed(message["speed"])

    def _take_tables(self, message: Message, _: list[int]) -> None:
        self._tables = nic_tables.from_json(message["tables"])
        self._place(message)
        self._service.put_tables(self._tables, self._rings)

    def _take_placement(self, message: Message, _: list[int]) -> None:
        self._place(message)
        self._service.put_placement(self._rings)

    def _place(self, message: Message) -> None:
        """The adapter's own worker serves no RX queue, so nothing is elsewhere for it."""
        if self._processor is None:
            return
        others = {queue: at for queue, at in message["placement"] if at != self._processor}
        served = {(port, channel): at for port, channel, at in message["channels"]}
        channels = {channel: None if at == self._processor else at for channel, at in served.items()}
        self._rings = self._rings._replace(elsewhere=others, channels=channels)

    def _share(self, message: Message, _: list[int]) -> None:
        for port, share in message["shares"]:
            self._service.put_port(port, Share(*share))

    def _start(self, message: Message, _: list[int]) -> None:
        self._share(message, _)
        for port, ring in message["rings"]:
            self._service.start(port, ring, self._tables, self._rings)

    def _stop(self, message: Message, _: list[int]) -> None:
        for port, ring in message["rings"]:
            self._service.stop(port, ring, message["frames"], self._tables, self._rings)

    def _record(self, message: Message, _: list[int]) -> None:
        """snaplen: octets of each frame; 0 for nobody observes."""
        snaplen, generation = message["snaplen"], self._tables.generation
        recorder = Recorder(self._records, snaplen, generation) if snaplen else None
        self._service.record(recorder, self._tables, self._rings)

    def _forget(self, message: Message, _: list[int]) -> None:
        self._service.remove_port(message["port"])
        kept = dict(self._rings.fds)
        for name in self._rings.fds:
            if name[0] == message["port"]:
                os.close(kept.pop(name))
        self._arenas.pop(message["port"], None)
        self._rings = self._rings._replace(fds=kept, arenas=self._slots())
        self._service.put_tables(self._tables, self._rings)  # no pump holds the VM's memory any more

    def _on_gone(self, pump: Pump) -> None:
        self._say({"is": "gone", "port": pump.port, "ring": pump.ring})


def _die(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A bug in a callback: say it, and make room for the spare, rather than go on half-way."""
    loop.default_exception_handler(context)
    os._exit(1)


async def main(control: socket.socket, counters: int, records: int) -> None:
    """Serve until the supervisor goes. Whatever has to be opened is, before confinement forbids it."""
    loop, cells, memory = asyncio.get_running_loop(), shm.cells(counters), map_memory(records)
    worker = Worker(loop, control, cells, memory, Edges(), Timer())
    loop.set_exception_handler(_die)
    worker.watch()
    confine()
    worker.announce()
    await worker.stopped
    os._exit(0)  # nothing is left to do, and little is allowed


if __name__ == "__main__":
    refuse_io_uring()
    channel_fd, counters_fd, records_fd = map(int, sys.argv[1:])
    uvloop.run(main(socket.socket(fileno=channel_fd), counters_fd, records_fd))
