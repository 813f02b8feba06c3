"""TAP devices: a kernel ring for each channel of a VM, or for the adapter's side of the wire.

A ring is one queue of a multi-queue TAP and one file descriptor: what the device transmits is read from it,
what is written to it the device receives. The device lives as long as one descriptor does, and no longer.

What must hold (Linux 6.18, probed): a ring is sized by txqueuelen when its queue is attached, and again when
that changes; a queue that is closed while others live gives its number to the last one and loses what waits
in it, uncounted. So rings are sized before there is traffic and closed only with the device.
"""

import errno
import fcntl
import os
from struct import Struct
from typing import Final, NamedTuple

from netns import links, namespace
from vmdqemu.errors import Missing

DEVICE: Final = "/dev/net/tun"

_TUNSETIFF = 0x400454CA
_TUNSETPERSIST = 0x400454CB
_TUNSETOFFLOAD = 0x400454D0
_IFREQ = Struct("16sH22x")
_SINGLE = 0x0002 | 0x1000 | 0x4000  # IFF_TAP, NO_PI, VNET_HDR
_MULTI = _SINGLE | 0x0100  # MULTI_QUEUE

_CSUM, _TSO4, _TSO6, _USO4, _USO6 = 0x01, 0x02, 0x04, 0x20, 0x40
WITH_USO: Final = _CSUM | _TSO4 | _TSO6 | _USO4 | _USO6  # UDP superframes: Linux 6.2 and later
WITHOUT_USO: Final = _CSUM | _TSO4 | _TSO6
NO_OFFLOADS: Final = 0  # the kernel finishes every checksum and cuts every superframe before we read it


class Tap(NamedTuple):
    """An open TAP device."""

    fds: tuple[int, ...]  # one a ring, in ring order; they do not block
    offloads: int  # accepted by the kernel


def open_tap(
    ns: str, ifname: str, *, rings: int, ring: int, offloads: bool, more_to_come: bool = False
) -> Tap:
    """Make a TAP inside a namespace, still down. ring: descriptors of each ring; one fewer are usable.

    One that is to have a single ring is not multi-queue: the kernel gives a multi-queue TAP 256 transmit
    queues, whose queueing disciplines cost 25 MB and 25 to 50 ms when it is set up (Linux 6.18, probed).

    Raises Missing if the device node or the privilege is not there.
    """
    fds: list[int] = []
    flags = _MULTI if more_to_come or rings > 1 else _SINGLE
    try:
        with namespace.entered(ns):
            fds.append(_attach(ifname, flags))
            links.set_tx_queue_length(ns, ifname, ring - 1)
            fds += [_attach(ifname, flags) for _ in range(rings - 1)]
        accepted = _set_offloads(fds[0], WITH_USO if offloads else NO_OFFLOADS)
    except BaseException:
        close(tuple(fds))
        raise
    return Tap(tuple(fds), accepted)


def add_rings(ns: str, ifname: str, count: int) -> tuple[int, ...]:
    """Attach more queues to a multi-queue TAP; each ring is as long as those that are there."""
    with namespace.entered(ns):
        return tuple(_attach(ifname, _MULTI) for _ in range(count))


def persist(fd: int, on: bool) -> None:
    """Have the device live on without a descriptor, or no longer."""
    fcntl.ioctl(fd, _TUNSETPERSIST, int(on))


def close(fds: tuple[int, ...]) -> None:
    """Give up our descriptors; with the last one of all processes the device goes."""
    for fd in fds:
        os.close(fd)


def open_driver() -> int:
    """A descriptor of the TUN driver, of no device yet. Raises Missing."""
    try:
        return os.open(DEVICE, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise Missing(f"{DEVICE} cannot be opened", "run as root") from None
    except OSError as error:  # no node, or no driver behind it
        raise Missing(f"{DEVICE}: {error.strerror}", "load the tun module (modprobe tun)") from None


def _attach(ifname: str, flags: int) -> int:
    """One more queue of the TAP; the kernel numbers them in this order."""
    fd = open_driver()
    try:
        fcntl.ioctl(fd, _TUNSETIFF, _IFREQ.pack(ifname.encode(), flags))
    except OSError as error:
        os.close(fd)
        if error.errno == errno.EPERM:
            raise Missing("making a TAP needs CAP_NET_ADMIN", "run as root") from None
        if error.errno == errno.ENOTTY:
            cure = f"make it anew: mknod {DEVICE} c 10 200"
            raise Missing(f"{DEVICE} is not the TUN driver", cure) from None
        raise
    return fd


def _set_offloads(fd: int, wanted: int) -> int:
    try:
        fcntl.ioctl(fd, _TUNSETOFFLOAD, wanted)
    except OSError as error:
        if error.errno != errno.EINVAL or wanted != WITH_USO:
            raise
        return _set_offloads(fd, WITHOUT_USO)
    return wanted
