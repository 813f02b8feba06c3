"""The sorter against the silicon's half of decide(), frame by frame, by BPF_PROG_TEST_RUN."""

import ctypes
import random
import struct
from collections.abc import Iterator
from typing import Any

import pytest

from vmdqemu.datapath.sorter import Sorter
from vmdqemu.nic import adapter as control
from vmdqemu.nic import switch
from vmdqemu.nic.adapter import Adapter, compile_tables
from vmdqemu.nic.frame import HEADER_OCTETS, parse
from vmdqemu.nic.models import IDEAL
from vmdqemu.nic.modes import VMMQ
from vmdqemu.nic.rss import DEFAULT_TYPES, HashType, Rss
from vmdqemu.nic.tables import DEFAULT_QUEUE, Tables

pytestmark = pytest.mark.system

MACS = [bytes.fromhex(f"0200000000{number:02x}") for number in range(1, 7)]
VLANS = [None, None, 5, 5, None, 7]
UNKNOWN = bytes.fromhex("020000000099")
OUTSIDE = bytes.fromhex("0200000000fe")


def _tables() -> Tables:
    """Six VPorts: plain and with a port VLAN, one queue and many, three sets of hash types, two keys."""
    adapter = Adapter(IDEAL, VMMQ, mtu=1500, wire=True)
    for number, (mac, vlan) in enumerate(zip(MACS, VLANS, strict=True), start=1):
        queues = [1, 4, 4, 1, 16, 3][number - 1]
        adapter = control.apply(adapter, control.CreateVPort(f"vm{number}", queues, vlan)).adapter
        adapter = control.apply(adapter, control.SetFilter(number, mac, vlan)).adapter
    other = Rss.spread(16, key=bytes(range(40)), types=DEFAULT_TYPES, entries=64)
    narrow = Rss.spread(4, types=HashType.TCP_IPV4 | HashType.IPV6, entries=8)._replace(default=2)
    adapter = control.apply(adapter, control.SetRss(5, other)).adapter
    outcome = control.apply(adapter, control.SetRss(3, narrow))
    assert outcome.status is control.Status.SUCCESS
    return compile_tables(outcome.adapter, generation=1)


class _TestRun(ctypes.Structure):
    _fields_ = (
        ("sz", ctypes.c_size_t),
        ("data_in", ctypes.c_void_p),
        ("data_out", ctypes.c_void_p),
        ("data_size_in", ctypes.c_uint32),
        ("data_size_out", ctypes.c_uint32),
        ("ctx_in", ctypes.c_void_p),
        ("ctx_out", ctypes.c_void_p),
        ("ctx_size_in", ctypes.c_uint32),
        ("ctx_size_out", ctypes.c_uint32),
        ("retval", ctypes.c_uint32),
        ("repeat", ctypes.c_int),
        ("duration", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("cpu", ctypes.c_uint32),
        ("batch_size", ctypes.c_uint32),
    )


class Bench:
    """Asks the loaded sorter about one frame at a time."""

    def __init__(self, sorter: Sorter) -> None:
        self._run: Any = ctypes.CDLL("libbpf.so.1").bpf_prog_test_run_opts
        self._program = sorter.program("test_sort")

    def queue(self, frame: bytes, tag: int = 0) -> int:
        """The queue; tag: a TCI that the kernel keeps beside the frame."""
        data = ctypes.create_string_buffer(frame, len(frame))
        context = ctypes.create_string_buffer(192)
        struct.pack_into("=II", context, 8, tag, 0)  # __sk_buff: len, pkt_type, mark
        options = _TestRun(ctypes.sizeof(_TestRun), ctypes.cast(data, ctypes.c_void_p).value)
        options.data_size_in = len(frame)
        options.ctx_in, options.ctx_size_in = ctypes.cast(context, ctypes.c_void_p).value, 192
        assert self._run(self._program, ctypes.byref(options)) == 0, frame.hex()
        return int(options.retval)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return _tables()


@pytest.fixture(scope="module")
def bench(tables: Tables) -> Iterator[Bench]:
    sorter = Sorter(tables)
    yield Bench(sorter)
    sorter.close()


def _ipv4(random_: random.Random) -> bytes:
    options = bytes(4 * random_.choice([0, 0, 0, 0, 1, 5, 10]))
    protocol = random_.choice([6, 6, 17, 17, 1, 47])
    payload = random_.randbytes(random_.choice([0, 3, 4, 20, 60]))
    total = 20 + len(options) + len(payload)
    lie = random_.choice([0] * 20 + [-1, 1, 7, -30, 2000])
    fragment = random_.choice([0x4000] * 6 + [0, 0x2000, 0x0007, 0x2001])
    ihl = random_.choice([5 + len(options) // 4] * 12 + [4, 15])
    header = struct.pack(
        "!BBHHHBBH", 0x40 | ihl, 0, max(0, total + lie), random_.getrandbits(16), fragment, 64, protocol, 0
    )
    return header + random_.randbytes(8) + options + payload + bytes(random_.choice([0, 0, 6]))


def _ipv6(random_: random.Random) -> bytes:
    following = random_.choice([6, 6, 17, 17, 58, 0, 43, 44, 51, 60, 59])
    payload = random_.randbytes(random_.choice([0, 3, 4, 20, 60]))
    lie = random_.choice([0] * 20 + [-1, 1, 2000])
    header = struct.pack("!IHBB", 0x60000000, max(0, len(payload) + lie), following, 64)
    return header + random_.randbytes(32) + payload


def _frame(random_: random.Random) -> bytes:
    destination = random_.choice([*MACS, *MACS, UNKNOWN, b"\xff" * 6, bytes.fromhex("01005e000001")])
    source = random_.choice([OUTSIDE] * 12 + [bytes.fromhex("03000000000a")])
    kind, body = random_.choice([(0x0800, _ipv4), (0x86DD, _ipv6)])
    content = body(random_)
    if random_.random() < 0.05:
        kind, content = random_.choice([(0x0806, content), (0x88B5, content), (0x9100, content)])
    tags = b"".join(
        struct.pack(
            "!HH", random_.choice([0x8100, 0x8100, 0x88A8]), random_.choice([0, 5, 5, 7, 0xE005, 9, 4095])
        )
        for _ in range(random_.choice([0, 0, 0, 1, 1, 2, 3]))
    )
    frame = destination + source + tags + struct.pack("!H", kind) + content
    return frame.ljust(14 + 54, b"\0") if random_.random() < 0.9 else frame


def _expected(frame: bytes, tables: Tables) -> int:
    verdict = switch.receive(parse(frame[:HEADER_OCTETS], len(frame)), tables)
    return DEFAULT_QUEUE if verdict.drop is not None else verdict.queues[0].queue


def test_the_sorter_agrees_with_the_silicon_and_places_what_it_can(
    bench: Bench, tables: Tables, full: bool
) -> None:
    random_ = random.Random(20260101)
    filtered = placed = 0
    for _ in range(100_000 if full else 20_000):
        frame = _frame(random_)
        if not _accepted_by_test_run(frame):
            continue
        expected = _expected(frame, tables)
        queue = bench.queue(frame)
        assert queue in (expected, DEFAULT_QUEUE), frame.hex()
        if expected != DEFAULT_QUEUE and parse(frame).ports:
            filtered += 1
            placed += queue == expected
    assert filtered > 500
    assert placed >= 0.99 * filtered


def test_a_tag_beside_the_frame_is_a_tag(bench: Bench, tables: Tables) -> None:
    random_ = random.Random(7)
    for _ in range(2000):
        frame = MACS[2] + OUTSIDE + struct.pack("!H", 0x0800) + _ipv4(random_).ljust(54, b"\0")
        if not _accepted_by_test_run(frame):
            continue
        tagged = frame[:12] + struct.pack("!HH", 0x8100, 5) + frame[12:]
        assert bench.queue(frame, tag=5) == bench.queue(tagged) == _expected(tagged, tables)


def _accepted_by_test_run(frame: bytes) -> bool:
    """The kernel's test run wants a whole IP header behind an IP EtherType."""
    ethertype = int.from_bytes(frame[12:14], "big")
    return len(frame) >= {0x0800: 34, 0x86DD: 54}.get(ethertype, 14)
