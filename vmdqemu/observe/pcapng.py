"""Blocks of a pcapng file, as octets: one section, an interface for every port, and the frames.

Source: draft-ietf-opsawg-pcapng 4. Everything is in the byte order of this machine, as the format wants it.
"""

from enum import IntEnum
from struct import Struct, pack
from typing import Final

ETHERNET: Final = 1  # LINKTYPE_ETHERNET
NANOSECONDS: Final = 9  # if_tsresol: 10 to the minus 9

_SECTION, _INTERFACE, _PACKET = 0x0A0D0D0A, 1, 6
_BYTE_ORDER = 0x1A2B3C4D
_LENGTH_UNKNOWN = -1

# Options: their codes are counted anew in each kind of block, but for the comment's and the end's.
_END, _COMMENT = 0, 1
_APPLICATION = 4  # shb_userappl
_NAME, _RESOLUTION = 2, 9  # if_name, if_tsresol
_FLAGS, _QUEUE = 2, 6  # epb_flags, epb_queue

_PACKET_HEAD = Struct("=5I")  # interface, time high, time low, octets kept, octets of the frame


class Direction(IntEnum):
    """Bits 0 and 1 of epb_flags: seen from the machine that the interface belongs to."""

    INBOUND = 1
    OUTBOUND = 2


def section() -> bytes:
    """The block that a file begins with."""
    body = pack("=IHHq", _BYTE_ORDER, 1, 0, _LENGTH_UNKNOWN)
    return _block(_SECTION, body + _option(_APPLICATION, b"vmdqemu") + _option(_END))


def interface(name: str, snaplen: int) -> bytes:
    """An interface; frames name it by its number in the file, from 0. snaplen: octets kept of a frame."""
    options = _option(_NAME, name.encode()) + _option(_RESOLUTION, bytes([NANOSECONDS])) + _option(_END)
    return _block(_INTERFACE, pack("=HHI", ETHERNET, 0, snaplen) + options)


def packet(
    interface: int,
    time_ns: int,
    octets: bytes,
    length: int,
    direction: Direction,
    queue: int,
    comment: str = "",
) -> bytes:
    """A frame. time_ns: since 1970; octets: as many as are kept of `length`; queue: that it was read from."""
    head = _PACKET_HEAD.pack(interface, time_ns >> 32, time_ns & 0xFFFFFFFF, len(octets), length)
    options = _option(_FLAGS, pack("=I", direction)) + _option(_QUEUE, pack("=I", queue))
    if comment:
        options += _option(_COMMENT, comment.encode())
    return _block(_PACKET, head + _padded(octets) + options + _option(_END))


def _block(kind: int, body: bytes) -> bytes:
    length = len(body) + 12
    return pack("=II", kind, length) + body + pack("=I", length)


def _option(code: int, value: bytes = b"") -> bytes:
    return pack("=HH", code, len(value)) + _padded(value)


def _padded(octets: bytes) -> bytes:
    """To a multiple of 4."""
    return octets + bytes(-len(octets) % 4)
