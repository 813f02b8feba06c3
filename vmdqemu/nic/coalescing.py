"""Packet coalescing: frames of the default queue that may wait are held by the adapter without an interrupt.

A receive filter of this kind is a list of header field tests and a delay. A frame that passes all tests of
any filter is held; the first one held starts the timer. The host is interrupted when the timer ends, when
space runs low, when a filter is cleared whose frames are held, and with any other interrupt; then everything
that is held is processed, before the frame that caused it. Time is passed in, in seconds.

Sources: NDIS: handling-packet-coalescing-receive-filters, specifying-a-packet-coalescing-receive-filter,
reporting-packet-coalescing-capabilities.
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from vmdqemu.nic.frame import (
    ETHERNET_OCTETS,
    ETHERTYPE_ARP,
    TAG_OCTETS,
    Frame,
    is_broadcast,
    is_multicast,
    parse,
    parse_mac,
)
from vmdqemu.nic.packet import PROTOCOL_UDP

MOST_TESTS: Final = 5  # in a filter; NDIS wants five or more
MOST_FILTERS: Final = 10  # NDIS wants ten or more
MOST_DELAY: Final = 10_000  # milliseconds; our limit
CAPACITY: Final = 64  # frames that are held
LOW_WATER: Final = 8  # free places that have the host interrupted; NDIS leaves both to the hardware

CURE: Final = (
    f"give 1 to {MOST_TESTS} tests in the order of the headers, the first of the MAC header, "
    f"and a delay of 1 to {MOST_DELAY} ms"
)


class Field(StrEnum):
    """What a test looks at, in the order of the headers."""

    MAC_DESTINATION = "mac-destination"
    ETHERTYPE = "ethertype"
    PACKET_TYPE = "packet-type"  # 1 unicast, 2 multicast, 3 broadcast
    ARP_OPERATION = "arp-operation"
    ARP_SPA = "arp-spa"  # sender's protocol address
    ARP_TPA = "arp-tpa"  # target's
    IPV4_PROTOCOL = "ipv4-protocol"
    IPV6_PROTOCOL = "ipv6-protocol"
    UDP_DESTINATION_PORT = "udp-destination-port"


_LAYER: Final = dict.fromkeys(Field, 2) | {
    Field.MAC_DESTINATION: 1,
    Field.ETHERTYPE: 1,
    Field.PACKET_TYPE: 1,
    Field.UDP_DESTINATION_PORT: 3,
}
_WIDEST: Final = (1 << 48) - 1


class Comparison(StrEnum):
    """NDIS_RECEIVE_FILTER_TEST."""

    EQUAL = "="
    MASK_EQUAL = "&="
    NOT_EQUAL = "!="


class FieldTest(NamedTuple):
    """One header field test."""

    field: Field
    comparison: Comparison
    value: int
    mask: int = _WIDEST

    def passes(self, frame: Frame, octets: bytes) -> bool:
        """Whether a frame has the field, and passes."""
        found = _FIELDS[self.field](frame, octets)
        if found is None:
            return False
        if self.comparison is Comparison.NOT_EQUAL:
            return found != self.value
        return found & self.mask == self.value & self.mask

    @property
    def spelled(self) -> str:
        """As `read_test` reads it."""
        mask = f"/{self.mask:#x}" if self.comparison is Comparison.MASK_EQUAL else ""
        sign = "!=" if self.comparison is Comparison.NOT_EQUAL else "="
        return f"{self.field}{sign}{self.value:#x}{mask}"


class CoalescingFilter(NamedTuple):
    """NDIS_RECEIVE_FILTER_PARAMETERS of type PacketCoalescing."""

    tests: tuple[FieldTest, ...]
    delay: int  # MaxCoalescingDelay, milliseconds

    @property
    def is_sound(self) -> bool:
        """Whether an adapter can take it: tests in header order, the first of the MAC header."""
        layers = [_LAYER[test.field] for test in self.tests]
        in_order = layers == sorted(layers) and layers[:1] == [1] and len(layers) <= MOST_TESTS
        values = all(0 <= test.value <= _WIDEST and 0 <= test.mask <= _WIDEST for test in self.tests)
        return in_order and values and 1 <= self.delay <= MOST_DELAY

    def match(self, frame: Frame, octets: bytes) -> bool:
        """Whether a frame may wait. Only the fields that are named are looked at."""
        return all(test.passes(frame, octets) for test in self.tests)


Filters = Mapping[int, CoalescingFilter]  # by filter number


class Buffer:
    """What the adapter holds for the default queue."""

    def __init__(self) -> None:
        self._filters: Filters = {}
        self._held: list[tuple[bytes, int]] = []  # frames, each with the filter it matched
        self.due: float | None = None  # when the timer ends; None while it does not run

    def put_filters(self, filters: Filters) -> bool:
        """Match by these from now on; whether the host is to be interrupted."""
        cleared = self._filters.keys() - filters.keys()
        self._filters = filters
        return any(number in cleared for _, number in self._held)

    def receive(self, octets: bytes, now: float, start: int = 0) -> bool:
        """A frame comes: whether it is held. One that matches no filter is not.

        start: where the Ethernet header is.
        """
        whole = octets[start:]
        frame = parse(whole)
        found = None if frame.fault else self._match(frame, whole)
        if found is None:
            return False
        number, delay = found
        self._held.append((octets, number))
        ends = now + delay / 1000
        self.due = ends if self.due is None else min(self.due, ends)
        return True

    def is_due(self, now: float) -> bool:
        """Whether the host is to be interrupted: the timer has ended, or space runs low."""
        return (self.due is not None and self.due <= now) or len(self._held) >= CAPACITY - LOW_WATER

    def take(self) -> list[bytes]:
        """The host processes everything: what was held, in order; the timer stops."""
        frames = [octets for octets, _ in self._held]
        self._held, self.due = [], None
        return frames

    def _match(self, frame: Frame, octets: bytes) -> tuple[int, int] | None:
        """The matching filter of the least delay, which is the one that the timer may be set to."""
        matching = [
            (entry.delay, number) for number, entry in self._filters.items() if entry.match(frame, octets)
        ]
        if not matching:
            return None
        delay, number = min(matching)
        return number, delay


def _packet_type(frame: Frame, _: bytes) -> int:
    if is_broadcast(frame.destination):
        return 3
    return 2 if is_multicast(frame.destination) else 1


def _arp(offset: int, size: int) -> Callable[[Frame, bytes], int | None]:
    """A field of an ARP packet for IPv4 over Ethernet (RFC 826)."""

    def field(frame: Frame, octets: bytes) -> int | None:
        start = ETHERNET_OCTETS + TAG_OCTETS * frame.tags + offset
        if frame.ethertype != ETHERTYPE_ARP or start + size > len(octets):
            return None
        return int.from_bytes(octets[start : start + size], "big")

    return field


def _ip_protocol(version: int) -> Callable[[Frame, bytes], int | None]:
    return lambda frame, _: frame.protocol if frame.ip == version else None


def _udp_destination(frame: Frame, _: bytes) -> int | None:
    if frame.protocol != PROTOCOL_UDP or len(frame.ports) != 4:
        return None
    return int.from_bytes(frame.ports[2:], "big")


_FIELDS: Final[Mapping[Field, Callable[[Frame, bytes], int | None]]] = {
    Field.MAC_DESTINATION: lambda frame, _: int.from_bytes(frame.destination, "big"),
    Field.ETHERTYPE: lambda frame, _: frame.ethertype,
    Field.PACKET_TYPE: _packet_type,
    Field.ARP_OPERATION: _arp(6, 2),
    Field.ARP_SPA: _arp(14, 4),
    Field.ARP_TPA: _arp(24, 4),
    Field.IPV4_PROTOCOL: _ip_protocol(4),
    Field.IPV6_PROTOCOL: _ip_protocol(6),
    Field.UDP_DESTINATION_PORT: _udp_destination,
}

_TEST = re.compile(r"([a-z0-9-]+)(!?=)([^/]+)(?:/(.+))?")
_DOTTED = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")


def read_test(text: str) -> FieldTest:
    """Read FIELD=VALUE, FIELD!=VALUE or FIELD=VALUE/MASK. Raises ValueError with the cure."""
    parts = _TEST.fullmatch(text)
    if parts is None or parts[1] not in list(Field) or (parts[2] == "!=" and parts[4]):
        raise ValueError(
            f"{text!r} is no test; write FIELD=VALUE, FIELD!=VALUE or FIELD=VALUE/MASK, "
            f"with one of {', '.join(Field)}"
        )
    field, value = Field(parts[1]), _read_value(parts[3])
    if parts[4]:
        return FieldTest(field, Comparison.MASK_EQUAL, value, _read_value(parts[4]))
    return FieldTest(field, Comparison.NOT_EQUAL if parts[2] == "!=" else Comparison.EQUAL, value)


def _read_value(text: str) -> int:
    """A number, a MAC address or an IPv4 address."""
    if _DOTTED.fullmatch(text) and max(map(int, text.split("."))) < 256:
        return int.from_bytes(bytes(map(int, text.split("."))), "big")
    try:
        return int.from_bytes(parse_mac(text), "big") if ":" in text else int(text, 0)
    except ValueError:
        raise ValueError(f"{text!r} is no value; use a number, a MAC address or an IPv4 address") from None
