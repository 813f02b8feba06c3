"""TAPs on the real kernel: rings in order, sized before they are used, gone with their last descriptor."""

import errno
import fcntl
import os
import select
import socket
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest

from netns import counters, links, namespace
from netns.lab import Lab
from tests.system.harness import eventually
from tests.unit.builders import mac, octets, packet
from vmdqemu.datapath import tap
from vmdqemu.datapath.tap import NO_OFFLOADS, WITH_USO, WITHOUT_USO, Tap, open_tap
from vmdqemu.errors import Missing

pytestmark = pytest.mark.system

NS = f"tap{os.getpid()}"
PLAIN = bytes(10)
FRAME = octets(mac(1), mac(2))


@pytest.fixture
def ns() -> Iterator[str]:
    with Lab() as lab:
        lab.namespace(NS)
        yield NS


def opened(lab: Lab, ns: str, *, rings: int = 1, ring: int = 64, offloads: bool = True) -> Tap:
    """A TAP `eth0`, set up, that goes with the lab."""
    device = open_tap(ns, "eth0", rings=rings, ring=ring, offloads=offloads)
    lab.push(tap.close, device.fds)
    links.up(ns, "eth0", mtu=1500)
    return device


def sender(ns: str) -> socket.socket:
    """A raw socket inside: what is sent there, the TAP's owner reads."""
    with namespace.entered(ns):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    raw.bind(("eth0", 0))
    return raw


def read(fd: int) -> bytes | None:
    """The next frame; None when the ring is empty."""
    try:
        return os.read(fd, 1 << 17)
    except BlockingIOError:
        return None


def drained(fds: tuple[int, ...]) -> list[bytes]:
    """Everything that waits in the rings."""
    return [frame for fd in fds for frame in iter(partial(read, fd), None)]


def open_taps() -> int:
    """How many of this process's descriptors are a TAP's."""
    found = 0
    for fd in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the one that lists them
            found += os.readlink(f"/proc/self/fd/{fd}") == tap.DEVICE
    return found


def exists(ns: str) -> bool:
    return "eth0" in counters.read(ns)


def test_what_the_vm_sends_is_read_behind_a_vnet_header_of_ten_octets(ns: str) -> None:
    with Lab() as lab:
        device = opened(lab, ns)
        with sender(ns) as raw:
            raw.send(FRAME)
        assert drained(device.fds) == [PLAIN + FRAME]


def test_what_is_written_the_vm_receives_whichever_ring_it_was(ns: str) -> None:
    with Lab() as lab:
        device = opened(lab, ns, rings=3)
        for fd in device.fds:
            os.write(fd, PLAIN + FRAME)
        assert counters.read(ns)["eth0"].rx_packets == 3


def test_an_empty_ring_does_not_block_and_is_not_readable(ns: str) -> None:
    with Lab() as lab:
        device = opened(lab, ns, rings=2)
        drained(device.fds)
        assert [read(fd) for fd in device.fds] == [None, None]
        assert select.select(device.fds, [], [], 0)[0] == []


@pytest.mark.parametrize("rings", [1, 4])
def test_each_ring_is_one_queue_of_the_device(ns: str, rings: int) -> None:
    with Lab() as lab:
        device = opened(lab, ns, rings=rings)
        assert len(device.fds) == rings
        queues = namespace.run(ns, ["ls", "/sys/class/net/eth0/queues"]).stdout.split()
        assert queues == sorted(f"{way}-{number}" for way in ("rx", "tx") for number in range(rings))


def test_each_ring_is_as_large_as_it_was_asked_for(ns: str) -> None:
    """One descriptor fewer is usable. What finds it full is counted by the kernel, and only there."""
    with Lab() as lab:
        device = opened(lab, ns, ring=64)
        drained(device.fds)
        before = counters.read(ns)["eth0"]
        with sender(ns) as raw:
            for _ in range(100):
                raw.send(FRAME)
        after = counters.read(ns)["eth0"]
        assert len(drained(device.fds)) == 63
        assert after.tx_dropped - before.tx_dropped == 100 - 63


def test_descriptors_are_not_inherited_by_accident(ns: str) -> None:
    with Lab() as lab:
        assert not any(os.get_inheritable(fd) for fd in opened(lab, ns, rings=2).fds)


def test_the_device_goes_with_its_last_descriptor_and_not_before(ns: str) -> None:
    device = open_tap(ns, "eth0", rings=2, ring=64, offloads=True)
    another = os.dup(device.fds[0])
    tap.close(device.fds)
    assert exists(ns)
    os.close(another)
    eventually(lambda: not exists(ns), "eth0 is gone")


def test_with_offloads_a_checksum_may_be_left_open(ns: str) -> None:
    with Lab() as lab:
        device = opened(lab, ns, offloads=True)
        assert device.offloads in (WITH_USO, WITHOUT_USO)
        links.add_address(ns, "eth0", "10.0.0.1/24")
        assert _udp_frame(ns, device)[0] == 1  # VIRTIO_NET_HDR_F_NEEDS_CSUM


def test_without_offloads_the_kernel_finishes_every_checksum(ns: str) -> None:
    with Lab() as lab:
        device = opened(lab, ns, offloads=False)
        assert device.offloads == NO_OFFLOADS
        links.add_address(ns, "eth0", "10.0.0.1/24")
        assert _udp_frame(ns, device)[:10] == PLAIN


def test_a_kernel_without_udp_superframes_gets_tcp_superframes(
    ns: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ioctl = fcntl.ioctl

    def old_kernel(fd: int, request: int, argument: int | bytes = 0) -> object:
        if argument == WITH_USO:
            raise OSError(errno.EINVAL, "Invalid argument")
        return ioctl(fd, request, argument)

    monkeypatch.setattr(fcntl, "ioctl", old_kernel)
    with Lab() as lab:
        assert opened(lab, ns).offloads == WITHOUT_USO


def test_a_missing_device_node_is_named_with_its_cure(ns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tap, "DEVICE", "/dev/net/no-such-device")
    with pytest.raises(Missing, match="modprobe tun"):
        open_tap(ns, "eth0", rings=1, ring=64, offloads=True)


def test_a_name_that_is_taken_leaves_no_descriptor_open(ns: str) -> None:
    with Lab() as lab:
        opened(lab, ns)
        before = open_taps()
        namespace.run(ns, ["ip", "link", "add", "eth1", "type", "veth"])
        with pytest.raises(OSError, match="Invalid argument"):
            open_tap(ns, "eth1", rings=1, ring=64, offloads=True)
        assert open_taps() == before


def test_a_frame_shorter_than_an_ethernet_header_is_refused(ns: str) -> None:
    with Lab() as lab:
        device = opened(lab, ns)
        with pytest.raises(OSError, match="Invalid argument"):
            os.write(device.fds[0], PLAIN + FRAME[:13])


def test_a_removed_device_answers_each_read_with_an_error(ns: str) -> None:
    with Lab() as lab:
        device = opened(lab, ns)
        links.remove(ns, "eth0")
        with pytest.raises(OSError, match="bad state"):
            os.read(device.fds[0], 100)


def _udp_frame(ns: str, device: Tap) -> bytes:
    """A UDP frame of the VM's own stack, as it is read."""
    namespace.run(ns, ["ip", "neigh", "add", "10.0.0.2", "lladdr", "02:00:00:00:00:02", "dev", "eth0"])
    drained(device.fds)
    with namespace.entered(ns):
        stack = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with stack:
        stack.sendto(b"hello", ("10.0.0.2", 9))
    (frame,) = drained(device.fds)
    assert frame[22:24] == packet("10.0.0.1", "10.0.0.2")[0].to_bytes(2, "big")
    return frame
