"""Frames out of capture files as scapy writes them, and what becomes of a file that is broken."""

import io
import re
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, PcapWriter

from vmdqemu.observe.pcap import LONGEST_FRAME, Captured, is_capture, read

FRAMES = [bytes(range(size)) for size in (14, 60, 61, 255)]


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def section(order: str = "<") -> bytes:
    return block(0x0A0D0D0A, struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def link(order: str = "<", snaplen: int = 0, kind: int = 1) -> bytes:
    return block(1, struct.pack(f"{order}HHI", kind, 0, snaplen), order)


def enhanced(data: bytes, order: str = "<", interface: int = 0, length: int | None = None) -> bytes:
    fields = (interface, 0, 0, len(data), len(data) if length is None else length)
    return block(6, struct.pack(f"{order}5I", *fields) + data.ljust(-(-len(data) // 4) * 4, b"\0"), order)


def pcap(order: str, magic: int, network: int = 1) -> bytes:
    return struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, network)


def record(order: str, data: bytes, length: int) -> bytes:
    return struct.pack(f"{order}4I", 1, 2, len(data), length) + data


def frames(data: bytes) -> list[Captured]:
    return list(read(io.BytesIO(data)))


@pytest.mark.parametrize("writer", [PcapWriter, PcapNgWriter])
def test_what_scapy_writes_is_read(writer: type, tmp_path: Path) -> None:
    file = tmp_path / "frames"
    with writer(str(file)) as out:
        for octets in FRAMES:
            out.write(Ether(octets))
    assert is_capture(file.read_bytes()[:4])
    with file.open("rb") as stream:
        assert list(read(stream)) == [Captured(octets, len(octets)) for octets in FRAMES]


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
def test_pcap_of_either_byte_order_and_either_clock(order: str, magic: int) -> None:
    data = pcap(order, magic) + record(order, b"x" * 20, 1500) + record(order, b"", 0)
    assert frames(data) == [Captured(b"x" * 20, 1500), Captured(b"", 0)]


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_either_byte_order_with_blocks_that_say_nothing_to_us(order: str) -> None:
    simple = block(3, struct.pack(f"{order}I", 1500) + b"y" * 20, order)
    statistics = block(5, bytes(12), order)
    data = section(order) + link(order, snaplen=18) + statistics + enhanced(b"x" * 21, order) + simple
    assert frames(data + section("<")) == [Captured(b"x" * 21, 21), Captured(b"y" * 18, 1500)]


NG = section() + link()


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"GIF8", "neither pcap nor pcapng"),
        (b"", "octet 0: the file is cut off here"),
        (pcap("<", 0xA1B2C3D4)[:20], "octet 20: the file is cut off here"),
        (pcap("<", 0xA1B2C3D4, network=101), "octet 24: link type 101; only Ethernet (1) is read"),
        (
            pcap("<", 0xA1B2C3D4) + struct.pack("<4I", 0, 0, 1 << 31, 60),
            "octet 40: a frame of 2147483648 octets",
        ),
        (pcap("<", 0xA1B2C3D4) + record("<", b"x" * 20, 20)[:-1], "octet 59: the file is cut off here"),
        (section()[:10], "octet 10: the file is cut off here"),
        (section()[:8] + bytes(20), "octet 12: a section without a byte order"),
        (NG + enhanced(b"x" * 20)[:-4], f"octet {48 + 48}: the file is cut off here"),
        (NG + enhanced(b"x" * 20)[:-4] + bytes(4), f"octet {48 + 52}: a block whose two lengths differ"),
        (NG + struct.pack("<II", 6, 0), "octet 56: a block of 0 octets"),
        (NG + struct.pack("<II", 6, 0xFFFFFFFC), "octet 56: a block of 4294967292 octets"),
        (NG + block(6, bytes(8)), "octet 68: a block shorter than its fields"),
        (NG + enhanced(b"", interface=1), "octet 80: a frame of interface 1, which was not described"),
        (
            NG + block(6, struct.pack("<5I", 0, 0, 0, 24, 24) + bytes(20)),
            "octet 100: a frame longer than its block",
        ),
        (section() + link(kind=113) + enhanced(b""), "octet 80: link type 113; only Ethernet (1) is read"),
    ],
)
def test_a_broken_file_is_an_error_with_its_place(data: bytes, error: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(error)}$"):
        frames(data)


@given(st.sampled_from([NG, pcap("<", 0xA1B2C3D4), pcap(">", 0xA1B23C4D), section(">"), b""]), st.binary())
def test_any_octets_are_read_or_refused(start: bytes, rest: bytes) -> None:
    try:
        for octets, length in read(io.BytesIO(start + rest)):
            assert len(octets) <= min(length, LONGEST_FRAME)
    except ValueError:
        pass


@pytest.mark.parametrize("cut", range(len(NG + enhanced(b"x" * 20))))
def test_a_file_that_is_cut_off_gives_what_was_whole(cut: int) -> None:
    whole = NG + enhanced(b"x" * 20)
    got: list[Captured] = []
    try:
        got += read(io.BytesIO((whole + whole)[: len(whole) + cut]))
    except ValueError:
        assert cut not in (0, 28, 48)  # where a block ends
    if cut in (0, 28, 48):
        assert got == [Captured(b"x" * 20, 20)]
