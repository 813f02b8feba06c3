"""Receive segment coalescing: TCP segments of one queue joined into units, in one receive pass.

`coalesce` is the whole of it: nothing is held from one pass to the next (NDIS: a DPC). Segments of one
connection are joined while each continues the one before; whatever breaks the run ends the unit, and most of
that is delivered alone. Order within a connection is that of arrival. A duplicate ACK is delivered alone too,
which NDIS lets a driver choose: a unit never counts one (DupAckCount is 0).

Sources: NDIS: rules-for-coalescing-tcp-ip-packets, exception-conditions-that-terminate-coalescing,
updating-the-ip-headers-for-coalesced-segments, oid-tcp-rsc-statistics.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from vmdqemu.nic import datagram
from vmdqemu.nic.datagram import MOST_OCTETS, Datagram
from vmdqemu.nic.packet import EXTENSIONS, PROTOCOL_TCP

TCP_OCTETS: Final = 20
CHECKSUM_AT: Final = 16
PSH, ACK, ECE, CWR = 0x08, 0x10, 0x40, 0x80

_TCP = Struct("!4xLLBBH")  # sequence, acknowledgment, data offset, flags, window
_STAMPS = Struct("!LL")
_NOP, _END, _TIMESTAMP = 1, 0, 8


class Limits(NamedTuple):
    """What the hardware can hold at once. Beyond it a segment is delivered alone."""

    segments: int  # in a unit
    connections: int  # side by side


INTEL_82599: Final = Limits(segments=16, connections=32)  # RSCCTL.MAXDESC; the contexts by recall


class Statistics(NamedTuple):
    """NDIS_RSC_STATISTICS_INFO: OID_TCP_RSC_STATISTICS."""

    packets: int = 0  # joined, the first of each unit included
    octets: int = 0  # of their payload
    events: int = 0  # units of more than one packet
    aborts: int = 0  # exceptions, a datagram that grew too long excepted


class Unit(NamedTuple):
    """What is indicated: a frame, and what goes with it out of band."""

    frame: bytes
    segments: int = 0  # CoalescedSegCount: data segments; 0 where nothing was joined
    timestamp_delta: int = 0  # RscTcpTimestampDelta: latest less earliest


class Indication(NamedTuple):
    """What one pass comes to."""

    units: tuple[Unit, ...]
    statistics: Statistics


def is_allowed(*, vswitch: bool, forwarding: bool, virtual_functions: bool) -> bool:
    """Whether the adapter may coalesce at all.

    Not while a vSwitch is bound (Windows Server: rsc-in-the-vswitch, 2016 and earlier), not what is forwarded
    (NDIS: programming-considerations-for-rsc-drivers), and not with SR-IOV (ixgbe_main.c).
    """
    return not (vswitch or forwarding or virtual_functions)


class _Segment(NamedTuple):
    """A TCP segment."""

    frame: bytes
    packet: Datagram
    sequence: int
    acknowledgment: int
    flags: int
    window: int
    options: bytes
    stamps: tuple[int, int] | None  # value and echo reply
    data: bytes

    @property
    def connection(self) -> bytes:
        """Whose it is. Links, tags among them, are never mixed."""
        return self.packet.link + self.packet.addresses + self.packet.payload[:4]

    @property
    def coalescible(self) -> bool:
        """Whether none of exceptions 2 to 6 holds."""
        packet = self.packet
        only_stamps = not self.options or self.stamps is not None
        plain = packet.plain and packet.sound and packet.transport_sound
        return plain and only_stamps and self.flags & ~(PSH | ECE | CWR) == ACK

    @property
    def congestion(self) -> tuple[int, int]:
        """Exception 8: a change of these ends a unit."""
        return self.packet.ecn, self.flags & (ECE | CWR)

    @property
    def alike(self) -> tuple[object, ...]:
        """What has to be equal in every segment of a unit."""
        return self.congestion, self.packet.service, len(self.options)


@dataclass(slots=True)
class _Open:
    """A unit in progress (H of the NDIS flowcharts); `last` has what the newest segment said."""

    first: _Segment
    last: _Segment
    data: list[bytes]
    hops: int
    psh: int
    packets: int = 1

    @property
    def next_sequence(self) -> int:
        """H.NXT."""
        return (self.first.sequence + sum(map(len, self.data))) % (1 << 32)

    def add(self, segment: _Segment) -> None:
        """Join a segment that continues it."""
        if segment.data:
            self.data.append(segment.data)
        self.last = segment
        self.hops = min(self.hops, segment.packet.hops)
        self.psh |= segment.flags & PSH
        self.packets += 1

    def finish(self) -> Unit:
        """The unit as a frame, headers updated."""
        if self.packets == 1:
            return Unit(self.first.frame)
        first, last = self.first, self.last
        flags = last.flags | self.psh
        header = bytearray(first.packet.payload[:TCP_OCTETS])
        _TCP.pack_into(header, 0, first.sequence, last.acknowledgment, header[12], flags, last.window)
        header[:4] = first.packet.payload[:4]
        payload = bytes(header) + last.options + b"".join(self.data)
        joined = first.packet.joined(payload, self.hops).summed(CHECKSUM_AT)
        return Unit(joined.octets, len(self.data), self._timestamp_delta())

    def _timestamp_delta(self) -> int:
        if self.first.stamps is None or self.last.stamps is None:
            return 0
        return (self.last.stamps[0] - self.first.stamps[0]) % (1 << 32)


class _Pass:
    """One receive pass: units in progress by connection, and what is finished."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._open: dict[bytes, _Open] = {}
        self._units: list[Unit] = []
        self._aborts = self._packets = self._octets = self._events = 0

    def take(self, frame: bytes) -> None:
        """The next frame of the queue."""
        packet = datagram.read(frame)
        segment = None if packet is None else _read_segment(frame, packet)
        if segment is not None:
            self._take_segment(segment)
            return
        if packet is not None and (packet.protocol == PROTOCOL_TCP or packet.protocol in EXTENSIONS):
            self._aborts += packet.protocol == PROTOCOL_TCP
            self._finish_all()  # its connection cannot be told, and it may overtake none
        self._units.append(Unit(frame))

    def end(self) -> Indication:
        """The pass is over: nothing is held."""
        self._finish_all()
        counted = Statistics(self._packets, self._octets, self._events, self._aborts)
        return Indication(tuple(self._units), counted)

    def _take_segment(self, segment: _Segment) -> None:
        unit = self._open.get(segment.connection)
        if not segment.coalescible or (unit is None and not segment.data):
            self._deliver_alone(segment)
        elif unit is None:
            self._start(segment)
        elif segment.data and unit.last.congestion != segment.congestion:  # exception 8
            self._aborts += 1
            self._finish(segment.connection)
            self._start(segment)
        elif not _continues(unit, segment):
            self._deliver_alone(segment)
        elif _is_too_long(unit, segment):  # exception 7, which is no abort
            self._finish(segment.connection)
            self._start(segment)
        else:
            unit.add(segment)
            if len(unit.data) == self._limits.segments:
                self._finish(segment.connection)

    def _start(self, segment: _Segment) -> None:
        """Track a unit from this segment on, if there is room (exception 1)."""
        if len(self._open) == self._limits.connections:
            self._deliver_alone(segment)
            return
        hops, psh = segment.packet.hops, segment.flags & PSH
        self._open[segment.connection] = _Open(segment, segment, [segment.data], hops, psh)

    def _deliver_alone(self, segment: _Segment) -> None:
        """An exception: what came before it is finished, and it is joined with nothing."""
        self._aborts += 1
        self._finish(segment.connection)
        self._units.append(Unit(segment.frame))

    def _finish(self, connection: bytes) -> None:
        unit = self._open.pop(connection, None)
        if unit is None:
            return
        self._units.append(unit.finish())
        if unit.packets > 1:
            self._packets += unit.packets
            self._octets += sum(map(len, unit.data))
            self._events += 1

    def _finish_all(self) -> None:
        for connection in tuple(self._open):
            self._finish(connection)


def coalesce(frames: Iterable[bytes], limits: Limits = INTEL_82599) -> Indication:
    """One receive pass over the frames of one queue, without FCS, in order of arrival."""
    receive_pass = _Pass(limits)
    for frame in frames:
        receive_pass.take(frame)
    return receive_pass.end()


def _continues(unit: _Open, segment: _Segment) -> bool:
    """The first flowchart. A window update is joined, any other segment without data is not."""
    if segment.sequence != unit.next_sequence or segment.alike != unit.first.alike:
        return False
    if not _is_newer_stamp(unit.last, segment):
        return False
    acknowledged = (segment.acknowledgment - unit.last.acknowledgment) % (1 << 32)
    if segment.data:
        return acknowledged < 1 << 31
    return acknowledged == 0 and segment.window != unit.last.window


def _is_too_long(unit: _Open, segment: _Segment) -> bool:
    """Whether the unit would be no IP datagram any more."""
    octets = len(segment.packet.header) + sum(map(len, unit.data)) + len(segment.packet.payload)
    return octets > MOST_OCTETS


def _is_newer_stamp(last: _Segment, segment: _Segment) -> bool:
    """The third flowchart: SEG.TSval >= H.TSval, modulo 2^32."""
    if last.stamps is None or segment.stamps is None:
        return True
    return (segment.stamps[0] - last.stamps[0]) % (1 << 32) < 1 << 31


def _read_segment(frame: bytes, packet: Datagram) -> _Segment | None:
    """None: no TCP, or its header is not to be found."""
    if packet.protocol != PROTOCOL_TCP or packet.fragment or len(packet.payload) < TCP_OCTETS:
        return None
    sequence, acknowledgment, offset, flags, window = _TCP.unpack_from(packet.payload)
    start = (offset >> 4) * 4
    if not TCP_OCTETS <= start <= len(packet.payload):
        return None
    options, data = packet.payload[TCP_OCTETS:start], packet.payload[start:]
    return _Segment(
        frame, packet, sequence, acknowledgment, flags, window, options, _read_stamps(options), data
    )


def _read_stamps(options: bytes) -> tuple[int, int] | None:
    """The timestamp option, if it is the only one besides padding."""
    found = None
    at = 0
    while at < len(options) and options[at] != _END:
        if options[at] == _NOP:
            at += 1
        elif options[at] == _TIMESTAMP and options[at + 1 : at + 2] == b"\n" and found is None:
            if at + 10 > len(options):
                return None
            found = _STAMPS.unpack_from(options, at + 2)
            at += 10
        else:
            return None
    return found
