"""A worker does what its supervisor says, and says when it is done."""

import asyncio
import os
import socket

import pytest

from tests.unit.builders import Vm, tables
from tests.unit.pumping import drain
from tests.unit.serving import DEADLINE, VMS, Rig, numbered
from vmdqemu.datapath.recorder import Reader
from vmdqemu.nic.tables import to_json


def test_it_says_ready_does_as_told_and_forwards(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    async def scenario() -> None:
        rig.worker.announce()
        assert await rig.answer() == {"is": "ready"}
        await rig.done(rig.serve())
        rig.vms[1].send(numbered(7))
        assert await rig.until(lambda: drain(rig.vms[2])) == [numbered(7)]
        assert rig.counters.ring(1, 0)["reads"] == rig.counters.ring(2, 0)["writes"] == 1

    loop.run_until_complete(scenario())


def test_a_ring_that_is_stopped_is_read_to_the_end_and_no_further(
    loop: asyncio.AbstractEventLoop, rig: Rig
) -> None:
    async def scenario() -> None:
        await rig.done(rig.serve())
        for number in range(5):
            rig.vms[1].send(numbered(number))
        await rig.done(rig.tell("stop", rings=[(1, 0)], frames=100))
        assert rig.counters.ring(1, 0)["reads"] == 5
        rig.vms[1].send(numbered(5))
        rig.vms[3].send(numbered(0, source=3))
        await rig.until(lambda: rig.counters.ring(3, 0)["reads"] == 1)
        assert rig.counters.ring(1, 0)["reads"] == 5
        await rig.done(rig.start([(1, 0)]))
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 6)

    loop.run_until_complete(scenario())


def test_a_ring_that_is_handed_over_keeps_its_frames(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    async def scenario() -> None:
        await rig.done(rig.serve())
        await rig.done(rig.tell("stop", rings=[(1, 0)], frames=0))
        for number in range(5):
            rig.vms[1].send(numbered(number))
        await rig.done(rig.start([(1, 0)]))
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 5)
        assert drain(rig.vms[2]) == [numbered(number) for number in range(5)]

    loop.run_until_complete(scenario())


def test_other_tables_rule_from_the_next_frame_on(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    async def scenario() -> None:
        await rig.done(rig.serve())
        rig.vms[1].send(numbered(0))
        await rig.until(lambda: drain(rig.vms[2]))
        apart = tables(Vm(), Vm(vlan=5), Vm(), wire=False)
        await rig.done(rig.tell("tables", tables=to_json(apart), placement=[]))
        rig.vms[1].send(numbered(1))
        await rig.until(lambda: rig.counters.ring(1, 0)["wrong_vlan"] == 1)
        assert drain(rig.vms[2]) == []

    loop.run_until_complete(scenario())


def test_it_stops_when_its_supervisor_goes(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    rig.ours.shutdown(socket.SHUT_RDWR)
    loop.run_until_complete(asyncio.wait_for(rig.worker.stopped, DEADLINE))


@pytest.mark.parametrize("unread", [False, True], ids=["before it is ready", "with its answers unread"])
def test_a_supervisor_that_goes_is_no_error(unread: bool, loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    said: list[object] = []
    loop.set_exception_handler(lambda _, context: said.append(context))
    goes_and_says = (rig.ours.close, rig.worker.announce)
    for step in reversed(goes_and_says) if unread else goes_and_says:
        step()

    async def scenario() -> None:
        await asyncio.wait_for(rig.worker.stopped, DEADLINE)
        for _ in range(3):  # as long as a loop that is being closed still turns
            await asyncio.sleep(0)

    loop.run_until_complete(scenario())
    assert said == []


def test_a_ring_that_is_started_again_is_still_read_once(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    async def scenario() -> None:
        await rig.done(rig.serve())
        await rig.done(rig.start(rig.rings))
        rig.vms[1].send(numbered(0))
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 1)
        assert drain(rig.vms[2]) == [numbered(0)]

    loop.run_until_complete(scenario())


def test_frames_are_recorded_while_somebody_observes_and_go_where_they_went_before(
    loop: asyncio.AbstractEventLoop, rig: Rig
) -> None:
    async def scenario() -> None:
        await rig.done(rig.serve())
        reader = Reader(rig.records, snaplen=256)

        async def pass_on(number: int) -> None:
            rig.vms[1].send(numbered(number))
            await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == number + 1)
            assert drain(rig.vms[2]) == [numbered(number)]

        await pass_on(0)
        await rig.done(rig.tell("record", snaplen=256))
        await pass_on(1)
        apart = tables(*[Vm()] * VMS, wire=False)._replace(generation=5)
        await rig.done(rig.tell("tables", tables=to_json(apart), placement=[]))
        await pass_on(2)
        await rig.done(rig.tell("record", snaplen=0))
        await pass_on(3)
        records = reader.read()
        assert [record.octets for record in records] == [numbered(1), numbered(2)]
        assert [(record.port, record.ring, record.generation) for record in records] == [(1, 0, 1), (1, 0, 5)]

    loop.run_until_complete(scenario())


def test_a_port_that_is_forgotten_is_closed_and_its_number_may_come_again(
    loop: asyncio.AbstractEventLoop, rig: Rig
) -> None:
    async def scenario() -> None:
        await rig.done(rig.serve())
        rig.vms[1].send(numbered(0))
        await rig.until(lambda: drain(rig.vms[2]))
        await rig.done(rig.tell("stop", rings=[(2, 0)], frames=1))
        await rig.done(rig.tell("tables", tables=to_json(tables(Vm(), wire=False)), placement=[]))
        await rig.done(rig.tell("forget", port=2))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with ours, theirs:
            ours.setblocking(False)
            theirs.setblocking(False)
            rig.tell("rings", (theirs.fileno(),), rings=[(2, 0)])
            rig.tell("tables", tables=to_json(tables(Vm(), Vm(), wire=False)), placement=[])
            await rig.done(rig.start([(2, 0)]))
            rig.vms[1].send(numbered(1))
            assert await rig.until(lambda: drain(ours)) == [numbered(1)]
            ours.send(numbered(2, source=2, destination=1))
            assert await rig.until(lambda: drain(rig.vms[1])) == [numbered(2, source=2, destination=1)]
            await rig.done(rig.tell("stop", rings=[(2, 0)], frames=0))
            await rig.done(rig.tell("forget", port=2))
        assert drain(rig.vms[2]) == []

    loop.run_until_complete(scenario())


def open_files() -> list[str]:
    """What each descriptor of this process leads to; one that goes meanwhile is left out."""
    links = (f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd"))
    return [os.readlink(link) for link in links if os.path.lexists(link)]


def test_no_descriptor_of_a_forgotten_port_is_left(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    """The device behind a ring lives as long as one descriptor does. One that is sent twice is kept once."""

    async def scenario() -> None:
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                file = os.readlink(f"/proc/self/fd/{theirs.fileno()}")
                for _ in range(2):
                    await rig.done(rig.tell("rings", (theirs.fileno(),), rings=[(9, 0)]))
            assert open_files().count(file) == 1
            await rig.done(rig.tell("forget", port=9))
            assert ours.recv(1) == b"", "the other end is closed"

    loop.run_until_complete(scenario())
