"""The virtio-net header in front of every frame of a TAP: offload state, as the kernel defines it.

    0 flags   1 gso_type   2 hdr_len   4 gso_size   6 csum_start   8 csum_offset   10 the Ethernet frame

A superframe is a frame with a gso_type: the kernel cut it from a stream as one piece, and it stands for as
many wire frames as it has segments. csum_start and hdr_len count from the start of the frame, so they move
with a tag; csum_offset is relative and does not.

Source: Virtio 1.2, 5.1.6; linux/virtio_net.h. Little-endian, as the TAP's default is on every host we run on.
"""

from struct import Struct
from typing import Final, NamedTuple

VNET_OCTETS: Final = 10
GSO_TYPE: Final = 1  # offset; 0 for a frame that is no superframe

NEEDS_CSUM: Final = 0x01
GSO_UDP_L4: Final = 5

FRAME: Final = VNET_OCTETS  # where the Ethernet frame starts
ADDRESSES_END: Final = FRAME + 12
TAG_OCTETS: Final = 4
TAG_END: Final = ADDRESSES_END + TAG_OCTETS

_HEADER = Struct("<BBHHHH")
_TAG = Struct("!HH")
_TPID = 0x8100
_UDP_HEADER = 8
_TCP_DATA_OFFSET = 12
_MAX = 0xFFFF  # of a 16-bit field


Buffer = bytearray | memoryview


class Segments(NamedTuple):
    """What a superframe stands for."""

    frames: int
    header: int  # octets repeated in front of every segment
    longest: int  # octets of the longest wire frame


def segments(buffer: Buffer, length: int) -> Segments:
    """Count the wire frames of the superframe of `length` octets, vnet header included.

    buffer: all of it, or its head.

    hdr_len is only a hint of the sending kernel's, so the header is measured: up to csum_start, then what the
    transport header says of itself. A header that lies past the end stands for one frame of that length.
    """
    _, gso_type, _, gso_size, csum_start, _ = _HEADER.unpack_from(buffer)
    octets = length - VNET_OCTETS
    header = csum_start + _transport_header(buffer, FRAME + csum_start, min(length, len(buffer)), gso_type)
    payload = octets - header
    if gso_size == 0 or payload <= 0:
        return Segments(1, 0, octets)
    return Segments(-(-payload // gso_size), header, header + min(gso_size, payload))


def _transport_header(buffer: Buffer, start: int, end: int, gso_type: int) -> int:
    if gso_type & 0x7F == GSO_UDP_L4:
        return _UDP_HEADER
    data_offset = start + _TCP_DATA_OFFSET
    return (buffer[data_offset] >> 4) * 4 if data_offset < end else 0


def head_with_tag(buffer: Buffer, tci: int) -> bytes:
    """The vnet header, both addresses and a new tag: what goes before octet ADDRESSES_END of the frame."""
    return _moved(buffer, TAG_OCTETS) + buffer[FRAME:ADDRESSES_END] + _TAG.pack(_TPID, tci)


def head_without_tag(buffer: Buffer) -> bytes:
    """The vnet header and both addresses: what goes before octet TAG_END of the frame."""
    return _moved(buffer, -TAG_OCTETS) + buffer[FRAME:ADDRESSES_END]


def _moved(buffer: Buffer, by: int) -> bytes:
    """The vnet header for a frame whose headers moved. Fields that are not in use stay 0.

    hdr_len is a hint, and the kernel cuts it to 16 bits: one that does not fit is as good as the nearest.
    A csum_start that does not fit is a lie, left to the receiving kernel to refuse.
    """
    flags, gso_type, hdr_len, gso_size, csum_start, csum_offset = _HEADER.unpack_from(buffer)
    if gso_type:
        hdr_len = min(max(0, hdr_len + by), _MAX)
    if flags & NEEDS_CSUM:
        csum_start += by
    if not 0 <= csum_start <= _MAX:
        return bytes(buffer[:VNET_OCTETS])
    return _HEADER.pack(flags, gso_type, hdr_len, gso_size, csum_start, csum_offset)
