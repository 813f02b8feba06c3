"""Owners change under traffic: modes, filters, VMs, processors in random order; a frame has one owner.

The test keeps a history of who owns each address. A frame that was sent while state i was settled, and seen
before state j was asked for, may go to an owner of the states i to j and nobody else; along a flow the states
only go forward. Nothing else may happen to it: a frame without an owner is a counted drop.
"""

import random
import socket
import struct
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from netns import namespace
from tests.system import numbered
from tests.system.harness import RunningLab, eventually, running
from vmdqemu.nic.modes import MODES

pytestmark = pytest.mark.system

VMS = 4
FLOWS = 4  # of each address: one UDP port each
PROCESSORS = 2
PAUSE = 0.005  # seconds between two rounds of frames: a third of what a processor takes, at its speed
ETHERTYPE_IPV4 = 0x0800
SO_RCVBUFFORCE = 33
LAB = f"""
[adapter]
ring = 8192
[host]
processors = {PROCESSORS}
speed = 0.1
[wire]
""" + "".join(f'[[vm]]\nname = "vm{n}"\nqueues = {1 + n % 2}\n' for n in range(1, VMS + 1))

Owners = dict[str, str]  # MAC address -> VM; an address that is not here has no owner


class Sent(NamedTuple):
    """A frame on its way."""

    mac: str
    port: int
    settled: int  # the last state that was in effect for sure


class Seen(NamedTuple):
    """A frame that came in."""

    vm: str
    asked: int  # the last state that may have been in effect


def frame(mac: str, source: str, port: int, number: int) -> bytes:
    """A UDP frame to nobody's IP address: a VM's stack takes it and answers nothing."""
    ip = struct.pack("!BxHIBBH4s4s", 0x45, 38, 0, 64, 17, 0, bytes((10, 9, 0, 1)), bytes((10, 9, 0, 2)))
    udp = struct.pack("!HHHHI", 1000 + port, 9, 18, 0, number)
    head = bytes.fromhex((mac + source).replace(":", "")) + ETHERTYPE_IPV4.to_bytes(2, "big")
    return (head + ip + udp).ljust(60, b"\0")


class Traffic:
    """Numbered frames to every address in use, and what came of them."""

    def __init__(self, lab: RunningLab, stack: ExitStack) -> None:
        self.lab = lab
        self.states: list[Owners] = [{vm["mac"]: vm["name"] for vm in lab.call("vm.list")["vms"]}]
        self.settled = 0
        self.sent: list[Sent] = []
        self.seen: dict[int, Seen] = {}
        self._stack = stack
        self._links: dict[str, socket.socket] = {}
        self._end = threading.Event()
        self._outside = self._open("ext", "wire0")
        for name in self.states[0].values():
            self.watch(name)

    def watch(self, name: str) -> None:
        """Capture what a VM receives, for as long as the test runs: what a VM that went had received too."""
        self._links[name] = self._open(name, "eth0")

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """Send all the time."""
        sender = threading.Thread(target=self._send)
        sender.start()
        try:
            yield
        finally:
            self._end.set()
            sender.join()

    def read(self) -> None:
        """Take in what has arrived."""
        for name, link in self._links.items():
            for octets in iter(lambda link=link: _receive(link), b""):  # type: ignore[misc]
                (number,) = struct.unpack_from("!I", octets, 42)
                assert octets[:6].hex(":") == self.sent[number].mac
                assert number not in self.seen, "a frame came twice"
                self.seen[number] = Seen(name, len(self.states) - 1)

    def _send(self) -> None:
        numbered.stay_on_one_cpu()
        source = self.lab.mac("ext")
        while not self._end.wait(PAUSE):
            for mac in self.states[-1]:
                for port in range(FLOWS):
                    self.sent.append(Sent(mac, port, self.settled))
                    self._outside.send(frame(mac, source, port, len(self.sent) - 1))

    def _open(self, name: str, ifname: str) -> socket.socket:
        with namespace.entered(self.lab.ns(name)):
            link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_IPV4))
        self._stack.enter_context(link)
        link.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        link.bind((ifname, ETHERTYPE_IPV4))
        link.setblocking(False)
        return link


def _receive(link: socket.socket) -> bytes:
    """One frame; none is b"". A link that went says so once, and keeps what it had."""
    try:
        return link.recv(2048)
    except BlockingIOError:
        return b""
    except OSError:
        return _receive(link)


class Changes:
    """Changes of owner, each asked for, carried out, and noted."""

    def __init__(self, traffic: Traffic, seed: int) -> None:
        self._traffic = traffic
        self._lab = traffic.lab
        self._draw = random.Random(seed)
        self._vms = sorted(traffic.states[0].values())
        self._numbers = iter(range(1000))

    def make(self) -> None:
        """One of any kind."""
        self._draw.choice((self._set_mode, self._move_filter, self._replace_vm, self._move_queue))()
        self._traffic.read()

    def _ask(self, owners: Owners, method: str, **params: object) -> None:
        traffic = self._traffic
        traffic.states.append(owners)
        self._lab.call(method, **params)
        traffic.settled = len(traffic.states) - 1

    def _set_mode(self) -> None:
        self._ask(self._owners, "mode.set", mode=self._draw.choice(sorted(MODES)))

    def _move_filter(self) -> None:
        held = self._draw.choice(self._lab.call("filter.list")["filters"])
        vm = self._draw.choice(self._vms)
        self._ask(self._owners | {held["mac"]: vm}, "filter.move", filter=held["filter"], vm=vm)

    def _replace_vm(self) -> None:
        """A VM with one address goes; another with an address of its own takes its number and its queue."""
        owned = list(self._owners.values())
        old = self._draw.choice([vm for vm in self._vms if owned.count(vm) == 1] or [None])
        if old is None:
            return
        self._ask({mac: vm for mac, vm in self._owners.items() if vm != old}, "vm.remove", vm=old)
        new = f"n{next(self._numbers)}"
        mac = f"06:00:00:00:{int(new[1:]) >> 8:02x}:{int(new[1:]) & 255:02x}"
        tables = f'[[vm]]\nname = "{new}"\nmac = "{mac}"\nqueues = {self._draw.choice((1, 2))}\n'
        self._vms[self._vms.index(old)] = new
        self._lab.call("vm.add", tables=tables)
        self._traffic.watch(new)
        self._ask(self._owners | {mac: new}, "vm.list")

    def _move_queue(self) -> None:
        queue = self._draw.choice(self._lab.call("queue.list")["queues"])["QueueID"]
        processor = self._draw.randrange(PROCESSORS)
        self._ask(self._owners, "queue.set", queue=queue, processor=processor)

    @property
    def _owners(self) -> Owners:
        return self._traffic.states[-1]


def lost(traffic: Traffic) -> int:
    """Frames without an owner. Every other one came to an owner of its time, flow by flow in that order."""
    at: dict[tuple[str, int], int] = defaultdict(int)
    missing = 0
    for number, (mac, port, settled) in enumerate(traffic.sent):
        vm, last = traffic.seen.get(number, Seen("", len(traffic.states) - 1))
        missing += not vm
        state = max(at[mac, port], settled)
        while state <= last and traffic.states[state].get(mac, "") != vm:
            state += 1
        assert state <= last, (
            f"frame {number} for {mac} at {vm or 'nobody'}, sent at {settled}, seen at {last}"
        )
        at[mac, port] = state
    return missing


def overtaken(traffic: Traffic) -> list[str]:
    """Frames that came to a VM behind a later one of their flow."""
    newest: dict[tuple[str, str, int], int] = {}
    found = []
    for number, (vm, last) in traffic.seen.items():
        flow = (vm, *traffic.sent[number][:2])
        if newest.setdefault(flow, number) > number:
            found.append(f"{number} behind {newest[flow]} of {flow} before state {last}")
        newest[flow] = max(newest[flow], number)
    return found


def test_every_frame_has_one_owner_whoever_comes_and_goes(tmp_path: Path, full: bool) -> None:
    with running(LAB, tmp_path) as lab, ExitStack() as stack:
        traffic = Traffic(lab, stack)
        changes = Changes(traffic, seed=1)
        with traffic.flowing():
            for _ in range(1000 if full else 40):
                changes.make()
        lab.assert_law()

        def arrived() -> bool:
            traffic.read()
            drops = lab.port("wire")["drops"].get("port_list_is_empty", 0)
            return bool(len(traffic.seen) + drops == len(traffic.sent))

        eventually(arrived, "every frame is somebody's or a counted drop")
        assert lab.port("wire")["ring_overflow"] == 0
        assert len(traffic.sent) > 1000
        assert set(lab.port("wire")["drops"]) <= {"port_list_is_empty"}
        lost(traffic)
        assert overtaken(traffic) == []
