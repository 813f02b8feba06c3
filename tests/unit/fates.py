"""What became of a frame in a fabric, and what decide() says has to."""

from typing import NamedTuple

from tests.unit.pumping import PLAIN, Fabric, Line, Pumped
from vmdqemu.datapath.action import SHORTEST_ON_WIRE
from vmdqemu.datapath.vnet import GSO_TYPE, Segments, segments
from vmdqemu.host.decide import Verdict, decide
from vmdqemu.host.vswitch import WIRE, Edit
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import ETHERNET_OCTETS, insert_tag, parse, strip_tag


class Fate(NamedTuple):
    """What became of one frame, without its vnet header."""

    delivered: dict[Line, bytes]
    queues: list[int]
    drop: str | None
    wire: Segments


def superframe(frame: bytes) -> Segments:
    """What a frame with its vnet header stands for."""
    length = len(frame) - len(PLAIN)
    if frame[1] and length >= ETHERNET_OCTETS:
        return segments(bytearray(frame), len(frame))
    return Segments(1, 0, length)


def judged(frame: bytes, source: int, fabric: Fabric) -> Verdict:
    """The verdict made now: a superframe is as long as its longest wire frame."""
    record = parse(frame[len(PLAIN) :], tunnels=fabric.tables.tunnels)
    return decide(record._replace(length=superframe(frame).longest), source, fabric.tables)


def due(frame: bytes, source: int, fabric: Fabric) -> Fate:
    """What has to become of a frame."""
    verdict, plain = judged(frame, source, fabric), frame[len(PLAIN) :]
    tag = verdict.nic.vlan or 0, verdict.nic.priority
    edits = {
        Edit.KEEP: plain,
        Edit.STRIP: strip_tag(plain),
        Edit.INSERT: insert_tag(plain, *tag) if len(plain) >= ETHERNET_OCTETS else plain,
    }
    return Fate(
        {(to.port, to.channel): padded(edits[to.edit], frame, to.port) for to in verdict.deliveries},
        sorted(placed.queue for placed in verdict.nic.queues),
        verdict.drop,
        superframe(frame),
    )


def padded(edited: bytes, frame: bytes, port: int) -> bytes:
    """As it leaves the port: the wire has no short frames, and a superframe's segments are cut later."""
    return edited.ljust(SHORTEST_ON_WIRE, b"\0") if port == WIRE and frame[GSO_TYPE] == 0 else edited


def found(frame: bytes, pumped: Pumped, fabric: Fabric) -> Fate:
    """What did become of it, by the rings and the counters."""
    port, ring = pumped.line
    placeable = [fabric.tables.default_queues, *(vport.queues for vport in fabric.tables.vports.values())]
    queues = sorted(queue for queues in placeable for queue in queues)
    before, placed = fabric.counters.ring(port, ring), [fabric.counters.queue(queue) for queue in queues]
    pumped.burst([frame])
    after = fabric.counters.ring(port, ring)
    drops = [reason for reason in DropReason if after[reason] > before[reason]]
    assert len(drops) <= 1
    assert after["reads"] == before["reads"] + 1
    header = superframe(frame).header
    added = after["read_octets"] - before["read_octets"] - (len(frame) - len(PLAIN))
    count = after["read_wire"] - before["read_wire"]
    assert added == (count - 1) * header
    written = fabric.written()
    assert all(len(copies) == 1 for copies in written.values())
    return Fate(
        {line: copies[0][len(PLAIN) :] for line, copies in written.items()},
        [queue for queue in queues if fabric.counters.queue(queue) != placed[queue]],
        drops[0] if drops else None,
        Segments(count, header, superframe(frame).longest),
    )
