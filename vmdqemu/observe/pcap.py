"""Frames out of a capture file: pcap, of microseconds or nanoseconds, and pcapng; of Ethernet links.

A file is read as it comes and no length in it is believed: a block that is too long, or cut off, is an error
with its place.

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng.
"""

from collections.abc import Iterator
from struct import Struct
from typing import BinaryIO, Final, NamedTuple

ETHERNET: Final = 1  # LINKTYPE_ETHERNET
PCAP_MAGIC: Final = (0xA1B2C3D4, 0xA1B23C4D)  # microseconds, nanoseconds
BYTE_ORDER: Final = 0x1A2B3C4D  # of a pcapng section

SECTION: Final = 0x0A0D0D0A  # the block types of pcapng that are read
INTERFACE: Final = 1
SIMPLE_PACKET: Final = 3
ENHANCED_PACKET: Final = 6

LONGEST_FRAME: Final = 1 << 18  # octets; libpcap has the same limit
LONGEST_BLOCK: Final = 1 << 24

_AROUND = 12  # octets of a block's type, its length, and the length again behind it
_ORDERS = ("<", ">")


class Captured(NamedTuple):
    """One frame of a file."""

    octets: bytes  # as many as were kept
    length: int  # of the whole frame


def is_capture(start: bytes) -> bool:
    """Whether a file that begins with these octets holds captured frames."""
    return len(start) >= 4 and any(_magic(order, start) in (*PCAP_MAGIC, SECTION) for order in _ORDERS)


def read(stream: BinaryIO) -> Iterator[Captured]:
    """The frames in their order. Raises ValueError with the octet at which the file is broken."""
    file = _File(stream)
    start = file.take(4)
    if not is_capture(start):
        raise ValueError("neither pcap nor pcapng")
    if _magic("<", start) == SECTION:
        yield from _read_pcapng(file)
    else:
        yield from _read_pcap(file, next(order for order in _ORDERS if _magic(order, start) in PCAP_MAGIC))


def _magic(order: str, octets: bytes) -> int:
    number: int = Struct(f"{order}I").unpack_from(octets)[0]
    return number


class _File:
    """A stream that knows where it is."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.offset = 0

    def take(self, octets: int) -> bytes:
        """The next octets, all of them."""
        data = self.next(octets)
        if len(data) < octets:
            raise self.broken("the file is cut off here")
        return data

    def next(self, octets: int) -> bytes:
        """The next octets; none at the end of the file."""
        data = self._stream.read(octets)
        self.offset += len(data)
        if data and len(data) < octets:
            raise self.broken("the file is cut off here")
        return data

    def broken(self, what: str) -> ValueError:
        """The error for what was read last."""
        return ValueError(f"octet {self.offset}: {what}")


def _read_pcap(file: _File, order: str) -> Iterator[Captured]:
    (network,) = Struct(f"{order}16xI").unpack(file.take(20))
    _check_link(file, network & 0xFFFF)
    record = Struct(f"{order}8xII")  # behind the time: octets kept, octets of the frame
    while head := file.next(record.size):
        kept, length = record.unpack(head)
        if kept > LONGEST_FRAME:
            raise file.broken(f"a frame of {kept} octets")
        yield Captured(file.take(kept), max(kept, length))


class _Link(NamedTuple):
    type: int
    snaplen: int  # 0: no limit


def _read_pcapng(file: _File) -> Iterator[Captured]:
    """The section's type is read already. Every section has its own byte order and interfaces."""
    order, links = "", list[_Link]()
    kind = SECTION
    while True:
        if kind == SECTION:
            order, links = _open_section(file), []
        else:
            body = _block_body(file, order)
            if kind == INTERFACE:
                links.append(_Link(*_unpack(f"{order}H2xI", body, file)))
            elif kind in (ENHANCED_PACKET, SIMPLE_PACKET):
                yield _packet(kind, body, order, links, file)
        head = file.next(4)
        if not head:
            return
        kind = _magic(order, head)


def _open_section(file: _File) -> str:
    """Skip a section's header; its byte order."""
    length, mark = file.take(4), file.take(4)
    order = next((order for order in _ORDERS if _magic(order, mark) == BYTE_ORDER), None)
    if order is None:
        raise file.broken("a section without a byte order")
    _skip_rest(file, _length(file, order, length) - _AROUND - 4)
    return order


def _skip_rest(file: _File, octets: int) -> None:
    if octets < 0:
        raise file.broken("a block shorter than its header")
    file.take(octets + 4)  # and the length again


def _block_body(file: _File, order: str) -> bytes:
    length = _length(file, order, file.take(4))
    body = file.take(length - _AROUND)
    if _magic(order, file.take(4)) != length:
        raise file.broken("a block whose two lengths differ")
    return body


def _length(file: _File, order: str, octets: bytes) -> int:
    length = _magic(order, octets)
    if not _AROUND <= length <= LONGEST_BLOCK or length % 4:
        raise file.broken(f"a block of {length} octets")
    return length


def _packet(kind: int, body: bytes, order: str, links: list[_Link], file: _File) -> Captured:
    if kind == ENHANCED_PACKET:
        number, kept, length = _unpack(f"{order}I8xII", body, file)
        data = body[20:]
    else:
        (length,) = _unpack(f"{order}I", body, file)
        number, data = 0, body[4:]
        kept = min(length, len(data))
    if number >= len(links):
        raise file.broken(f"a frame of interface {number}, which was not described")
    _check_link(file, links[number].type)
    if kind == SIMPLE_PACKET and links[number].snaplen:
        kept = min(kept, links[number].snaplen)
    if kept > len(data):
        raise file.broken("a frame longer than its block")
    return Captured(data[:kept], max(kept, length))


def _unpack(form: str, body: bytes, file: _File) -> tuple[int, ...]:
    fields = Struct(form)
    if len(body) < fields.size:
        raise file.broken("a block shorter than its fields")
    return fields.unpack_from(body)


def _check_link(file: _File, link: int) -> None:
    if link != ETHERNET:
        raise file.broken(f"link type {link}; only Ethernet (1) is read")
