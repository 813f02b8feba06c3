"""The sorter against the silicon's half of decide(), frame by frame, by BPF_PROG_TEST_RUN."""

import random
import struct
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.system import prog_run
from tests.system.generated import MACS, OUTSIDE, VXLAN_PORT, any_frame, ipv4
from vmdqemu.datapath.sorter import Sorter
from vmdqemu.nic import adapter as control
from vmdqemu.nic import switch
from vmdqemu.nic.adapter import Adapter, compile_tables
from vmdqemu.nic.frame import HEADER_OCTETS, parse
from vmdqemu.nic.models import IDEAL
from vmdqemu.nic.modes import RSS, VMMQ, Mode
from vmdqemu.nic.rss import DEFAULT_TYPES, HashType, Rss
from vmdqemu.nic.status import Status
from vmdqemu.nic.switch import NicVerdict
from vmdqemu.nic.tables import DEFAULT_QUEUE, DEFAULT_VPORT, Tables

pytestmark = pytest.mark.system

VLANS = [None, None, 5, 5, None, 7]


LABS = {
    "vmmq": (VMMQ, True),
    "vmmq, outer headers": (VMMQ, False),
    "rss": (RSS, True),
}


def _tables(mode: Mode, inner_headers: bool) -> Tables:
    """Six VPorts: plain and with a port VLAN, one queue and many, three sets of hash types, two keys.

    The default VPort has four queues.
    """
    model = IDEAL._replace(inner_headers=inner_headers)
    adapter = Adapter(model, mode, mtu=1500, wire=True, vxlan_port=VXLAN_PORT, default_queue_pairs=4)
    other = Rss.spread(16, key=bytes(range(40)), types=DEFAULT_TYPES, entries=64)
    extended = HashType.UDP_IPV6 | HashType.TCP_IPV6_EX | HashType.IPV6_EX
    narrow = Rss.spread(4, types=HashType.TCP_IPV4 | extended, entries=8)._replace(default=2)
    for number, (mac, vlan) in enumerate(zip(MACS, VLANS, strict=True), start=1):
        queues = [1, 4, 4, 1, 16, 3][number - 1]
        vport = control.CreateVPort(f"vm{number}", queues, vlan, rss={3: narrow, 5: other}.get(number))
        for request in (vport, control.SetFilter(number, mac, vlan)):
            outcome = control.apply(adapter, request)
            assert outcome.status is Status.SUCCESS
            adapter = outcome.adapter
    return compile_tables(adapter, generation=1)


class Bench:
    """Asks the loaded sorter about one frame at a time."""

    def __init__(self, sorter: Sorter) -> None:
        self._program = sorter.program("test_sort")

    def queue(self, frame: bytes, tag: int = 0) -> int:
        """The queue; tag: a TCI that the kernel keeps beside the frame."""
        return prog_run.run(self._program, frame, mark=tag)


@pytest.fixture(scope="module", params=LABS)
def tables(request: pytest.FixtureRequest) -> Tables:
    return _tables(*LABS[request.param])


@pytest.fixture(scope="module")
def bench(tables: Tables) -> Iterator[Bench]:
    sorter = Sorter(tables)
    yield Bench(sorter)
    sorter.close()


def _silicon(frame: bytes, tables: Tables) -> NicVerdict:
    return switch.receive(parse(frame[:HEADER_OCTETS], len(frame), tables.tunnels), tables)


def _expected(frame: bytes, tables: Tables) -> int:
    verdict = _silicon(frame, tables)
    return DEFAULT_QUEUE if verdict.drop is not None else verdict.queues[0].queue


def _kind(frame: bytes, tables: Tables) -> str | None:
    """What a frame of TCP or UDP is, by who takes it; None: it is none, or the default queue's anyway."""
    seen, verdict = parse(frame, tunnels=tables.tunnels), _silicon(frame, tables)
    in_tunnel = seen.inner is not None and seen.inner.ports
    if verdict.drop is not None or verdict.queues[0].queue == DEFAULT_QUEUE or not (seen.ports or in_tunnel):
        return None
    owner = "default" if verdict.queues[0].vport == DEFAULT_VPORT else "filter"
    return f"{owner}, tunnel" if in_tunnel else owner


def test_the_sorter_agrees_with_the_silicon_and_places_what_it_can(
    bench: Bench, tables: Tables, full: bool
) -> None:
    random_ = random.Random(20260101)
    wanted, placed = Counter[str](), Counter[str]()
    for _ in range(100_000 if full else 20_000):
        frame = any_frame(random_)
        if not prog_run.accepts(frame):
            continue
        expected = _expected(frame, tables)
        queue = bench.queue(frame)
        assert queue in (expected, DEFAULT_QUEUE), frame.hex()
        if kind := _kind(frame, tables):
            wanted[kind] += 1
            placed[kind] += queue == expected
    owners = {"default", "filter"} if tables.vports[1].queues else {"default"}
    tunnels = {f"{owner}, tunnel" for owner in owners if tables.tunnels.nvgre}
    assert set(wanted) == owners | tunnels
    assert min(wanted.values()) > 50
    assert all(placed[kind] >= 0.99 * count for kind, count in wanted.items()), (wanted, placed)


def test_a_tag_beside_the_frame_is_a_tag(bench: Bench, tables: Tables) -> None:
    random_ = random.Random(7)
    for _ in range(2000):
        frame = MACS[2] + OUTSIDE + struct.pack("!H", 0x0800) + ipv4(random_, depth=1).ljust(54, b"\0")
        if not prog_run.accepts(frame):
            continue
        tagged = frame[:12] + struct.pack("!HH", 0x8100, 5) + frame[12:]
        assert bench.queue(frame, tag=5) == bench.queue(tagged) == _expected(tagged, tables)


def _ipv6(next_header: int, upper: bytes) -> bytes:
    return struct.pack("!IHBB", 0x60000000, len(upper), next_header, 64) + bytes(range(32)) + upper


@pytest.mark.parametrize("next_header", [0, 43, 44, 51, 60])
def test_extension_headers_are_skipped_outside_and_leave_no_flow_inside(
    bench: Bench, tables: Tables, next_header: int
) -> None:
    """Inside, TCP has to follow the IP header immediately."""
    for port in range(64):
        extended = _ipv6(next_header, bytes([6] + [0] * 11) + struct.pack("!HH", port, 80) + bytes(16))
        link = MACS[4] + OUTSIDE + struct.pack("!H", 0x86DD)
        udp = struct.pack("!4H", port, VXLAN_PORT, 0, 0) + b"\x08" + bytes(7)
        for frame in (link + extended, link + _ipv6(17, udp + link + extended)):
            assert bench.queue(frame) == _expected(frame, tables)


def test_records_that_are_in_effect_already_are_left(tables: Tables) -> None:
    sorter = Sorter(tables)
    before = prog_run.map_in(sorter._slot)
    sorter.put(tables._replace(generation=2))
    assert prog_run.map_in(sorter._slot) == before
    sorter.put(tables._replace(filters={}, default_queues=(DEFAULT_QUEUE,)))
    assert prog_run.map_in(sorter._slot) != before
    sorter.close()
