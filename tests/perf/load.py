"""Traffic of known size between two namespaces, and what the kernel says became of it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from netns import counters, namespace
from tests.perf.machine import busy_seconds, pinned
from tests.system.harness import eventually
from vmdqemu.experiments.measure import middle

PORT: Final = 5001  # a socket is bound to it and never read
IFNAME: Final = "eth0"
MOST_FRAMES: Final = 20_000_000  # trafgen ends by itself at the latest after these

_UDP_60 = """{{
  {destination}, {source}, 0x08, 0x00,
  0x45, 0, c16(46), c16(0), 0x40, 0, 64, 17, csumip(14, 33), {source_ip}, {destination_ip},
  c16({port}), c16({port}), c16(26), csumudp(14, 34), fill(0x41, 18)
}}
"""


# IEEE 802: local experimental EtherType 1, which no stack does anything with.
_BARE_60 = "{{ {destination}, {source}, 0x88, 0xb5, fill(0x41, 46) }}\n"


class Vm(NamedTuple):
    """One end of a load."""

    ns: str
    mac: str
    address: str
    ifname: str = IFNAME  # whose frames are counted


class Rate(NamedTuple):
    """Frames a second."""

    offered: float  # sent into the sender's TAP, those that found its ring full included
    forwarded: float  # taken from there
    arrived: float  # taken by the receiver's stack
    cpu: float  # seconds that processors worked for one that arrived, sender and receiver included


def tcp(sender: Vm, receiver: Vm, seconds: int) -> float:
    """One iperf3 TCP stream; Gbit/s received."""
    server = namespace.start(
        receiver.ns, pinned("iperf3", "-s", "-1", "--forceflush"), stdout=subprocess.PIPE
    )
    try:
        assert server.stdout is not None
        while "listening" not in server.stdout.readline():
            assert server.poll() is None, "the iperf3 server ended"
        argv = pinned("iperf3", "-c", receiver.address, "-t", str(seconds), "-J")
        report = json.loads(namespace.run(sender.ns, argv, timeout=seconds + 20).stdout)
    finally:
        _end(server)
    return float(report["end"]["sum_received"]["bits_per_second"]) / 1e9


def small_frames(sender: Vm, receiver: Vm, seconds: float, directory: Path) -> Rate:
    """60-octet UDP frames with valid checksums to a bound socket, as fast as one processor makes them."""
    with bound(receiver), flooding(sender, small_udp(sender, receiver), directory):
        return rate(sender, receiver, seconds)


def bare_frames(sender: Vm, receiver: Vm, seconds: float, directory: Path) -> Rate:
    """60-octet frames that the receiver's stack throws away at once: hardly more than the way there."""
    packet = _BARE_60.format(**_addresses(sender, receiver))
    with flooding(sender, packet, directory):
        return rate(sender, receiver, seconds)


def rate(sender: Vm, receiver: Vm, seconds: float) -> Rate:
    """Watch a flood that is under way."""
    before, since, idle = _counted(sender, receiver), time.monotonic(), busy_seconds()
    time.sleep(seconds)
    after, elapsed, busy = _counted(sender, receiver), time.monotonic() - since, busy_seconds()
    offered, forwarded, arrived = (b - a for a, b in zip(before, after, strict=True))
    return Rate(offered / elapsed, forwarded / elapsed, arrived / elapsed, (busy - idle) / max(1, arrived))


@contextmanager
def flooding(sender: Vm, packet: str, directory: Path) -> Iterator[None]:
    """trafgen inside the sender, as fast as it can."""
    file = directory / f"{sender.ns}.trafgen"
    file.write_text(packet)
    number = ("-n", str(MOST_FRAMES))
    argv = ("trafgen", "-i", str(file), "-o", sender.ifname, "-P", "1", "--no-sock-mem", *number)
    with _sending(sender, argv):
        yield


@contextmanager
def steady(sender: Vm, receiver: Vm) -> Iterator[None]:
    """steady.FRAMES_A_SECOND of small UDP frames."""
    with _sending(sender, (sys.executable, "-m", "tests.perf.steady", receiver.address, str(PORT))):
        yield


@contextmanager
def _sending(sender: Vm, argv: tuple[str, ...]) -> Iterator[None]:
    """A program inside the sender, from its first frame on until the block ends."""
    silent = counters.read(sender.ns)[sender.ifname]
    process = namespace.start(sender.ns, pinned(*argv))
    try:
        eventually(lambda: counters.read(sender.ns)[sender.ifname] != silent, f"{argv[0]} sends")
        yield
    finally:
        _end(process)


def ping(sender: Vm, receiver: Vm, count: int) -> float:
    """Round trip in microseconds: the mean of the middle half."""
    argv = pinned("ping", "-i", "0.002", "-c", str(count), receiver.address)
    lines = namespace.run(sender.ns, argv, timeout=10 + count * 0.01).stdout.splitlines()
    times = [float(line.split("time=")[1].split()[0]) for line in lines if "time=" in line]
    return middle(times) * 1000


@contextmanager
def bound(receiver: Vm) -> Iterator[None]:
    """A UDP socket that takes frames until its small buffer is full: no ICMP error is sent back."""
    with namespace.entered(receiver.ns):
        sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sink:
        sink.bind((receiver.address, PORT))
        yield


def _counted(sender: Vm, receiver: Vm) -> tuple[int, int, int]:
    sent, got = counters.read(sender.ns)[sender.ifname], counters.read(receiver.ns)[receiver.ifname]
    return sent.tx_packets + sent.tx_dropped, sent.tx_packets, got.rx_packets


def small_udp(sender: Vm, receiver: Vm) -> str:
    """trafgen's words for a frame of 60 octets."""
    return _UDP_60.format(
        **_addresses(sender, receiver),
        source_ip=_octets(sender.address.split("."), 10),
        destination_ip=_octets(receiver.address.split("."), 10),
        port=PORT,
    )


def _addresses(sender: Vm, receiver: Vm) -> dict[str, str]:
    macs = {"source": sender.mac, "destination": receiver.mac}
    return {end: _octets(mac.split(":"), 16) for end, mac in macs.items()}


def _octets(digits: list[str], base: int) -> str:
    return ", ".join(str(int(digit, base)) for digit in digits)


def _end(process: subprocess.Popen[str]) -> None:
    """With its children: trafgen's forks outlive a signal to their parent."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
