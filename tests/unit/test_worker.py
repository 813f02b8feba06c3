"""The worker's loop, without a kernel ring and unconfined: every port is a socket, the VM at its far end."""

import asyncio
import select
import socket
import struct
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.unit.builders import Vm, mac, octets, tables
from tests.unit.pumping import PLAIN
from vmdqemu.datapath import channel, shm
from vmdqemu.datapath.worker import READS, Worker
from vmdqemu.nic.tables import to_json

VMS = 3
LAYOUT = shm.Layout(workers=1, rings=(0,) + (1,) * VMS, queues=0)
DEADLINE = 5.0


class Rig:
    """A worker in this process, its supervisor's end, and the VMs' ends of its rings."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.ours, theirs = channel.pair()
        pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(VMS)]
        self.vms = {number: near for number, (near, _) in enumerate(pairs, start=1)}
        self._ends = [self.ours, theirs, *(end for pair in pairs for end in pair)]
        for pair in pairs:
            for end in pair:
                end.setblocking(False)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        cells = memoryview(bytearray(LAYOUT.octets)).cast("Q")
        self.counters = shm.Counters(LAYOUT, cells)
        self._edges = select.epoll()
        self.worker = Worker(loop, theirs, cells, self._edges)
        self.worker.watch()
        rings = [(number, 0) for number in self.vms]
        channel.send(self.ours, {"do": "rings", "rings": rings}, tuple(far.fileno() for _, far in pairs))
        self._loop, self._theirs = loop, theirs

    def serve(self, rates: dict[int, float | None] | None = None) -> None:
        """Give it its role."""
        ports = [
            {"port": number, "rings": 1, "weight": 1, "rate": (rates or {}).get(number)}
            for number in self.vms
        ]
        message = {
            "do": "serve",
            "worker": 0,
            "workers": 1,
            "rings": LAYOUT.rings,
            "queues": LAYOUT.queues,
            "tables": to_json(tables(*[Vm()] * VMS, wire=False)),
            "arbiter": "deficit",
            "ports": ports,
        }
        channel.send(self.ours, message)

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
        self._loop.remove_reader(self._edges)
        self._edges.close()
        for end in self._ends:
            end.close()

    def _receive(self) -> tuple[channel.Message, list[int]] | None:
        try:
            return channel.receive(self.ours)
        except BlockingIOError:
            return None


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture
def rig(loop: asyncio.AbstractEventLoop) -> Iterator[Rig]:
    rig = Rig(loop)
    yield rig
    rig.close()


def numbered(number: int, source: int = 1, destination: int = 2, size: int = 60) -> bytes:
    """A frame from one VM to another that can be told from the others."""
    payload = struct.pack("!I", number).ljust(size - 14, b"\0")
    return PLAIN + octets(mac(destination), mac(source), payload=payload)


def drain(end: socket.socket) -> list[bytes]:
    frames = []
    while True:
        try:
            frames.append(end.recv(1 << 17))
        except BlockingIOError:
            return frames


def test_it_says_ready_then_serving_and_then_forwards(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    async def scenario() -> None:
        rig.worker.announce()
        assert await rig.answer() == {"is": "ready"}
        rig.serve()
        assert await rig.answer() == {"is": "serving"}
        rig.vms[1].send(numbered(7))
        assert await rig.until(lambda: drain(rig.vms[2])) == [numbered(7)]
        assert rig.counters.ring(1, 0)["reads"] == rig.counters.ring(2, 0)["writes"] == 1

    loop.run_until_complete(scenario())


def test_frames_that_waited_for_a_worker_are_served_first(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    async def scenario() -> None:
        for number in range(5):
            rig.vms[1].send(numbered(number))
        rig.serve()
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 5)
        assert drain(rig.vms[2]) == [numbered(number) for number in range(5)]

    loop.run_until_complete(scenario())


def test_a_ring_that_holds_more_than_one_round_is_emptied_in_order_without_another_edge(
    loop: asyncio.AbstractEventLoop, rig: Rig
) -> None:
    count = 3 * READS + 1

    async def scenario() -> None:
        for number in range(count):
            rig.vms[1].send(numbered(number))
        rig.serve()
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == count)
        assert drain(rig.vms[2]) == [numbered(number) for number in range(count)]

    loop.run_until_complete(scenario())


def test_a_port_held_by_its_rate_comes_back_by_itself(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    rate = 20_000.0  # octets a second: a frame of 1000 octets holds it for 50 ms
    started = loop.time()

    async def scenario() -> None:
        for number in range(3):
            rig.vms[1].send(numbered(number, size=1000))
        rig.serve({1: rate})
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 3)

    loop.run_until_complete(scenario())
    assert loop.time() - started > 0.05


def test_a_port_held_by_its_rate_holds_up_nobody_else(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    count = 3 * READS + 1

    async def scenario() -> None:
        rig.serve({1: 100.0})
        for number in range(3):
            rig.vms[1].send(numbered(number, size=1000))
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"])  # held for 9 s
        for number in range(count):
            rig.vms[3].send(numbered(number, source=3))
        await rig.until(lambda: rig.counters.ring(3, 0)["reads"] == count)

    loop.run_until_complete(scenario())
    assert rig.counters.ring(1, 0)["reads"] < 3


def test_it_stops_when_its_supervisor_goes(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    rig.ours.shutdown(socket.SHUT_RDWR)
    loop.run_until_complete(asyncio.wait_for(rig.worker.stopped, DEADLINE))


def test_no_edge_is_left_when_everything_was_read(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    """An idle worker sleeps: the set of rings is not readable."""

    async def scenario() -> None:
        rig.serve()
        rig.vms[1].send(numbered(1))
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 1)

    loop.run_until_complete(scenario())
    waiting, _, _ = select.select([rig.worker._edges], [], [], 0)
    assert waiting == []
