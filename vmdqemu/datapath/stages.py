"""What receiving a frame costs on this machine, stage by stage and mode by mode, in CPU time.

    pf0 of namespace <name>-nic --ring--> this process: a pump --> eth0 of namespace <name>-vm

The rings, the pumps and the actions are those of a lab; the sorter is not asked, since it costs the host
nothing. A frame that is written runs through the VM's receive path to where its stack finds no such address.
"""

import os
import socket
import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import repeat
from struct import Struct
from typing import Any, Final, NamedTuple

from netns import links, namespace
from netns.lab import Lab
from vmdqemu.datapath import arena, shm, tap
from vmdqemu.datapath.action import Rings
from vmdqemu.datapath.flowcache import FlowCache
from vmdqemu.datapath.pump import BUFFER_OCTETS, reader
from vmdqemu.datapath.shm import Layout
from vmdqemu.datapath.straight import open_pump
from vmdqemu.datapath.vnet import VNET_OCTETS, segments
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic import adapter as control
from vmdqemu.nic.adapter import Adapter, CreateVPort, SetFilter, compile_tables
from vmdqemu.nic.frame import HEADER_OCTETS, format_mac
from vmdqemu.nic.models import IDEAL
from vmdqemu.nic.modes import OFF, OFF_NOCOPY, VMDQ, VMQ, Mode
from vmdqemu.nic.tables import DEFAULT_QUEUE, Tables

SIZES: Final = (60, 1514, 65_000)  # octets of a frame; the last one is a superframe
MODES: Final = (OFF, OFF_NOCOPY, VMDQ, VMQ)
FRAMES: Final = 500  # in a ring at once
MTU: Final = 1500
MSS: Final = 1448

_PACKET_VNET_HDR = 15
_SOL_PACKET = 263
_SNDBUFFORCE = 32
_VNET = Struct("<BBHHHH")
_IPV4 = Struct("!BBHHHBBH4s4s")
_TCP = Struct("!HHIIBBHHH")
_NEEDS_CSUM, _TCPV4, _CSUM_OFFSET, _HEADERS = 1, 1, 16, 54
_VM, _OUTSIDE = bytes.fromhex("020000000001"), bytes.fromhex("0200000000fe")
_SPLIT = VNET_OCTETS + HEADER_OCTETS

Drain = Callable[[], object]  # reads the ring until it is empty


class Costs(NamedTuple):
    """CPU nanoseconds for one frame of one size."""

    octets: int
    wire_frames: int  # that it stands for
    stages: dict[str, float]  # each by itself
    modes: dict[str, float]  # a pump's whole way, from ring to ring


class _Bench(NamedTuple):
    rings: Rings
    sender: socket.socket
    pf: int
    vm: int


def measure(name: str, rounds: int = 5) -> list[Costs]:
    """Median of rounds, for each size. name: of the namespaces. Raises Missing without the privilege."""
    with Lab() as lab:
        bench = _build(name, lab)
        with bench.sender:
            return [_measure(bench, frame_of(octets), rounds) for octets in SIZES]


def frame_of(octets: int) -> bytes:
    """A TCP segment from the outside to the VM with its vnet header; a superframe if it needs to be one."""
    payload = octets - _HEADERS
    ip = _IPV4.pack(0x45, 0, octets - 14, 0, 0x4000, 64, 6, 0, bytes((10, 0, 0, 254)), bytes((10, 0, 0, 1)))
    tcp = _TCP.pack(5201, 5201, 0, 0, 0x50, 0x10, 0xFFFF, 0, 0)
    gso = (_TCPV4, _HEADERS, MSS) if octets > MTU + 14 else (0, 0, 0)
    vnet = _VNET.pack(_NEEDS_CSUM, *gso, _HEADERS - len(tcp), _CSUM_OFFSET)
    return vnet + _VM + _OUTSIDE + b"\x08\x00" + ip + tcp + bytes(payload)


def _build(name: str, lab: Lab) -> _Bench:
    """Two TAPs in two namespaces, and a socket that fills the ring of the first."""
    nic, vm = f"{name}-nic", f"{name}-vm"
    fds = []
    for ns, ifname in ((nic, "pf0"), (vm, "eth0")):
        lab.namespace(ns)
        device = tap.open_tap(ns, ifname, rings=1, ring=2 * FRAMES, offloads=True)
        lab.push(tap.close, device.fds)
        fds.append(device.fds[0])
    links.set_mac(vm, "eth0", format_mac(_VM))
    for ns, ifname in ((nic, "pf0"), (vm, "eth0")):
        links.up(ns, ifname, mtu=MTU)
    with namespace.entered(nic):
        sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    sender.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    sender.setsockopt(socket.SOL_SOCKET, _SNDBUFFORCE, 1 << 28)
    sender.bind(("pf0", 0))
    layout = Layout(workers=1, rings=(2, 1), queues=2)
    memory, counters = arena.create(workers=1), shm.create(layout)
    lab.push(tap.close, (memory, counters))
    pf, channel = fds
    rings = {(WIRE, DEFAULT_QUEUE): pf, (WIRE, 1): pf, (1, 0): channel}
    return _Bench(
        Rings(0, layout, shm.cells(counters), rings, arenas={1: arena.slot(arena.memory(memory), 0)}),
        sender,
        pf,
        channel,
    )


def _measure(bench: _Bench, frame: bytes, rounds: int) -> Costs:
    """The order of all changes from round to round."""
    ways = {**_stages(bench, frame), **{mode.name: _pump(bench, mode) for mode in MODES}}
    found: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds):
        for name in list(ways)[:: -1 if number % 2 else 1]:
            found[name].append(_time(bench, frame, ways[name]))
    medians = {name: statistics.median(values) for name, values in found.items()}
    modes = {mode.name: medians.pop(mode.name) for mode in MODES}
    wire = segments(bytearray(frame), len(frame)).frames if frame[1] else 1
    return Costs(len(frame) - VNET_OCTETS, wire, medians, modes)


def _time(bench: _Bench, frame: bytes, work: Drain) -> float:
    """CPU nanoseconds a frame, with the ring filled before."""
    for _ in range(FRAMES):
        bench.sender.send(frame)
    begin = time.thread_time_ns()
    work()
    spent = time.thread_time_ns() - begin
    _read_all(reader(bench.pf), bytearray(BUFFER_OCTETS))
    return spent / FRAMES


def _pump(bench: _Bench, mode: Mode) -> Drain:
    """The pump of the mode: of the VM's own queue if it has one."""
    tables = _tables(mode)
    queue = max((DEFAULT_QUEUE, *tables.vports[1].queues))
    pump = open_pump(WIRE, queue, tables, bench.rings)

    def drain() -> None:
        while not pump.burst(64, 1 << 40).empty:
            pass

    return drain


def _tables(mode: Mode) -> Tables:
    adapter = Adapter(IDEAL, mode, MTU, wire=True)
    adapter = control.apply(adapter, CreateVPort("vm")).adapter
    return compile_tables(control.apply(adapter, SetFilter(1, _VM)).adapter, generation=1)


def _stages(bench: _Bench, frame: bytes) -> dict[str, Drain]:
    """Each stage of the loops, FRAMES times."""
    buffer, slot, length = bytearray(BUFFER_OCTETS), bench.rings.arenas[1], len(frame)
    buffer[:length] = frame
    slot[:length] = frame
    view, head = memoryview(buffer), memoryview(buffer)[: min(length, _SPLIT)]
    cache = FlowCache(buffer, WIRE, _tables(OFF), bench.rings)
    cache.look(None, length, min(length - VNET_OCTETS, MTU))

    def look_up() -> None:
        known, key = cache.known, cache.l2_key
        for _ in range(FRAMES):
            known(key())

    def copy() -> None:
        for _ in range(FRAMES):
            slot[:length] = view[:length]

    def write() -> None:
        for _ in range(FRAMES):
            os.write(bench.vm, view[:length])

    def write_split() -> None:
        for _ in range(FRAMES):
            os.writev(bench.vm, (head, slot[: length - _SPLIT]))

    return {
        "read": lambda: _read_all(reader(bench.pf), bytearray(BUFFER_OCTETS)),
        "read behind a lookahead": lambda: _read_all(partial(os.readv, bench.pf), (bytearray(_SPLIT), slot)),
        "look-up": look_up,
        "copy": copy,
        "write": write,
        "write with a lookahead": write_split if length > _SPLIT else write,
    }


def _read_all(read: Callable[[Any], int | None], into: object) -> None:
    with suppress(BlockingIOError):  # what readinto says by None
        for length in map(read, repeat(into)):
            if length is None:
                return
