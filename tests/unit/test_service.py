"""Rings are served in the arbiter's order, to the end, and at the pace that they are allowed."""

import asyncio
import select

from tests.unit.pumping import drain
from tests.unit.serving import Rig, numbered
from vmdqemu.datapath.service import OCTETS_A_MBIT, READS
from vmdqemu.nic.share import Share

OUTSIDE = 99  # nobody here has that address


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
        rig.serve({1: Share(rate=rate / OCTETS_A_MBIT)})
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 3)

    loop.run_until_complete(scenario())
    assert loop.time() - started > 0.05


def test_a_port_held_by_its_rate_holds_up_nobody_else(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    count = 3 * READS + 1

    async def scenario() -> None:
        rig.serve({1: Share(rate=100 / OCTETS_A_MBIT)})
        for number in range(3):
            rig.vms[1].send(numbered(number, size=1000))
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"])  # held for 9 s
        for number in range(count):
            rig.vms[3].send(numbered(number, source=3))
        await rig.until(lambda: rig.counters.ring(3, 0)["reads"] == count)

    loop.run_until_complete(scenario())
    assert rig.counters.ring(1, 0)["reads"] < 3


def test_a_strict_ports_frame_is_the_next_whenever_it_comes(
    loop: asyncio.AbstractEventLoop, rig: Rig
) -> None:
    """Not the next after a burst, and not after what the loop does between two looks at its events."""
    count = 3 * READS

    async def scenario() -> None:
        for number in range(count):
            rig.vms[1].send(numbered(number, destination=3))
        rig.serve({2: Share(strict=True)})
        before = await rig.until(lambda: rig.counters.ring(1, 0)["reads"])
        assert before < count
        rig.vms[2].send(numbered(count, source=2, destination=3))
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == count)
        received = drain(rig.vms[3])
        assert received.index(numbered(count, source=2, destination=3)) == before
        assert len(received) == count + 1

    loop.run_until_complete(scenario())


def test_a_port_that_waits_for_the_line_comes_back_by_itself(
    loop: asyncio.AbstractEventLoop, rig: Rig
) -> None:
    line = 20_000.0  # octets a second: a frame of 1000 octets takes 50 ms
    frames = [numbered(number, destination=OUTSIDE, size=1000) for number in range(2)]

    async def scenario() -> None:
        rig.serve(line=line)
        started = loop.time()
        rig.vms[1].send(frames[0])
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 1)
        rig.vms[1].send(frames[1])
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 2)
        assert loop.time() - started > 0.04
        assert drain(rig.wire) == frames

    loop.run_until_complete(scenario())


def test_a_port_that_waits_for_the_line_holds_up_nobody_else(
    loop: asyncio.AbstractEventLoop, rig: Rig
) -> None:
    count = 3 * READS + 1

    async def scenario() -> None:
        rig.serve(line=100.0)
        rig.vms[1].send(numbered(0, destination=OUTSIDE, size=1000))
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"])  # the line is free in 10 s
        rig.vms[1].send(numbered(1, destination=OUTSIDE, size=1000))
        for number in range(count):
            rig.vms[3].send(numbered(number, source=3))
        await rig.until(lambda: rig.counters.ring(3, 0)["reads"] == count)

    loop.run_until_complete(scenario())
    assert rig.counters.ring(1, 0)["reads"] == 1


def test_no_edge_is_left_when_everything_was_read(loop: asyncio.AbstractEventLoop, rig: Rig) -> None:
    """An idle worker sleeps: the set of rings is not readable."""

    async def scenario() -> None:
        rig.serve()
        rig.vms[1].send(numbered(1))
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 1)

    loop.run_until_complete(scenario())
    assert not _wakes(rig)


def test_what_comes_while_a_processor_rests_does_not_wake_it_and_is_read_afterwards(
    loop: asyncio.AbstractEventLoop, rig: Rig
) -> None:
    sent = 0

    def comes_unheard() -> bool:
        nonlocal sent
        rig.vms[1].send(numbered(sent))
        sent += 1
        return not _wakes(rig)

    async def scenario() -> None:
        rig.serve()
        await rig.done(rig.tell("speed", speed=0.05))  # the test itself uses more
        await rig.until(comes_unheard)
        rig.tell("speed", speed=1.0)
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == sent)

    loop.run_until_complete(scenario())


def _wakes(rig: Rig) -> bool:
    """Whether a ring calls for the worker."""
    readable, _, _ = select.select([rig.edges], [], [], 0)
    return bool(readable)


def test_a_port_whose_transmitter_is_off_is_not_read_and_holds_up_nobody(
    loop: asyncio.AbstractEventLoop, rig: Rig
) -> None:
    """VFTE: what waits leaves in order when it is on."""

    async def scenario() -> None:
        await rig.done(rig.serve())
        await rig.done(rig.transmit(1, on=False))
        for number in range(3):
            rig.vms[1].send(numbered(number))
        rig.vms[2].send(numbered(9, source=2, destination=1))
        await rig.until(lambda: rig.counters.ring(2, 0)["reads"] == 1)
        assert rig.counters.ring(1, 0)["reads"] == 0
        await rig.done(rig.transmit(1, on=True))
        await rig.until(lambda: rig.counters.ring(1, 0)["reads"] == 3)
        assert drain(rig.vms[2]) == [numbered(number) for number in range(3)]

    loop.run_until_complete(scenario())
