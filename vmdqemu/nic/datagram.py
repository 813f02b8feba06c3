"""IP datagrams as a whole: what receive coalescing compares, joins and writes anew.

`frame.parse` reads just enough headers to place a frame. Coalescing needs the rest: checksums, the fields
that have to be equal, the payload without an Ethernet frame's padding. Sources: RFC 791, RFC 8200, RFC 1071.
"""

from struct import Struct
from typing import Final, NamedTuple

from vmdqemu.nic.frame import ETHERNET_OCTETS, ETHERTYPE_IPV4, ETHERTYPE_IPV6, MAX_TAGS, TAG_OCTETS, TPIDS
from vmdqemu.nic.packet import EXTENSIONS, IPV4_OCTETS, IPV6_OCTETS

MOST_OCTETS: Final = 65_535  # of an IP datagram (RFC 791 3.1), header included

_U16 = Struct("!H")
_DONT_FRAGMENT, _FRAGMENT = 0x4000, 0x3FFF


class Datagram(NamedTuple):
    """One IP datagram and the link header before it."""

    link: bytes  # Ethernet header with its tags
    header: bytes  # of IP, without options: 20 octets of IPv4, 40 of IPv6
    payload: bytes  # the transport header and what follows
    protocol: int
    plain: bool  # no IPv4 options, no IPv6 extension headers
    fragment: bool
    sound: bool  # the IPv4 header's checksum is right

    @property
    def is_ipv4(self) -> bool:
        """Whether it is IPv4; else it is IPv6."""
        return len(self.header) == IPV4_OCTETS

    @property
    def addresses(self) -> bytes:
        """Source and destination: 8 octets of IPv4, 32 of IPv6."""
        return self.header[12:20] if self.is_ipv4 else self.header[8:40]

    @property
    def hops(self) -> int:
        """Time to live, or hop limit."""
        return self.header[8] if self.is_ipv4 else self.header[7]

    @property
    def ecn(self) -> int:
        """The two bits of RFC 3168."""
        octet = self.header[1] if self.is_ipv4 else self.header[1] >> 4
        return octet & 0b11

    @property
    def service(self) -> bytes:
        """What has to be equal in all joined datagrams, ECN and hops apart.

        Differentiated services and the DF bit; of IPv6 traffic class and flow label.
        """
        if self.is_ipv4:
            return bytes((self.header[1] & 0xFC, self.header[6] & 0x40))
        return bytes((self.header[0], self.header[1] & 0xCF)) + self.header[2:4]

    @property
    def transport_sound(self) -> bool:
        """Whether the transport's checksum over header, data and addresses is right."""
        return ones_complement(self._pseudo_header() + self.payload) == 0

    def _pseudo_header(self) -> bytes:
        return self.addresses + bytes((0, self.protocol)) + _U16.pack(len(self.payload))

    def joined(self, payload: bytes, hops: int) -> "Datagram":
        """This header over another payload, lengths and the IPv4 checksum written anew."""
        header = bytearray(self.header)
        if self.is_ipv4:
            header[2:4] = _U16.pack(IPV4_OCTETS + len(payload))
            header[8] = hops
            header[10:12] = bytes(2)
            header[10:12] = _U16.pack(ones_complement(bytes(header)))
        else:
            header[4:6] = _U16.pack(len(payload))
            header[7] = hops
        return self._replace(header=bytes(header), payload=payload)

    def summed(self, at: int) -> "Datagram":
        """With the transport's checksum, two octets of the payload, written anew."""
        blank = self._replace(payload=self.payload[:at] + bytes(2) + self.payload[at + 2 :])
        total = _U16.pack(ones_complement(blank._pseudo_header() + blank.payload))
        return blank._replace(payload=blank.payload[:at] + total + blank.payload[at + 2 :])

    @property
    def octets(self) -> bytes:
        """The frame."""
        return self.link + self.header + self.payload


def ones_complement(octets: bytes) -> int:
    """The internet checksum (RFC 1071). Over a sound header with its checksum it is 0."""
    total = int.from_bytes(octets + bytes(len(octets) % 2), "big") % 0xFFFF
    return 0xFFFF - total if total or not any(octets) else 0


def read(frame: bytes) -> Datagram | None:
    """The datagram in a frame; None if there is no whole one. Any octets give an answer."""
    start = ETHERNET_OCTETS
    ethertype = int.from_bytes(frame[start - 2 : start], "big")
    while ethertype in TPIDS and start < ETHERNET_OCTETS + MAX_TAGS * TAG_OCTETS:
        start += TAG_OCTETS
        ethertype = int.from_bytes(frame[start - 2 : start], "big")
    link, packet = frame[:start], frame[start:]
    if ethertype == ETHERTYPE_IPV4:
        return _read_ipv4(link, packet)
    return _read_ipv6(link, packet) if ethertype == ETHERTYPE_IPV6 else None


def _read_ipv4(link: bytes, packet: bytes) -> Datagram | None:
    if len(packet) < IPV4_OCTETS or packet[0] >> 4 != 4:
        return None
    start, end = (packet[0] & 0x0F) * 4, int.from_bytes(packet[2:4], "big")
    if not IPV4_OCTETS <= start <= end <= len(packet):
        return None
    fragment = int.from_bytes(packet[6:8], "big") & _FRAGMENT != 0
    return Datagram(
        link,
        packet[:IPV4_OCTETS],
        packet[start:end],
        packet[9],
        plain=start == IPV4_OCTETS,
        fragment=fragment,
        sound=ones_complement(packet[:start]) == 0,
    )


def _read_ipv6(link: bytes, packet: bytes) -> Datagram | None:
    if len(packet) < IPV6_OCTETS or packet[0] >> 4 != 6:
        return None
    end = IPV6_OCTETS + int.from_bytes(packet[4:6], "big")
    if end > len(packet):
        return None
    plain = packet[6] not in EXTENSIONS
    return Datagram(
        link,
        packet[:IPV6_OCTETS],
        packet[IPV6_OCTETS:end],
        packet[6],
        plain=plain,
        fragment=not plain,  # or any other extension: its transport header is not looked for
        sound=True,
    )
