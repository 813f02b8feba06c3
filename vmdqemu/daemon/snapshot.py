"""A snapshot of what a lab's counters say, and the registers that forget what was read.

What came on the wire is counted in the kernel, by the eswitch; what the adapter made of it, by the workers.
Frames that found a ring full are good frames that were received and dropped there (X550 8.2: GPRC, QPRDC).
"""

from vmdqemu.daemon.plant import Plant
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.datapath.eswitch import Books, Direction
from vmdqemu.datapath.shm import Counters
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.counters import DropReason, QueueCounter, RingCounter
from vmdqemu.nic.statistics import QueueTraffic, Snapshot, Traffic, VfTraffic
from vmdqemu.nic.tables import DEFAULT_QUEUE


class Registers:
    """The statistics registers of one adapter. Whoever reads them clears them, for everybody."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._last = Snapshot()

    def read(self) -> dict[str, int]:
        """What each counted since they were last read."""
        now = take(self._supervisor.plant, self._supervisor.counters)
        last, self._last = self._last, now
        return self._supervisor.plant.adapter.model.driver.read(now, last)


def take(plant: Plant, counters: Counters) -> Snapshot:
    """What the counters say now."""
    uplink = plant.uplink
    wire = counters.port(WIRE, len(uplink.pf.fds) if uplink else 0)
    nothing = Direction(0, 0, 0)
    arrived, left = (nothing, nothing) if uplink is None else (uplink.from_wire(), uplink.to_wire())
    return Snapshot(
        seen=arrived.wire_frames,
        received=Traffic(
            arrived.wire_frames - wire[RingCounter.DISCARDED_WIRE],
            arrived.octets - wire[RingCounter.DISCARDED_OCTETS],
            wire[RingCounter.READ_MULTICAST],
            wire[RingCounter.READ_BROADCAST],
        ),
        sent=Traffic(
            left.wire_frames,
            left.octets,
            wire[RingCounter.WRITE_MULTICAST],
            wire[RingCounter.WRITE_BROADCAST],
        ),
        too_long=wire[DropReason.OVERSIZE],
        too_short=wire[DropReason.TOO_SHORT],
        spoofed=_spoofed(plant, counters),
        rx={queue: _rx_queue(queue, plant, counters) for queue in plant.adapter.queues},
        tx=_tx_queues(plant, counters),
        vfs={vf: _vf(plant.uplink.eswitch.counters(vf)) for vf in plant.adapter.vfs} if plant.uplink else {},
    )


def _spoofed(plant: Plant, counters: Counters) -> dict[int, int]:
    """By VPort; a VF's the eswitch counts."""
    on_pf = {
        port.number: counters.port(port.number, len(port.tap.fds))[DropReason.ANTI_SPOOF_MAC]
        for port in plant.ports
    }
    if plant.uplink is None:
        return on_pf
    drops = {
        number: plant.uplink.eswitch.counters(vf.function).drops for number, vf in plant.tables.vfs.items()
    }
    return on_pf | {number: mine.get(DropReason.ANTI_SPOOF_MAC, 0) for number, mine in drops.items()}


def _vf(books: Books) -> VfTraffic:
    received, sent = (Traffic(way.wire_frames, way.octets) for way in (books.left, books.entered))
    looped = (Traffic(way.wire_frames, way.octets) for way in (books.looped_left, books.looped_entered))
    return VfTraffic(received._replace(multicast=books.groups_left), sent, *looped)


def arrivals(queue: int, plant: Plant) -> int | None:
    """Frames that reached an RX queue's ring, counted in the kernel; None where decide() sorts."""
    uplink = plant.uplink
    return None if uplink is None or uplink.sorter is None else uplink.sorter.arrivals(queue)


def overruns(queue: int, plant: Plant, counters: Counters) -> int | None:
    """Those that found it full; frames that still wait in it count until they are read."""
    arrived = arrivals(queue, plant)
    return None if arrived is None else arrived - counters.ring(WIRE, queue)[RingCounter.READS]


def _rx_queue(queue: int, plant: Plant, counters: Counters) -> QueueTraffic:
    row = counters.queue(queue)
    drops = overruns(queue, plant, counters)
    return QueueTraffic(row[QueueCounter.RX_PACKETS], row[QueueCounter.RX_BYTES], drops or 0)


def _tx_queues(plant: Plant, counters: Counters) -> dict[int, QueueTraffic]:
    """The default VPort's comes first, which nobody uses; then each VM has one a channel."""
    rows = [counters.ring(port.number, ring) for port in plant.ports for ring in range(len(port.tap.fds))]
    queues = [QueueTraffic(row[RingCounter.READ_WIRE], row[RingCounter.READ_OCTETS]) for row in rows]
    return dict(enumerate([QueueTraffic(), *queues], start=DEFAULT_QUEUE))
