"""pcapng as it is specified, octet for octet, as our own reader and as scapy read it."""

import io
import struct
from typing import Any

from scapy.utils import RawPcapNgReader

from vmdqemu.observe import pcapng
from vmdqemu.observe.pcap import Captured, read
from vmdqemu.observe.pcapng import Direction

TIME = 1_700_000_000_123_456_789
FILE = (
    pcapng.section()
    + pcapng.interface("wire", 256)
    + pcapng.interface("vm1", 256)
    + pcapng.packet(0, TIME, b"x" * 60, 1514, Direction.INBOUND, queue=3)
    + pcapng.packet(1, TIME + 1, b"y" * 61, 61, Direction.OUTBOUND, queue=0, comment="dropped: oversize")
)


def test_every_block_is_framed_by_its_length() -> None:
    offset, kinds = 0, []
    while offset < len(FILE):
        kind, length = struct.unpack_from("=II", FILE, offset)
        assert length % 4 == 0
        assert struct.unpack_from("=I", FILE, offset + length - 4) == (length,)
        kinds.append(kind)
        offset += length
    assert kinds == [0x0A0D0D0A, 1, 1, 6, 6]


def test_a_frame_with_its_options_octet_for_octet() -> None:
    block = pcapng.packet(1, 0x0102_0304_0506_0708, b"abcde", 99, Direction.OUTBOUND, 7, "why")
    head = struct.pack("=7I", 6, len(block), 1, 0x01020304, 0x05060708, 5, 99)
    flags = struct.pack("=HHI", 2, 4, 2)
    queue = struct.pack("=HHI", 6, 4, 7)
    comment = struct.pack("=HH4s", 1, 3, b"why")
    end = struct.pack("=HHI", 0, 0, len(block))
    assert block == head + b"abcde\0\0\0" + flags + queue + comment + end


def test_our_reader_reads_what_we_write() -> None:
    assert list(read(io.BytesIO(FILE))) == [Captured(b"x" * 60, 1514), Captured(b"y" * 61, 61)]


def test_scapy_reads_names_times_directions_and_comments() -> None:
    stream: Any = io.BytesIO(FILE)
    reader: Any = RawPcapNgReader(stream)
    (first, about_first), (second, about_second) = reader._read_packet(), reader._read_packet()
    assert (first, second) == (b"x" * 60, b"y" * 61)
    assert (about_first.ifname, about_second.ifname) == (b"wire", b"vm1")
    assert (about_first.direction, about_second.direction) == (1, 2)
    assert about_first.wirelen == 1514
    assert about_first.comments is None
    assert about_second.comments == [b"dropped: oversize"]
    stamp = (about_first.tshigh << 32) + about_first.tslow
    assert (stamp, about_first.tsresol) == (TIME, 1_000_000_000)
