"""UDP receive offload (URO): datagrams of one flow joined into units, in one receive pass.

Datagrams are joined while their headers and lengths are equal; a shorter one is the last of its unit. One
that may not be joined is delivered as it is, between the units before and behind it. Flows are joined side by
side; order within a flow is that of arrival. Nothing is held from one pass to the next.

Source: NDIS: udp-rsc-offload.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct
from typing import Final, NamedTuple

from vmdqemu.nic import datagram
from vmdqemu.nic.datagram import MOST_OCTETS, Datagram
from vmdqemu.nic.packet import EXTENSIONS, PROTOCOL_UDP

UDP_OCTETS: Final = 8

_UDP = Struct("!4xHH")  # length, checksum
_LENGTHS = Struct("!HH")


class Unit(NamedTuple):
    """What is indicated: a frame, and what goes with it out of band.

    The checksums of a unit are 0, and said to be right (NDIS: TcpIpChecksumNetBufferListInfo).
    """

    frame: bytes
    datagrams: int = 0  # joined; 0 where nothing was
    size: int = 0  # octets of payload in each of them, the last may have fewer


class _Udp(NamedTuple):
    """A UDP datagram."""

    frame: bytes
    packet: Datagram
    length: int  # as its header says
    checksum: int

    @property
    def data(self) -> bytes:
        """What follows the header."""
        return self.packet.payload[UDP_OCTETS:]

    @property
    def flow(self) -> bytes:
        """Whose it is. Link headers have to be identical, tags among them."""
        return self.packet.link + self.packet.addresses + self.packet.payload[:4]

    @property
    def joinable(self) -> bool:
        """Whether it may be joined at all. An empty one could not be told from none."""
        packet = self.packet
        sound = packet.sound and (self.checksum == 0 or packet.transport_sound)
        return packet.plain and sound and self.length == len(packet.payload) > UDP_OCTETS

    @property
    def alike(self) -> tuple[bytes, int, int]:
        """What has to be equal in every datagram of a unit."""
        return self.packet.service, self.packet.ecn, self.packet.hops


@dataclass(slots=True)
class _Open:
    """A unit in progress."""

    first: _Udp
    data: list[bytes]

    def takes(self, udp: _Udp) -> bool:
        """Whether a datagram may be joined behind the others."""
        octets = len(udp.packet.header) + UDP_OCTETS + sum(map(len, self.data)) + len(udp.data)
        return udp.alike == self.first.alike and udp.length <= self.first.length and octets <= MOST_OCTETS

    def finish(self) -> Unit:
        """The unit as a frame. Its lengths are those of one datagram, its checksums 0."""
        if len(self.data) == 1:
            return Unit(self.first.frame)
        first, data = self.first, b"".join(self.data)
        ports = first.packet.payload[:4]
        payload = ports + _LENGTHS.pack(UDP_OCTETS + len(data), 0) + data
        joined = first.packet.joined(payload, first.packet.hops)
        if joined.is_ipv4:
            joined = joined._replace(header=joined.header[:10] + bytes(2) + joined.header[12:])
        return Unit(joined.octets, len(self.data), len(first.data))


class _Pass:
    """One receive pass: units in progress by flow, and what is finished."""

    def __init__(self) -> None:
        self._open: dict[bytes, _Open] = {}
        self._units: list[Unit] = []

    def take(self, frame: bytes) -> None:
        """The next frame of the queue."""
        packet = datagram.read(frame)
        udp = None if packet is None else _read_udp(frame, packet)
        if udp is not None and udp.joinable:
            self._join(udp)
            return
        if udp is not None:
            self._finish(udp.flow)
        elif packet is not None and (packet.protocol == PROTOCOL_UDP or packet.protocol in EXTENSIONS):
            self.end()  # its flow cannot be told, and it may overtake none
        self._units.append(Unit(frame))

    def end(self) -> list[Unit]:
        """Nothing is held: all that was indicated."""
        for flow in tuple(self._open):
            self._finish(flow)
        return self._units

    def _join(self, udp: _Udp) -> None:
        unit = self._open.get(udp.flow)
        if unit is None or not unit.takes(udp):
            self._finish(udp.flow)
            self._open[udp.flow] = _Open(udp, [udp.data])
            return
        unit.data.append(udp.data)
        if udp.length < unit.first.length:  # a shorter one is the last
            self._finish(udp.flow)

    def _finish(self, flow: bytes) -> None:
        unit = self._open.pop(flow, None)
        if unit is not None:
            self._units.append(unit.finish())


def coalesce(frames: Iterable[bytes]) -> list[Unit]:
    """One receive pass over the frames of one queue, without FCS, in order of arrival."""
    receive_pass = _Pass()
    for frame in frames:
        receive_pass.take(frame)
    return receive_pass.end()


def _read_udp(frame: bytes, packet: Datagram) -> _Udp | None:
    """None: no UDP, or its header is not to be found."""
    if packet.protocol != PROTOCOL_UDP or packet.fragment or len(packet.payload) < UDP_OCTETS:
        return None
    return _Udp(frame, packet, *_UDP.unpack_from(packet.payload))
