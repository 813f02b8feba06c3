"""Serving rings: the arbiter, the pumps, and the events that wake them.

Every ring that is read is in one edge-triggered epoll set, which the event loop watches. The loop only wakes
the arbiter: a ring stays in the arbiter's ready circle until it was read empty, and being empty is what arms
its edge again.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final

from vmdqemu.datapath.action import Rings
from vmdqemu.datapath.edges import Edges
from vmdqemu.datapath.inbox import INBOX
from vmdqemu.datapath.moderator import Moderator
from vmdqemu.datapath.pump import Pump
from vmdqemu.datapath.recorder import Recorder
from vmdqemu.datapath.straight import open_pump
from vmdqemu.datapath.timer import Timer
from vmdqemu.host.processors import DutyCycle
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.arbiter import Arbiter, Turn
from vmdqemu.nic.disciplines import BUDGET_FRAMES, Discipline
from vmdqemu.nic.rate_limit import NO_LIMIT
from vmdqemu.nic.share import Share
from vmdqemu.nic.tables import Tables

READS: Final = 128  # between two looks at the loop's other events
OCTETS_A_MBIT: Final = 125_000


def _rings_for(port: int, rings: Rings) -> Rings:
    return rings.taken() if port == INBOX else rings


class Service:
    """What one worker reads, in which order, and how fast."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        edges: Edges,
        timer: Timer,
        on_gone: Callable[[Pump], None],
    ) -> None:
        """edges: an empty set, made before confinement as the timer is; on_gone: a device was removed."""
        self._loop = loop
        self._edges = edges
        self._timer = timer
        self._moderator = Moderator(edges, timer, self._wake)
        self._on_gone = on_gone
        self._pumps: dict[int, Pump] = {}  # by file descriptor
        self._known: dict[int, Pump] = {}  # of rings that are read no more here: what they know is still true
        self._waiting: dict[int, deque[Pump]] = {}  # by port: its rings that have frames
        self._shares: dict[int, Share] = {}  # of each port
        self._arbiter = Arbiter(Discipline.DEFICIT)
        self._continues = False  # after the loop's other events
        self._alarm: asyncio.TimerHandle | None = None  # to go on when a held port may send
        self._off: frozenset[int] = frozenset()  # ports whose transmitter is off
        self._resting = False  # the processor has used up its share
        self._duty: DutyCycle | None = None
        self._burst = BUDGET_FRAMES
        self._recorder: Recorder | None = None  # while somebody observes

    def watch(self) -> None:
        """Register the events that wake it."""
        self._loop.add_reader(self._edges, self._on_edges)
        self._loop.add_reader(self._timer, self._on_timer)

    def take_role(self, discipline: Discipline, line: float | None) -> None:
        """How turns are shared, and what the wire carries (octets a second)."""
        self._arbiter = Arbiter(discipline, line)

    def set_speed(self, speed: float) -> None:
        """The share of a CPU to use from now on; a slow processor's bursts are smaller."""
        self._duty = DutyCycle(speed, time.monotonic(), time.process_time()) if speed < 1 else None
        self._burst = max(1, int(BUDGET_FRAMES * speed))

    def excuse(self, cpu: float) -> None:
        """CPU seconds that went into doing as we were told: no work of an emulated processor."""
        if self._duty is not None:
            self._duty.excuse(cpu)

    def put_port(self, number: int, share: Share) -> None:
        """Rings of this port may be started, and are served on these terms from the next turn on."""
        if self._shares.get(number) == share:
            return
        rate = None if share.rate is None else share.rate * OCTETS_A_MBIT
        self._arbiter.put(number, share.weight, rate, strict=share.strict)
        self._waiting.setdefault(number, deque())
        self._shares[number] = share

    def remove_port(self, number: int) -> None:
        """The port is gone, and its rings were stopped. One that was never here is as good."""
        if self._shares.pop(number, None) is not None:
            del self._waiting[number]
            self._arbiter.remove(number)

    def put_tables(self, tables: Tables, rings: Rings) -> None:
        """Rule by other tables from the next frame on."""
        if self._recorder is not None:
            self._recorder.generation = tables.generation
        self._moderator.put_tables(tables)
        self._known.clear()
        self._turn_off(tables)
        for pump in list(self._pumps.values()):
            self._renew(pump, tables, rings)
        self._again()  # frames that the adapter held may be due

    def put_placement(self, rings: Rings) -> None:
        """Hand over to other processors from the next frame on."""
        for pump in (*self._pumps.values(), *self._known.values()):
            if pump.port == WIRE:
                pump.place(rings)

    def start(self, port: int, ring: int, tables: Tables, rings: Rings) -> None:
        """Read a ring from now on. What waits in it already wakes us at once. Again changes nothing."""
        fd = rings.fds[port, ring]
        if fd in self._pumps:
            return
        self._turn_off(tables)
        self._moderator.start(port, ring, tables, rings)
        known = self._known.pop(fd, None)
        if known is None or self._moderator.reader(port, ring) is not None:  # that one reads in its own way
            known = self._open(port, ring, tables, rings)
        self._pumps[fd] = known

    def stop(self, port: int, ring: int, frames: int, tables: Tables, rings: Rings) -> None:
        """Read up to `frames` that wait in a ring, whether we read it so far or not, and then no more of it.

        `frames` is what the ring can hold, so everything that was in it when we were told is read. Other
        processors read nothing meanwhile, so their frames are delivered from here, in order.
        """
        fd = rings.fds[port, ring]
        reader = self._pumps.get(fd)
        if reader is not None:
            if port == WIRE and self._moderator.reader(port, ring) is None:
                self._known[fd] = reader
            held = self._forget(reader)
            self._withdraw(reader)
            reader.burst(held, NO_LIMIT)
        pump = self._recorded(open_pump(port, ring, tables, _rings_for(port, rings).direct()))
        while frames > 0:
            spent = pump.burst(min(frames, BUDGET_FRAMES), NO_LIMIT)
            if spent.empty:
                return
            frames -= spent.reads

    def _open(self, port: int, ring: int, tables: Tables, rings: Rings) -> Pump:
        read = self._moderator.reader(port, ring)
        return self._recorded(open_pump(port, ring, tables, _rings_for(port, rings), read))

    def _renew(self, pump: Pump, tables: Tables, rings: Rings) -> None:
        """Another pump for the same ring, at the same place in the line."""
        renewed = self._open(pump.port, pump.ring, tables, rings)
        waiting = self._waiting[pump.port]
        if pump in waiting:
            waiting[waiting.index(pump)] = renewed
        self._pumps[rings.fds[pump.port, pump.ring]] = renewed

    def record(self, recorder: Recorder | None, tables: Tables, rings: Rings) -> None:
        """Have every frame recorded from the next burst on, or no more."""
        self._recorder = recorder
        self.put_tables(tables, rings)

    def _recorded(self, pump: Pump) -> Pump:
        """What is in an inbox was recorded by who put it there."""
        if self._recorder is not None and pump.port != INBOX:
            pump.read = self._recorder.around(pump.read, pump.port, pump.ring)
        return pump

    def _forget(self, pump: Pump) -> int:
        """Watch a ring no more. How many of its frames the adapter holds: they are the next to be read."""
        fd = next(fd for fd, served in self._pumps.items() if served is pump)
        del self._pumps[fd]
        self._edges.unregister(fd)
        return self._moderator.forget(pump)

    def _withdraw(self, pump: Pump) -> None:
        waiting = self._waiting[pump.port]
        if pump in waiting:
            waiting.remove(pump)
            if not waiting:
                self._arbiter.withdraw(pump.port)

    def _on_edges(self) -> None:
        self._look()
        self._forward()

    def _look(self) -> None:
        """Some rings have frames: into the ready circle with them."""
        for fd, _ in self._edges.poll():
            pump = self._pumps[fd]
            if pump not in self._waiting[pump.port] and self._moderator.interrupts(pump):
                self._wake(fd)

    def _on_timer(self) -> None:
        self._moderator.on_timer()
        self._forward()

    def _wake(self, fd: int) -> None:
        """Into the ready circle with a ring. Again changes nothing."""
        pump = self._pumps[fd]
        waiting = self._waiting[pump.port]
        if pump not in waiting:
            waiting.append(pump)
            if pump.port not in self._off:
                self._arbiter.ready(pump.port)

    def _turn_off(self, tables: Tables) -> None:
        """Serve no ring of a VPort whose transmitter is off (VFTE): its frames wait in it."""
        off = frozenset(number for number, vport in tables.vports.items() if not vport.transmit)
        for port in off ^ self._off:
            if self._waiting.get(port):
                (self._arbiter.withdraw if port in off else self._arbiter.ready)(port)
        self._off = off

    def _forward(self) -> None:
        """Let the arbiter drain the ready circle, for a while."""
        reads = 0
        while reads < READS:
            if self._resting or self._must_rest():
                return
            if self._arbiter.preemptive:
                self._look()
            now = time.monotonic()
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
        spent = pump.burst(min(turn.reads, self._burst), turn.octets)
        if spent.empty:
            waiting.popleft()
        else:
            waiting.rotate(-1)
        if spent.gone:
            self._forget(pump)
            self._on_gone(pump)
        else:
            self._moderator.served(pump, spent)
        self._arbiter.spent(
            spent.wire_frames, spent.octets, spent.line_octets, empty=not waiting, tired=spent.tired
        )
        return spent.reads

    def _must_rest(self) -> bool:
        """Whether an emulated processor is ahead of its share; then it comes back when it is not."""
        if self._duty is None:
            return False
        pause = self._duty.pause(time.monotonic(), time.process_time())
        if pause == 0:
            return False
        self._resting = True
        self._edges.rest()
        self._loop.call_later(max(0.001, pause), self._rested)
        return True

    def _rested(self) -> None:
        self._resting = False
        self._edges.listen()
        self._on_edges()

    def _again(self) -> None:
        """Go on after the loop's other events."""
        if not self._continues:
            self._continues = True
            self._loop.call_soon(self._continue)

    def _wait_for_held(self, now: float) -> None:
        """Every port left is held, by its rate or the line's: come back when the first may send."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        wakes_at = self._arbiter.wakes_at()
        if wakes_at is not None:
            self._alarm = self._loop.call_later(max(0.001, wakes_at - now), self._forward)

    def _continue(self) -> None:
        self._continues = False
        self._forward()
