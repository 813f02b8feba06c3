"""A worker without a kernel ring and unconfined: every port is a socket, the VM at its far end."""

import asyncio
import itertools
import socket
import struct
from collections.abc import Callable
from typing import Any

from tests.unit.builders import Vm, mac, octets, tables
from tests.unit.pumping import PLAIN
from vmdqemu.datapath import channel, shm
from vmdqemu.datapath.edges import Edges
from vmdqemu.datapath.recorder import MEMORY_OCTETS
from vmdqemu.datapath.timer import Timer
from vmdqemu.datapath.worker import Worker
from vmdqemu.nic.adapter import SetPool
from vmdqemu.nic.pools import PoolSettings
from vmdqemu.nic.share import Share
from vmdqemu.nic.tables import to_json

VMS = 3
LAYOUT = shm.Layout(workers=1, rings=(1,) * (1 + VMS), queues=1)
DEADLINE = 5.0


class Rig:
    """A worker in this process, its supervisor's end, and the VMs' ends of its rings."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ours, theirs = channel.pair()
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(1 + VMS)]
        (self.wire, _), *vms = pairs
        self.vms = {number: near for number, (near, _) in enumerate(vms, start=1)}
        self._ends = [self.ours, theirs, *(end for pair in pairs for end in pair)]
        for pair in pairs:
            for end in pair:
                end.setblocking(False)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        cells = memoryview(bytearray(LAYOUT.octets)).cast("Q")
        self.counters = shm.Counters(LAYOUT, cells)
        self.edges = Edges()
        self.records = memoryview(bytearray(MEMORY_OCTETS))
        self._timer = Timer()
        self.worker = Worker(loop, theirs, cells, self.records, self.edges, self._timer)
        self.worker.watch()
        self.rings = [(number, 0) for number in self.vms]
        self._numbers = itertools.count()
        self.tell("rings", tuple(far.fileno() for _, far in pairs), rings=[(0, 0), *self.rings])
        self._loop, self._theirs = loop, theirs

    def tell(self, do: str, fds: tuple[int, ...] = (), **what: Any) -> int:
        """Send a message; its number."""
        number = next(self._numbers)
        channel.send(self.ours, {"do": do, "number": number, **what}, fds)
        return number

    def serve(
        self, shares: dict[int, Share] | None = None, speed: float = 1.0, line: float | None = None
    ) -> int:
        """Give it its role, tables and rings; the number of the last message."""
        self.tell(
            "role",
            worker=0,
            processor=None,
            layout=LAYOUT._asdict(),
            arbiter="deficit",
            line=line,
            speed=speed,
        )
        self.tell("tables", tables=to_json(tables(*[Vm()] * VMS)), placement=[])
        return self.start(self.rings, shares)

    def start(self, rings: list[tuple[int, int]], shares: dict[int, Share] | None = None) -> int:
        """Have rings read; the number of the message."""
        terms = [(port, (shares or {}).get(port, Share())) for port, _ in rings]
        return self.tell("start", rings=rings, shares=terms)

    def transmit(self, port: int, *, on: bool) -> int:
        """Turn a VPort's transmitter on or off by other tables; the number of the message."""
        asked = PoolSettings(transmit=on)
        changed = tables(*[Vm()] * VMS, requests=[SetPool(port, asked)])
        return self.tell("tables", tables=to_json(changed), placement=[])

    async def done(self, number: int) -> None:
        """Wait until a message was carried out."""
        while (await self.answer()) != {"is": "done", "number": number}:
            pass

    async def answer(self) -> channel.Message:
        """What the worker says next."""
        received = await self.until(self._receive)
        message: channel.Message = received[0]
        return message

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Let the loop run until something holds."""
        end = self._loop.time() + DEADLINE
        while not (value := condition()):
            assert self._loop.time() < end, "the worker did not get that far"
            await asyncio.sleep(0)
        return value

    def close(self) -> None:
        """Take it apart."""
        self._loop.remove_reader(self._theirs)
        self._loop.remove_reader(self.edges)
        self._loop.remove_reader(self._timer)
        self.edges.close()
        self._timer.close()
        for end in self._ends:
            end.close()

    def _receive(self) -> tuple[channel.Message, list[int]] | None:
        try:
            return channel.receive(self.ours)
        except BlockingIOError:
            return None


def numbered(number: int, source: int = 1, destination: int = 2, size: int = 60) -> bytes:
    """A frame from one VM to another that can be told from the others."""
    payload = struct.pack("!I", number).ljust(size - 14, b"\0")
    return PLAIN + octets(mac(destination), mac(source), payload=payload)
