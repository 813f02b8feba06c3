"""A VM's channels as the VM itself sees them: the receive queue that its kernel was handed each frame on."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain

import pytest
from scapy.layers.inet import IP, UDP
from scapy.layers.l2 import Ether

from tests.system.frames import Link
from tests.system.harness import RunningLab, eventually, shared
from tests.system.numbered import on_one_cpu

pytestmark = pytest.mark.system

LAB = """
vm = [
  { name = "vm1" },
  { name = "vm2", queues = 4 },
]
[wire]
"""
CHANNELS = 4
FLOWS = 64
FRAMES = 800  # of eight flows; fewer than a ring holds

lab = shared(LAB)


@contextmanager
def channels(lab: RunningLab, vm: str) -> Iterator[list[Link]]:
    """A packet socket for each of the VM's channels, in order."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(Link(lab.ns(vm), "eth0")) for _ in range(CHANNELS)]
        for socket in sockets:
            socket.join_fanout(group=os.getpid() & 0xFFFF)
        # A received frame carries its queue's number plus one, and fanout takes that modulo the sockets.
        yield [*sockets[1:], sockets[0]]


def numbered(lab: RunningLab, sender: str, flow: int, number: int) -> bytes:
    packet = IP(src="192.0.2.1", dst="192.0.2.2") / UDP(sport=10_000 + flow, dport=9)
    header = Ether(src=lab.mac(sender), dst=lab.mac("vm2"))
    return bytes(header / packet / number.to_bytes(4, "big"))


def collected(sockets: list[Link], expected: int) -> list[list[bytes]]:
    """What each channel received, once it is all there."""
    received: list[list[bytes]] = [[] for _ in sockets]

    def complete() -> bool:
        for frames, socket in zip(received, sockets, strict=True):
            frames += socket.receive()
        return sum(map(len, received)) >= expected

    eventually(complete, f"{expected} frames")
    return received


@pytest.mark.parametrize("sender", ["vm1", "ext"])
def test_64_flows_use_all_channels_and_the_vm_sees_what_the_adapter_counts(
    lab: RunningLab, sender: str
) -> None:
    link = {"vm1": "eth0", "ext": "wire0"}[sender]
    sent = [numbered(lab, sender, flow, 0) for flow in range(FLOWS)]
    before = writes(lab)
    with channels(lab, "vm2") as sockets, Link(lab.ns(sender), link) as source:
        source.send(*sent)
        received = collected(sockets, FLOWS)
    assert sorted(chain.from_iterable(received)) == sorted(sent)
    assert all(received)
    lab.assert_law()
    assert [len(frames) for frames in received] == [
        now - then for now, then in zip(writes(lab), before, strict=True)
    ]


def writes(lab: RunningLab) -> list[int]:
    """Frames on each of vm2's channels so far."""
    return [ring["writes"] for ring in lab.port("vm2")["rings"]]


@pytest.mark.parametrize("sender", ["vm1", "ext"])
def test_a_flow_stays_on_one_channel_in_order_among_others(lab: RunningLab, sender: str) -> None:
    link = {"vm1": "eth0", "ext": "wire0"}[sender]
    flows = [[numbered(lab, sender, flow, number) for number in range(FRAMES // 8)] for flow in range(8)]
    with channels(lab, "vm2") as sockets, Link(lab.ns(sender), link) as source:
        with on_one_cpu():
            for together in zip(*flows, strict=True):
                source.send(*together)
        received = collected(sockets, FRAMES)
    for flow in flows:
        members = set(flow)
        seen = [[octets for octets in frames if octets in members] for frames in received]
        assert [frames for frames in seen if frames] == [flow]
