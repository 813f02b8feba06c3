"""Floods: as many frames as one processor can make, from several VMs at once, for a bounded time.

    python -m tests.system.flood SECONDS ORDERS

ORDERS is JSON: for each VM the descriptor of its packet socket, the kind of frames, the rate and both MACs.
One process sends for all VMs in turn, so that no VM's ring runs dry while another's sender is being served.
"""

import ctypes
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from struct import Struct
from typing import Any, Final, NamedTuple

from netns import namespace
from tests.system.harness import RunningLab

SEGMENT: Final = 1400  # octets of payload in each wire frame of a superframe
SEGMENTS: Final = 45

ROUND: Final = 1024  # frames of one VM before the next one's, at most
_SOL_PACKET, _PACKET_VNET_HDR, _PACKET_QDISC_BYPASS = 263, 15, 20  # linux/if_packet.h
_EXPERIMENTAL: Final = bytes.fromhex("88b5")  # IEEE 802 local experimental EtherType: no stack answers it
_VNET: Final = Struct("<BBHHHH")
_IPV4: Final = Struct("!BBHHHBBH4s4s")
_UDP: Final = Struct("!HHHH")
_IPV4_ETHERTYPE: Final = bytes.fromhex("0800")
_NOBODY: Final = bytes((10, 99, 99, 99))  # an address of no VM: dropped after routing, without an answer
_PLAIN: Final = bytes(_VNET.size)

_libc = ctypes.CDLL(None, use_errno=True)


def small(source: bytes, target: bytes) -> list[bytes]:
    """The shortest frames."""
    return [_PLAIN + target + source + _EXPERIMENTAL + bytes(46)] * 1024


def full(source: bytes, target: bytes) -> list[bytes]:
    """The longest frames of an MTU of 1500."""
    return [_PLAIN + target + source + _EXPERIMENTAL + bytes(1500)] * 128


def superframe(source: bytes, target: bytes) -> list[bytes]:
    """UDP superframes of SEGMENTS wire frames."""
    header = _VNET.pack(1, 5, 42, SEGMENT, 34, 6)  # needs a checksum, USO
    return [header + udp(source, target, 9, bytes(SEGMENT * SEGMENTS))] * 16


def random_macs(source: bytes, target: bytes) -> list[bytes]:
    """Frames between addresses that nobody has, new to any cache of fewer."""
    del source, target
    return [
        _PLAIN + b"\x06" + random.randbytes(5) + b"\x06" + random.randbytes(5) + _EXPERIMENTAL + bytes(46)
        for _ in range(1 << 17)
    ]


def random_ports(source: bytes, target: bytes) -> list[bytes]:
    """UDP datagrams, each of another flow."""
    return [_PLAIN + udp(source, target, port, bytes(18)) for port in random.sample(range(1 << 16), 1 << 16)]


KINDS: Final[dict[str, Callable[[bytes, bytes], list[bytes]]]] = {
    kind.__name__: kind for kind in (small, full, superframe, random_macs, random_ports)
}


def udp(source: bytes, target: bytes, port: int, payload: bytes) -> bytes:
    """A UDP datagram to nobody's address in a frame to a VM's."""
    octets = _UDP.size + len(payload)
    packet = _IPV4.pack(0x45, 0, _IPV4.size + octets, 0, 0, 64, 17, 0, bytes((10, 0, 0, 1)), _NOBODY)
    checksum = _ones_complement(packet)
    packet = packet[:10] + checksum.to_bytes(2, "big") + packet[12:]
    return target + source + _IPV4_ETHERTYPE + packet + _UDP.pack(port, 9, octets, 0) + payload


def _ones_complement(octets: bytes) -> int:
    total = sum(int.from_bytes(octets[at : at + 2], "big") for at in range(0, len(octets), 2))
    total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Flood(NamedTuple):
    """What one VM sends."""

    kind: str
    target: str
    rate: int = 0  # frames a second; 0: as many as there is time for


@contextmanager
def flooding(lab: RunningLab, floods: dict[str, Flood], seconds: float = 60.0) -> Iterator[None]:
    """Flood from each VM until the block ends, for `seconds` at most."""
    with ExitStack() as stack:
        orders: list[dict[str, Any]] = []
        for vm, flood in floods.items():
            raw = stack.enter_context(_socket(lab.ns(vm)))
            macs = {"source": lab.mac(vm), "target": lab.mac(flood.target)}
            orders.append({"fd": raw.fileno(), "kind": flood.kind, "rate": flood.rate, **macs})
        argv = [sys.executable, "-m", "tests.system.flood", str(seconds), json.dumps(orders)]
        fds = tuple(order["fd"] for order in orders)
        process = stack.enter_context(subprocess.Popen(argv, pass_fds=fds, stdout=subprocess.PIPE))
        try:
            assert process.stdout
            assert process.stdout.readline() == b"ready\n"
            yield
            assert process.poll() is None, "the flood ended before the test did"
        finally:
            process.kill()


def _socket(ns: str) -> socket.socket:
    with namespace.entered(ns):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        raw.bind(("eth0", 0))
    raw.setsockopt(_SOL_PACKET, _PACKET_VNET_HDR, 1)
    raw.setsockopt(_SOL_PACKET, _PACKET_QDISC_BYPASS, 1)
    return raw


class _Header(ctypes.Structure):
    """struct msghdr."""

    _fields_ = (
        ("name", ctypes.c_void_p),
        ("namelen", ctypes.c_uint32),
        ("iov", ctypes.c_void_p),
        ("iovlen", ctypes.c_size_t),
        ("control", ctypes.c_void_p),
        ("controllen", ctypes.c_size_t),
        ("flags", ctypes.c_int),
    )


class _Message(ctypes.Structure):
    """struct mmsghdr."""

    _fields_ = (("header", _Header), ("sent", ctypes.c_uint32))


class _Vector(ctypes.Structure):
    """struct iovec."""

    _fields_ = (("base", ctypes.c_void_p), ("octets", ctypes.c_size_t))


class Sender:
    """Sends frames over and over, many with one system call."""

    def __init__(self, fd: int, frames: list[bytes], rate: int) -> None:
        self._fd = fd
        self._frames = frames  # the vectors point into them
        self._vectors = (_Vector * len(frames))(
            *(_Vector(ctypes.cast(ctypes.c_char_p(frame), ctypes.c_void_p), len(frame)) for frame in frames)
        )
        self._messages = (_Message * len(frames))()
        for index, message in enumerate(self._messages):
            message.header.iov = ctypes.addressof(self._vectors[index])
            message.header.iovlen = 1
        self._rate = rate
        self._due = 0.0
        self._next = 0

    def send(self, elapsed: float) -> None:
        """A round; it ends early with the first frame that the ring does not take.

        elapsed: seconds since the last.
        """
        self._due = min(self._due + elapsed * self._rate, ROUND) if self._rate else ROUND
        count = min(int(self._due), len(self._frames) - self._next)
        if count == 0:
            return
        taken = _libc.sendmmsg(self._fd, ctypes.byref(self._messages[self._next]), count, 0)
        tried = min(max(taken, 0) + 1, count)
        self._due -= tried
        self._next = (self._next + tried) % len(self._frames)


def main(seconds: float, orders: list[dict[str, Any]]) -> None:
    """Send round after round."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # worker "nic" has the last one
    if not all(order["rate"] for order in orders):
        os.setpriority(os.PRIO_PROCESS, 0, -15)  # as many as possible: who else is busy makes it no trickle
    senders = []
    for order in orders:
        source, target = (bytes.fromhex(order[end].replace(":", "")) for end in ("source", "target"))
        senders.append(Sender(order["fd"], KINDS[order["kind"]](source, target), order["rate"]))
    print("ready", flush=True)
    now = time.monotonic()
    until = now + seconds
    while now < until:
        before, now = now, time.monotonic()
        for sender in senders:
            sender.send(now - before)


if __name__ == "__main__":
    main(float(sys.argv[1]), json.loads(sys.argv[2]))
