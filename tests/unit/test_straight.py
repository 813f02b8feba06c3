"""The straight pump: the very fate that decide() rules for each frame of a VM's ring, without asking it."""

import errno
import os
from collections.abc import Sequence
from typing import NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.builders import OUTSIDE, Vm, mac, octets, packet
from tests.unit.hostile import frames
from tests.unit.pumping import NEEDS_CSUM, PLAIN, TCPV4, Fabric, Pumped, Written, vnet
from vmdqemu.datapath.pump import BUFFER_OCTETS, Pump
from vmdqemu.datapath.straight import Straight, open_pump
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic import switch
from vmdqemu.nic.counters import DropReason, RingCounter
from vmdqemu.nic.frame import parse
from vmdqemu.nic.modes import MODES, OFF, OFF_NOLOOKUP, RSS, VMDQ, VMMQ, VMQ, Mode
from vmdqemu.nic.tables import DEFAULT_QUEUE, Tables

VLAN = 10
QUEUE = 1  # of the first VM
NO_LIMIT = 1 << 40
ASKED = {RingCounter.LOOKUPS, RingCounter.MISSES}  # what a straight pump never does


class Way(NamedTuple):
    """Where the frames of a VM's ring lie."""

    mode: Mode
    lookahead: int = 256


COPIED, SPLIT, UNPROTECTED = Way(VMDQ), Way(VMQ, 128), Way(VMQ, 0)
WAYS = (COPIED, SPLIT, Way(VMQ), UNPROTECTED)


def fabric_of(way: Way, *vms: Vm) -> Fabric:
    return Fabric(*(vms or (Vm(), Vm())), mode=way.mode, lookahead=way.lookahead)


def straight(fabric: Fabric, queue: int = QUEUE) -> Straight:
    pump = open_pump(WIRE, queue, fabric.tables, fabric.rings)
    assert isinstance(pump, Straight)
    return pump


def arriving(size: int = 60, payload: bytes = b"") -> bytes:
    return PLAIN + octets(mac(1), OUTSIDE, payload=payload.ljust(size - 14, b"\x11"))


def superframe(segments: int) -> bytes:
    """TCP over IPv4 in segments of 1,000 octets."""
    ethertype, network = packet("192.0.2.1", "192.0.2.2", 6, None)
    header = octets(mac(1), OUTSIDE, (), ethertype, network)
    offloads = vnet(TCPV4, gso_size=1000, csum_start=34, hdr_len=54, csum_offset=16, flags=NEEDS_CSUM)
    return offloads + header + bytes(12) + b"\x50" + bytes(7) + bytes(range(250)) * 4 * segments


def placed(frame: bytes, tables: Tables) -> int:
    """The queue that the sorter picks: it knows no length."""
    record = parse(frame[len(PLAIN) :], tunnels=tables.tunnels)
    verdict = switch.receive(record._replace(length=60), tables)
    return DEFAULT_QUEUE if verdict.drop else verdict.queues[0].queue


class Fate(NamedTuple):
    """What became of frames: on the rings, and in the books."""

    written: Written
    books: dict[str, dict[str, int]]


def fate(fabric: Fabric, pump: Pump) -> Fate:
    while not pump.burst(64, NO_LIMIT).empty:
        pass
    books = {
        row: {name: count for name, count in counts.items() if name not in ASKED}
        for row, counts in fabric.books().items()
    }
    return Fate(fabric.written(), books)


@settings(max_examples=300)
@given(
    st.lists(frames(), min_size=1, max_size=20),
    st.sampled_from([*WAYS, Way(OFF_NOLOOKUP), Way(VMMQ)]),
    st.sampled_from([None, VLAN]),
)
def test_a_vms_ring_is_served_as_decide_would_rule_frame_by_frame(
    sent: list[bytes], way: Way, vlan: int | None
) -> None:
    vms = (Vm(vlan, 4), Vm(vlan), Vm())
    with fabric_of(way, *vms) as ours, fabric_of(way, *vms) as theirs:
        queues = {queue for vport in ours.tables.vports.values() for queue in vport.queues}
        for queue in queues:
            mine = [frame for frame in sent if placed(frame, ours.tables) == queue]
            for frame in mine:
                ours.arrive((WIRE, queue), frame)
            ruled = Pumped(theirs, WIRE, queue)
            ruled.queued.frames.extend(mine)
            assert fate(ours, straight(ours, queue)) == fate(theirs, ruled.pump)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_nothing_is_looked_up(way: Way) -> None:
    with fabric_of(way) as fabric:
        for size in (60, 400, 1514):
            fabric.arrive((WIRE, QUEUE), arriving(size))
        fabric.arrive((WIRE, QUEUE), superframe(20))
        spent = straight(fabric).burst(64, NO_LIMIT)
        assert (spent.reads, spent.wire_frames, spent.empty) == (4, 23, True)
        row = fabric.counters.ring(WIRE, QUEUE)
        assert (row["lookups"], row["misses"]) == (0, 0)
        assert fabric.written() == {(1, 0): [*map(arriving, (60, 400, 1514)), superframe(20)]}


@pytest.mark.parametrize("way", WAYS, ids=str)
@pytest.mark.parametrize("size", [60, 1514])
def test_a_refused_write_is_a_named_drop(way: Way, size: int) -> None:
    with fabric_of(way) as fabric:
        fabric.arrive((WIRE, QUEUE), arriving(size))
        refusal = OSError(errno.EIO, "down")
        with patch.object(os, "write", side_effect=refusal), patch.object(os, "writev", side_effect=refusal):
            straight(fabric).burst(64, NO_LIMIT)
        assert fabric.counters.ring(WIRE, QUEUE)[DropReason.EGRESS_DOWN] == 1
        assert fabric.counters.ring(1, 0)["writes"] == 0


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_burst_keeps_its_limits(way: Way) -> None:
    with fabric_of(way) as fabric:
        for _ in range(10):
            fabric.arrive((WIRE, QUEUE), arriving())
        pump = straight(fabric)
        assert pump.burst(4, NO_LIMIT)[:4] == (4, 4, 240, False)
        assert pump.burst(64, 71).reads == 2
        assert pump.burst(64, NO_LIMIT).reads == 4


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_a_device_that_was_removed_ends_the_burst(way: Way) -> None:
    with fabric_of(way) as fabric, patch.object(os, "readv", side_effect=OSError(errno.EBADFD, "gone")):
        pump = straight(fabric)
        if way.lookahead and not way.mode.copy:
            assert pump.burst(64, NO_LIMIT).gone


def test_a_copied_frame_lies_in_the_vms_memory_whole() -> None:
    with fabric_of(COPIED) as fabric:
        fabric.arrive((WIRE, QUEUE), arriving(1514))
        straight(fabric).burst(64, NO_LIMIT)
        assert bytes(fabric.rings.arenas[1][:1524]) == arriving(1514)
        assert not any(fabric.rings.arenas[2])


def test_in_shared_memory_the_lookahead_is_the_hosts_and_the_rest_the_vms() -> None:
    with fabric_of(SPLIT) as fabric:
        fabric.arrive((WIRE, QUEUE), arriving(1514, payload=bytes(range(200))))
        straight(fabric).burst(64, NO_LIMIT)
        behind = arriving(1514, payload=bytes(range(200)))[len(PLAIN) + SPLIT.lookahead :]
        assert bytes(fabric.rings.arenas[1][: len(behind)]) == behind
        assert not any(fabric.rings.arenas[1][len(behind) :])


def tampered(way: Way, sent: Sequence[bytes]) -> list[bytes]:
    """What arrives when the VM overwrites all of its memory between each frame's arrival and its delivery."""
    with fabric_of(way) as fabric:
        memory, pump = fabric.rings.arenas[1], straight(fabric)
        read = pump.read

        def attacked(into: object) -> int | None:
            length = read(into)
            memory[:] = b"\xee" * BUFFER_OCTETS
            memory[: len(PLAIN)] = PLAIN
            return length

        with patch.object(pump, "read", attacked):
            for frame in sent:
                fabric.arrive((WIRE, QUEUE), frame)
            pump.burst(64, NO_LIMIT)
        return fabric.written()[1, 0]


@pytest.mark.parametrize("way", [way for way in WAYS if way != UNPROTECTED], ids=str)
def test_what_was_decided_by_is_what_is_delivered_whatever_the_vm_does_meanwhile(way: Way) -> None:
    sent = [arriving(60), arriving(1514), superframe(3)]
    host = len(PLAIN) + way.lookahead
    assert [frame[:host] for frame in tampered(way, sent)] == [frame[:host] for frame in sent]


def test_without_a_lookahead_a_vm_changes_the_headers() -> None:
    (frame,) = tampered(UNPROTECTED, [arriving(1514)])
    assert frame[len(PLAIN) :] == b"\xee" * 1514


@pytest.mark.parametrize("mode", [OFF, RSS, VMDQ, VMQ], ids=lambda mode: mode.name)
def test_only_a_vms_own_queue_is_served_straight(mode: Mode) -> None:
    with Fabric(Vm(), Vm(), mode=mode) as fabric:
        kinds = {line: type(open_pump(*line, fabric.tables, fabric.rings)) for line in fabric.lines}
    own = {(WIRE, queue) for vport in fabric.tables.vports.values() for queue in vport.queues}
    assert len(own) == (2 if mode in (VMDQ, VMQ) else 0)
    assert kinds == {line: Straight if line in own else Pump for line in kinds}


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_no_mode_leaves_a_ring_without_a_pump(mode: Mode) -> None:
    with Fabric(Vm(queue_pairs=2), Vm(VLAN), mode=mode) as fabric:
        for line in fabric.lines:
            assert open_pump(*line, fabric.tables, fabric.rings).burst(1, NO_LIMIT).empty
