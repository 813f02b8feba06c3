"""Two labs on one bridge, and traffic that notices whatever goes wrong when a VM moves between them."""

import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, NamedTuple

from netns import links, namespace
from netns.lab import Lab
from tests.system.harness import DAEMON, DEADLINE, RunningLab, running

OUT: Final = "migration-out"  # where the bridge is
BRIDGE: Final = "br0"
OUTSIDE: Final = "10.0.0.9"
VM: Final = "10.0.0.2"  # of the one that moves
PORT: Final = 7007
PACE: Final = 0.0002  # seconds between two datagrams, at least
ON_THEIR_WAY: Final = 1000  # datagrams at most: a machine that stands still lets no ring of 4096 overflow
QUIET: Final = 5.0  # seconds without a datagram: none is on its way any more
SO_RCVBUFFORCE: Final = 33

WIRE: Final = f'[wire]\nbridge = "{BRIDGE}"\nnamespace = "{OUT}"\n'
ADAPTER: Final = '[adapter]\nmode = "vmq"\n[host]\nprocessors = 2\n'
VMS: Final = f"""
vm = [
  {{ name = "vm1", address = "10.0.0.1/24" }},
  {{ name = "vm2", address = "{VM}/24" }},
]
"""
OTHER_VMS: Final = 'vm = [{ name = "vm3", address = "10.0.0.3/24" }]\n'
ONE: Final = VMS + ADAPTER + WIRE
OTHER: Final = OTHER_VMS + ADAPTER + WIRE


class Pair(NamedTuple):
    """Two labs; vm2 is at home in the first."""

    one: RunningLab
    other: RunningLab

    def go(self, vm: str = "vm2") -> dict[str, Any]:
        """Move a VM to the other lab."""
        return migrate(self.one, self.other, vm)

    def come_back(self, vm: str = "vm2") -> dict[str, Any]:
        """And back."""
        return migrate(self.other, self.one, vm)

    def assert_laws(self) -> None:
        """In both of them."""
        for lab in self:
            lab.assert_law()


def migrate(source: RunningLab, to: RunningLab, vm: str) -> dict[str, Any]:
    done: dict[str, Any] = source.call("migrate", vm=vm, to=to.config.name)
    return done


def vms(lab: RunningLab) -> list[str]:
    return [vm["name"] for vm in lab.call("vm.list")["vms"]]


@contextmanager
def bridge() -> Iterator[None]:
    """A bridge that is nobody's, and an outside host on it."""
    with Lab() as lab:
        lab.namespace(OUT)
        lab.bridge(OUT, BRIDGE, [])
        links.add_address(OUT, BRIDGE, f"{OUTSIDE}/24")
        yield


@contextmanager
def two_labs(
    path: Path, one: str = ONE, other: str = OTHER, program: Sequence[str] = DAEMON
) -> Iterator[Pair]:
    """Two labs on it."""
    with bridge(), running(one, path, program) as first, running(other, path, program) as second:
        yield Pair(first, second)


def ping(ns: str, address: str, count: int = 1) -> None:
    """Every answer, with nobody's address known beforehand."""
    namespace.run(ns, ["ip", "neighbour", "flush", "all"])
    namespace.run(ns, ["ping", "-c", str(count), "-i", "0.01", "-W", "5", address])


class Arrivals(NamedTuple):
    """What became of numbered datagrams."""

    lost: int
    doubled: int
    late: int  # that came behind a later one


class Numbered:
    """Numbered datagrams from the outside to a VM, until `stop`."""

    def __init__(self, vm: str) -> None:
        with namespace.entered(vm):
            self._end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 26)
        self._end.bind((VM, PORT))
        self._end.setblocking(False)
        with namespace.entered(OUT):
            self._outside = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sent = 0
        self._received: list[int] = []
        self._distinct: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        while not self._stop.wait(PACE):
            if self.sent - len(self._distinct) < ON_THEIR_WAY:
                self._outside.sendto(struct.pack("!I", self.sent), (VM, PORT))
                self.sent += 1
            with suppress(BlockingIOError):
                self._receive()

    def _receive(self) -> None:
        """Until all have come. Raises what the socket raises when there is none."""
        while len(self._distinct) < self.sent:
            (number,) = struct.unpack("!I", self._end.recv(100))
            self._received.append(number)
            self._distinct.add(number)

    def stop(self) -> Arrivals:
        """What has come of all that were sent."""
        self._stop.set()
        self._thread.join()
        self._end.settimeout(QUIET)
        with self._end, self._outside, suppress(TimeoutError):
            self._receive()
        late = sum(before > after for before, after in pairwise(self._received))
        return Arrivals(self.sent - len(self._distinct), len(self._received) - len(self._distinct), late)


class Echo:
    """Numbered lines over one TCP connection from the outside to a VM, each answered before the next."""

    def __init__(self, vm: str) -> None:
        with namespace.entered(vm):
            listening = socket.create_server((VM, PORT))
        with namespace.entered(OUT):
            self._client = socket.create_connection((VM, PORT), timeout=DEADLINE)
        self._server, _ = listening.accept()
        listening.close()
        self.answered = 0
        self.longest = 0.0  # seconds for an answer
        self._wrong: Exception | None = None
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=work) for work in (self._ask, self._serve)]
        for thread in self._threads:
            thread.start()

    def _serve(self) -> None:
        while data := self._server.recv(4096):
            self._server.sendall(data)

    def _ask(self) -> None:
        try:
            with self._client, self._client.makefile("rb") as lines:
                while not self._stop.is_set():
                    began = time.monotonic()
                    self._client.sendall(b"%d\n" % self.answered)
                    assert lines.readline() == b"%d\n" % self.answered
                    self.answered += 1
                    self.longest = max(self.longest, time.monotonic() - began)
        except Exception as wrong:
            self._wrong = wrong

    def stop(self) -> int:
        """Lines that were answered. Raises what went wrong."""
        self._stop.set()
        for thread in self._threads:
            thread.join()
        self._server.close()
        if self._wrong is not None:
            raise self._wrong
        return self.answered
