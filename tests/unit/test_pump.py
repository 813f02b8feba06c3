"""The pump: every frame read is written or dropped by name, counted once, and a burst keeps its limits."""

import errno
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, mac, octets, packet, tag
from tests.unit.hostile import frames
from tests.unit.pumping import NEEDS_CSUM, PLAIN, TCPV4, TCPV6, UDP_L4, Fabric, Pumped, vnet
from vmdqemu.datapath.pump import BUFFER_OCTETS, MISS_BUDGET
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST

VLAN = 0x123
REFUSALS = {
    errno.EINVAL: DropReason.BAD_VNET_HEADER,
    errno.EIO: DropReason.EGRESS_DOWN,
    errno.EBADFD: DropReason.EGRESS_GONE,
    errno.EAGAIN: DropReason.INBOX_FULL,
    errno.EPERM: DropReason.EGRESS_ERROR,
}


def to(destination: bytes, source: bytes = mac(1), size: int = 60) -> bytes:
    """A plain frame of `size` octets with its vnet header."""
    return PLAIN + octets(destination, source, payload=bytes(size - 14))


@contextmanager
def refused(fails: Callable[[], int | None]) -> Iterator[None]:
    """Every write is asked for an error number first; None writes."""
    write, writev = os.write, os.writev

    def ask() -> None:
        number = fails()
        if number is not None:
            raise OSError(number, os.strerror(number))

    def refusing_write(fd: int, data: memoryview) -> int:
        ask()
        return write(fd, data)

    def refusing_writev(fd: int, parts: tuple[memoryview, ...]) -> int:
        ask()
        return writev(fd, parts)

    with patch.object(os, "write", refusing_write), patch.object(os, "writev", refusing_writev):
        yield


def test_a_plain_frame_arrives_as_it_is_and_is_counted_at_both_ends() -> None:
    with Fabric(Vm(), Vm()) as fabric:
        spent = Pumped(fabric, 1).burst([to(mac(2)), to(mac(2), size=100)])
        assert fabric.written() == {(2, 0): [to(mac(2)), to(mac(2), size=100)]}
        assert fabric.books() == {
            "ring (1, 0)": {"reads": 2, "read_wire": 2, "read_octets": 160, "lookups": 2, "misses": 1},
            "ring (2, 0)": {"writes": 2, "write_wire": 2, "write_octets": 160},
        }
        assert (spent.reads, spent.wire_frames, spent.octets, spent.empty) == (2, 2, 160, True)


def test_a_broadcast_is_copied_to_everybody_else() -> None:
    with Fabric(Vm(), Vm(), Vm()) as fabric:
        Pumped(fabric, 1).burst([to(BROADCAST)])
        assert fabric.written() == {(port, 0): [to(BROADCAST)] for port in (WIRE, 2, 3)}
        assert fabric.counters.ring(1, 0)["copies"] == 2


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (to(mac(2), STRANGER), DropReason.ANTI_SPOOF_MAC),
        (to(mac(2), GROUP), DropReason.SOURCE_MAC_IS_MULTICAST),
        (to(mac(1)), DropReason.PORT_LOOPBACK_FILTER),
        (to(mac(2), size=1515), DropReason.OVERSIZE),
        (to(mac(2), size=14)[:-1], DropReason.TOO_SHORT),
        (PLAIN, DropReason.TOO_SHORT),
        (PLAIN + octets(mac(2), mac(1), [4095]), DropReason.RESERVED_VID),
        (PLAIN + mac(2) + mac(1) + b"\x81\x00\x00", DropReason.TRUNCATED_TAG),
        (vnet(TCPV4, gso_size=1, csum_start=34) + bytes(13), DropReason.TOO_SHORT),
        (vnet(TCPV4, gso_size=9000, csum_start=34) + bytes(6) + mac(1) + bytes(9000), DropReason.OVERSIZE),
        (to(mac(2), size=BUFFER_OCTETS - 10), DropReason.OVERSIZE),
    ],
)
def test_a_dropped_frame_has_a_named_reason_each_time(frame: bytes, reason: DropReason) -> None:
    with Fabric(Vm(), Vm()) as fabric:
        pumped = Pumped(fabric, 1)
        pumped.burst([frame, to(mac(2)), frame])
        row = fabric.counters.ring(1, 0)
        assert row[reason] == 2
        assert row["reads"] == 3
        assert fabric.written() == {(2, 0): [to(mac(2))]}


@pytest.mark.parametrize(
    ("gso_type", "address", "protocol", "transport"),
    [
        (TCPV4, "192.0.2.1", 6, b"\0" * 12 + b"\x80" + bytes(19)),  # 32 octets: with timestamps
        (TCPV6, "2001:db8::1", 6, b"\0" * 12 + b"\x50" + bytes(7)),
        (UDP_L4, "192.0.2.1", 17, bytes(8)),
        (UDP_L4, "2001:db8::1", 17, bytes(8)),
    ],
)
@pytest.mark.parametrize("vids", [(), (0,)])
def test_a_superframe_counts_as_its_wire_frames_with_their_headers_repeated(
    gso_type: int, address: str, protocol: int, transport: bytes, vids: tuple[int, ...]
) -> None:
    ethertype, network = packet(address, address, protocol, None)
    header = octets(mac(2), mac(1), vids, ethertype, network + transport)
    csum_start = len(header) - len(transport)
    offloads = vnet(gso_type, gso_size=1400, csum_start=csum_start, hdr_len=len(header), flags=NEEDS_CSUM)
    frame = offloads + header + bytes(10_000)
    with Fabric(Vm(), Vm()) as fabric:
        spent = Pumped(fabric, 1).burst([frame])
        wire_octets = 10_000 + 8 * len(header)
        assert fabric.written() == {(2, 0): [frame]}
        read, written = fabric.counters.ring(1, 0), fabric.counters.ring(2, 0)
        assert (read["reads"], read["read_wire"], read["read_octets"]) == (1, 8, wire_octets)
        assert (written["writes"], written["write_wire"], written["write_octets"]) == (1, 8, wire_octets)
        assert (spent.reads, spent.wire_frames, spent.octets) == (1, 8, wire_octets)


def tcp_superframe(
    vids: tuple[int, ...] = (), destination: bytes = STRANGER, source: bytes = mac(1)
) -> bytes:
    """4,000 octets of TCP over IPv4 in segments of 1,000."""
    ethertype, network = packet("192.0.2.1", "192.0.2.2", 6, None)
    header = octets(destination, source, vids, ethertype, network)
    offloads = vnet(
        TCPV4,
        gso_size=1000,
        csum_start=len(header),
        hdr_len=len(header) + 20,
        csum_offset=16,
        flags=NEEDS_CSUM,
    )
    return offloads + header + bytes(12) + b"\x50" + bytes(7) + bytes(4000)


def test_a_port_vlans_tag_is_inserted_on_the_way_out_in_every_wire_frame() -> None:
    with Fabric(Vm(VLAN)) as fabric:
        Pumped(fabric, 1).burst([tcp_superframe()])
        assert fabric.written() == {(WIRE, 0): [tcp_superframe((VLAN,))]}
        assert fabric.counters.ring(1, 0)["read_octets"] == 4000 + 4 * 54
        assert fabric.counters.ring(WIRE, 0)["write_octets"] == 4000 + 4 * 58


def test_a_port_vlans_tag_is_stripped_on_the_way_in_from_every_wire_frame() -> None:
    arriving = tcp_superframe((VLAN,), mac(1), OUTSIDE)
    with Fabric(Vm(VLAN)) as fabric:
        Pumped(fabric, WIRE).burst([arriving])
        assert fabric.written() == {(1, 0): [tcp_superframe((), mac(1), OUTSIDE)]}
        assert fabric.counters.ring(WIRE, 0)["read_octets"] == 4000 + 4 * 58
        assert fabric.counters.ring(1, 0)["write_octets"] == 4000 + 4 * 54


def test_one_broadcast_leaves_tagged_on_the_wire_and_untagged_in_the_vlan() -> None:
    plain = octets(BROADCAST, mac(1))
    with Fabric(Vm(VLAN), Vm(VLAN), Vm()) as fabric:
        Pumped(fabric, 1).burst([PLAIN + plain])
        tagged = plain[:12] + tag(VLAN) + plain[12:]
        assert fabric.written() == {(WIRE, 0): [PLAIN + tagged], (2, 0): [PLAIN + plain]}


@pytest.mark.parametrize(("number", "reason"), REFUSALS.items())
@pytest.mark.parametrize("destination", [mac(2), BROADCAST])
def test_a_refused_write_is_a_drop_with_the_reason_of_its_errno(
    number: int, reason: DropReason, destination: bytes
) -> None:
    with Fabric(Vm(), Vm(), wire=False) as fabric:
        pumped = Pumped(fabric, 1)
        with refused(lambda: number):
            pumped.burst([to(destination)] * 3)
        row = fabric.counters.ring(1, 0)
        assert (row["reads"], row[reason]) == (3, 3)
        assert fabric.counters.ring(2, 0)["writes"] == fabric.counters.ring(2, 0)["write_octets"] == 0
        pumped.burst([to(destination)])
        assert fabric.counters.ring(2, 0)["write_octets"] == 60


def core_law(fabric: Fabric) -> tuple[int, int]:
    """Both sides of reads + copies = writes + drops."""
    rows = [fabric.counters.ring(*line) for line in fabric.lines]
    total = {name: sum(row[name] for row in rows) for name in rows[0]}
    return total["reads"] + total["copies"], total["writes"] + sum(total[reason] for reason in DropReason)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.lists(frames(), max_size=6)), min_size=1, max_size=5),
    st.lists(st.sampled_from([None, None, *REFUSALS]), min_size=1, max_size=7),
)
def test_the_core_law_holds_after_every_burst_whatever_is_refused(
    bursts: list[tuple[int, list[bytes]]], refusals: list[int | None]
) -> None:
    turn = iter(range(1 << 30))
    with (
        Fabric(Vm(), Vm(VLAN, 4), Vm(VLAN)) as fabric,
        refused(lambda: refusals[next(turn) % len(refusals)]),
    ):
        pumps = [Pumped(fabric, port) for port in range(3)]
        for port, arriving in bursts:
            spent = pumps[port].burst(arriving)
            written = fabric.written()
            left, right = core_law(fabric)
            assert left == right
            assert spent.reads <= len(pumps[port].queued.frames) + len(arriving)
            assert sum(len(copies) for copies in written.values()) <= left
        total = sum(fabric.counters.ring(*line)["reads"] for line in fabric.lines)
        assert total + sum(len(pumped.queued.frames) for pumped in pumps) == sum(len(a) for _, a in bursts)


def test_a_burst_reads_no_more_than_it_was_given() -> None:
    with Fabric(Vm(), Vm()) as fabric:
        pumped = Pumped(fabric, 1)
        spent = pumped.burst([to(mac(2))] * 10, reads=4)
        assert (spent.reads, spent.empty, len(pumped.queued.frames)) == (4, False, 6)
        assert fabric.counters.ring(1, 0)["reads"] == 4


@pytest.mark.parametrize("limit", [1, 70, 71, 200])
def test_a_burst_ends_with_the_frame_that_reaches_the_octets(limit: int) -> None:
    """Vnet headers count here: the limit is what is copied."""
    with Fabric(Vm(), Vm()) as fabric:
        spent = Pumped(fabric, 1).burst([to(mac(2))] * 100, octet_limit=limit)
        assert not spent.empty
        assert spent.reads == -(-limit // len(to(mac(2))))


def test_a_superframes_repeated_headers_count_against_the_octets() -> None:
    with Fabric(Vm(), Vm()) as fabric:
        frame = tcp_superframe(destination=mac(2))
        spent = Pumped(fabric, 1).burst([frame] * 3, octet_limit=len(frame) + 1)
        assert spent.reads == 1


def test_a_burst_tires_when_it_made_its_share_of_verdicts() -> None:
    with Fabric(Vm(), wire=False) as fabric:
        pumped = Pumped(fabric, 1)
        strangers = [to(b"\x02\xff" + struct.pack("!I", number)) for number in range(MISS_BUDGET + 5)]
        first, second = pumped.drain(strangers)
        assert (first.reads, first.tired, first.empty) == (MISS_BUDGET, True, False)
        assert (second.reads, second.tired, second.empty) == (5, False, True)
        assert fabric.counters.ring(1, 0)["misses"] == MISS_BUDGET + 5


def test_verdicts_that_are_remembered_tire_nobody() -> None:
    with Fabric(Vm(), wire=False) as fabric:
        pumped = Pumped(fabric, 1)
        strangers = [to(b"\x02\xff" + struct.pack("!I", number)) for number in range(MISS_BUDGET + 5)]
        pumped.drain(strangers)
        assert not pumped.burst(strangers).tired


def test_a_device_that_was_removed_ends_the_burst_with_its_frames_counted() -> None:
    with Fabric(Vm(), Vm()) as fabric:
        spent = Pumped(fabric, 1).burst([to(mac(2)), to(mac(2)), OSError(errno.EBADFD, "gone"), to(mac(2))])
        assert (spent.reads, spent.gone, spent.empty) == (2, True, True)
        assert fabric.counters.ring(1, 0)["reads"] == fabric.counters.ring(2, 0)["writes"] == 2


def test_an_empty_ring_costs_nothing() -> None:
    with Fabric(Vm()) as fabric:
        spent = Pumped(fabric, 1).burst()
        assert (spent.reads, spent.wire_frames, spent.octets) == (0, 0, 0)
        assert (spent.empty, spent.gone, spent.tired) == (True, False, False)
        assert fabric.books() == {}


def test_runs_to_different_rings_are_booked_to_each() -> None:
    with Fabric(Vm(), Vm(), Vm()) as fabric:
        order = [mac(2), mac(2), mac(3), mac(2), BROADCAST, mac(3), STRANGER]
        Pumped(fabric, 1).burst([to(destination) for destination in order])
        assert [fabric.counters.ring(port, 0)["writes"] for port in range(4)] == [2, 0, 4, 3]
        written = fabric.written()
        assert [len(written.get((port, 0), [])) for port in range(4)] == [2, 0, 4, 3]


@pytest.mark.parametrize("size", [14, 42, 59])
def test_a_frame_too_short_for_the_wire_is_padded_there_and_only_there(size: int) -> None:
    with Fabric(Vm(), Vm()) as fabric:
        Pumped(fabric, 1).burst([to(BROADCAST, size=size)])
        assert fabric.written() == {(WIRE, 0): [to(BROADCAST)], (2, 0): [to(BROADCAST, size=size)]}
        assert fabric.counters.ring(1, 0)["read_octets"] == size
        assert fabric.counters.ring(WIRE, 0)["write_octets"] == 60
        assert fabric.counters.ring(2, 0)["write_octets"] == size


def test_a_tag_counts_towards_the_shortest_frame() -> None:
    plain = octets(STRANGER, mac(1), payload=bytes(40))
    with Fabric(Vm(VLAN)) as fabric:
        Pumped(fabric, 1).burst([PLAIN + plain])
        assert fabric.written() == {(WIRE, 0): [PLAIN + plain[:12] + tag(VLAN) + plain[12:] + bytes(2)]}
