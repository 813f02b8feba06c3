"""What a VM announces is heard on a link: its own announcement and no other, tagged or not."""

import asyncio
from collections.abc import Iterator

import pytest

from netns import links
from netns.lab import Lab
from tests.system.frames import Link, frame, tag
from tests.system.harness import DEADLINE
from vmdqemu.datapath import announcement
from vmdqemu.datapath.announcement import Listener
from vmdqemu.host import migration

pytestmark = pytest.mark.system

A, B = "announce-a", "announce-b"
MAC = bytes.fromhex("020000000001")
OTHER = bytes.fromhex("020000000002")


@pytest.fixture
def cable() -> Iterator[None]:
    with Lab() as lab:
        lab.namespace(A)
        lab.namespace(B)
        lab.veth(A, "eth0", B, "eth0", mtu=1500)
        for ns in (B, A):  # who sends comes last: its carrier is there then
            links.up(ns, "eth0")
        yield


def heard(*frames: bytes, seconds: float = DEADLINE) -> bool:
    """Whether any of these is heard as MAC's at the far end of the cable before the time is over."""

    async def listen() -> bool:
        with Link(A, "eth0") as link:
            listener = Listener(B, "eth0", MAC)
            link.send(*frames)
            found = await listener.heard(seconds)
            listener.close()
        return found

    return asyncio.run(listen())


@pytest.mark.usefixtures("cable")
def test_an_announcement_is_heard_tagged_or_not() -> None:
    octets = migration.announcement(MAC)
    assert heard(octets)
    assert heard(octets[:12] + tag(5) + octets[12:])


@pytest.mark.usefixtures("cable")
def test_one_that_has_come_is_heard_although_the_time_is_over() -> None:
    """As where the listener's process stood still, and finds both when it goes on."""
    octets = migration.announcement(MAC)
    with Link(A, "eth0") as link, Link(B, "eth0") as witness:
        listener = Listener(B, "eth0", MAC)
        link.send(octets)
        witness.wait_for(octets)
        assert asyncio.run(listener.heard(0))
        listener.close()


@pytest.mark.usefixtures("cable")
def test_nothing_else_is() -> None:
    mac = MAC.hex(":")
    others = migration.announcement(OTHER), frame("ff:ff:ff:ff:ff:ff", mac, ethertype=0x0806)
    assert not heard(*others, seconds=0.2)


@pytest.mark.usefixtures("cable")
def test_an_interface_that_is_down_or_gone_announces_nothing() -> None:
    octets = migration.announcement(MAC)
    assert announcement.send(A, "eth0", octets)
    links.remove(A, "eth0")
    assert not announcement.send(A, "eth0", octets)
