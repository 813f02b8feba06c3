"""Frames made by hand: what a test puts on a link, octet for octet, and what it sees come in.

A socket belongs to the namespace it was opened in, so it is used from here ever after.
"""

import select
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from struct import Struct
from typing import Final, Self

from netns import namespace
from tests.system.harness import DEADLINE, RunningLab
from tests.system.numbered import on_one_cpu

EXPERIMENT: Final = 0x88B5  # IEEE 802: local experimental EtherType 1, which no kernel sends
MARKER: Final = 0x88B6  # and 2
VLAN: Final = 0x8100
QINQ: Final = 0x88A8
BROADCAST: Final = "ff:ff:ff:ff:ff:ff"

# linux/if_packet.h
_SOL_PACKET, _ADD_MEMBERSHIP, _AUXDATA, _FANOUT, _IGNORE_OUTGOING = 263, 1, 8, 18, 23
_PROMISCUOUS, _FANOUT_QM, _VLAN_VALID = 1, 5, 0x10
_MEMBERSHIP = Struct("=iHH8x")
_AUX = Struct("=IIIHHHH")  # status, len, snaplen, mac, net, tci, tpid
_TAG = Struct("!HH")

_ETH_P_ALL = 3
_SO_RCVBUFFORCE = 33
_RECEIVE_OCTETS = 8 << 20
_LONGEST = 1 << 17
_NOISE = (MARKER.to_bytes(2, "big"), b"\x08\x06")
_numbers = count(1)


def frame(
    destination: str, source: str, *tags: bytes, ethertype: int = EXPERIMENT, payload: bytes = b""
) -> bytes:
    """A frame of at least 60 octets; tags: outermost first."""
    addresses = bytes.fromhex((destination + source).replace(":", ""))
    return (addresses + b"".join(tags) + ethertype.to_bytes(2, "big") + payload).ljust(60, b"\0")


def tag(vid: int, priority: int = 0, tpid: int = VLAN) -> bytes:
    """A tag with its TPID."""
    return _TAG.pack(tpid, priority << 13 | vid)


class Link:
    """A packet socket on one link, promiscuous. It does not see what it sends."""

    def __init__(self, ns: str, ifname: str) -> None:
        with namespace.entered(ns):
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_OCTETS)
        self.socket.setsockopt(_SOL_PACKET, _IGNORE_OUTGOING, 1)
        self.socket.setsockopt(_SOL_PACKET, _AUXDATA, 1)
        self.socket.bind((ifname, _ETH_P_ALL))
        with namespace.entered(ns):
            index = socket.if_nametoindex(ifname)
        self.socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, _MEMBERSHIP.pack(index, _PROMISCUOUS, 0))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def join_fanout(self, group: int) -> None:
        """Share the link's frames with the group's other sockets, by the queue that each came in on."""
        self.socket.setsockopt(_SOL_PACKET, _FANOUT, group | _FANOUT_QM << 16)

    def send(self, *frames: bytes) -> None:
        """Send frames as they are, in order. Raises OSError where the kernel takes none of that length."""
        with on_one_cpu():
            for octets in frames:
                self.socket.send(octets)

    def receive(self) -> list[bytes]:
        """What came in since the last call, with the tag that the kernel keeps beside a frame."""
        return list(iter(self._receive, None))

    def wait_for(self, wanted: bytes) -> list[bytes]:
        """What comes in up to one frame, that one included."""
        received: list[bytes] = []
        until = time.monotonic() + DEADLINE
        while wanted not in received:
            wait_for_any([self.socket], until)
            if (octets := self._receive()) is not None:
                received.append(octets)
        return received

    def _receive(self) -> bytes | None:
        try:
            data, messages, _, _ = self.socket.recvmsg(
                _LONGEST, socket.CMSG_SPACE(_AUX.size), socket.MSG_DONTWAIT
            )
        except BlockingIOError:
            return None
        octets = bytes(data)
        for _, _, auxiliary in messages:
            status, _, _, _, _, tci, tpid = _AUX.unpack(auxiliary)
            if status & _VLAN_VALID:
                return octets[:12] + _TAG.pack(tpid, tci) + octets[12:]
        return octets


class Ports:
    """A packet socket on every VM's link and on the outside host's."""

    def __init__(self, lab: RunningLab, links: dict[str, Link]) -> None:
        self._lab = lab
        self.links = links

    def send(self, sender: str, *frames: bytes) -> dict[str, list[bytes]]:
        """Send frames from one port; what each port received of them, ports that received nothing left out.

        A broadcast sent behind them tells when all of them were judged: the sender has one channel, and a
        ring is read in order. ARP, which the kernels send when they please, is left out.
        """
        mark = MARKER.to_bytes(2, "big") + next(_numbers).to_bytes(4, "big")
        marker = frame(BROADCAST, self._lab.mac(sender), ethertype=MARKER, payload=mark[2:])
        self.links[sender].send(*frames, marker)
        # The outside host gets every VM's broadcast, and one frame after another.
        witnesses = {"ext"} if "ext" in self.links and sender != "ext" else set(self.links)
        received = self._receive_until(lambda name, octets: name in witnesses and mark in octets[12:22])
        wanted = {name: [octets for octets in got if not _is_noise(octets)] for name, got in received.items()}
        return {name: got for name, got in wanted.items() if got}

    def _receive_until(self, is_last: Callable[[str, bytes], bool]) -> dict[str, list[bytes]]:
        """What comes in up to a frame, by port; then the books are closed."""
        received: dict[str, list[bytes]] = {name: [] for name in self.links}
        until = time.monotonic() + DEADLINE
        while not any(is_last(name, octets) for name, got in received.items() for octets in got):
            wait_for_any([link.socket for link in self.links.values()], until)
            self._receive(received)
        self._lab.assert_law()
        self._receive(received)
        return received

    def _receive(self, received: dict[str, list[bytes]]) -> None:
        for name, link in self.links.items():
            received[name] += link.receive()


def wait_for_any(sockets: list[socket.socket], until: float) -> None:
    """Wait until one of them has something."""
    assert select.select(sockets, [], [], max(0.0, until - time.monotonic()))[0], "the frame did not come"


def _is_noise(octets: bytes) -> bool:
    ethertypes = octets[12:14], octets[16:18] if octets[12:14] == VLAN.to_bytes(2, "big") else b""
    return any(kind in ethertypes for kind in _NOISE)


@contextmanager
def ports(lab: RunningLab) -> Iterator[Ports]:
    """Packet sockets on every port, for a while."""
    with ExitStack() as stack:
        links = {vm.name: stack.enter_context(Link(lab.ns(vm.name), "eth0")) for vm in lab.config.vms}
        if lab.config.wire is not None:
            links["ext"] = stack.enter_context(Link(lab.ns("ext"), "wire0"))
        yield Ports(lab, links)
