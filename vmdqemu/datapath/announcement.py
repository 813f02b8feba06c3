"""A VM is announced to the bridges behind its wire, and a wire is listened to for that.

A VM announces itself: the frame leaves by its own interface, like any other that it sends. It is heard on the
wire's near end, before the eswitch takes it from there.
"""

import asyncio
import ctypes
import socket
from struct import Struct
from typing import Final

from netns import namespace

ETHERTYPE: Final = 0x8035  # RARP

_ETH_P_ALL, _SO_ATTACH_FILTER = 3, 26
_INSTRUCTION = Struct("=HBBI")  # linux/filter.h, struct sock_filter
_LOAD_16, _LOAD_32, _JUMP_IF_EQUAL, _RETURN = 0x28, 0x20, 0x15, 0x06
_PROGRAM = Struct("@HP")  # struct sock_fprog
_WHOLE, _NOTHING = 0xFFFF, 0


def send(ns: str, ifname: str, frame: bytes) -> bool:
    """Send a frame from a VM's interface; False if that is down, so that nothing is sent to it either."""
    with namespace.entered(ns), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as link:
        try:
            link.bind((ifname, 0))
            link.send(frame)
        except OSError:  # ENETDOWN, or ENODEV: the VM removed it
            return False
    return True


class Listener:
    """Hears the announcement of one VM on a link, tagged or not, from now on."""

    def __init__(self, ns: str, ifname: str, mac: bytes) -> None:
        with namespace.entered(ns):
            self._link = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        code = ctypes.create_string_buffer(_announcement_of(mac))
        program = _PROGRAM.pack(len(code.raw) // _INSTRUCTION.size, ctypes.addressof(code))
        self._link.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
        self._link.setblocking(False)
        self._link.bind((ifname, _ETH_P_ALL))

    async def heard(self, seconds: float) -> bool:
        """Whether it comes in before the time is over; a loop that stood still finds both at once."""
        loop = asyncio.get_running_loop()
        came = asyncio.Event()
        loop.add_reader(self._link, came.set)
        try:
            await asyncio.wait_for(came.wait(), seconds)
        except TimeoutError:
            return self._has_come()
        finally:
            loop.remove_reader(self._link)
        return True

    def _has_come(self) -> bool:
        try:
            return bool(self._link.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def close(self) -> None:
        """Listen no more."""
        self._link.close()


def _announcement_of(mac: bytes) -> bytes:
    """A socket filter in classic BPF. The kernel keeps the tag of what came in beside the frame."""
    steps = (
        (_LOAD_16, 0, 0, 12),
        (_JUMP_IF_EQUAL, 0, 5, ETHERTYPE),
        (_LOAD_16, 0, 0, 6),
        (_JUMP_IF_EQUAL, 0, 3, int.from_bytes(mac[:2], "big")),
        (_LOAD_32, 0, 0, 8),
        (_JUMP_IF_EQUAL, 0, 1, int.from_bytes(mac[2:], "big")),
        (_RETURN, 0, 0, _WHOLE),
        (_RETURN, 0, 0, _NOTHING),
    )
    return b"".join(_INSTRUCTION.pack(*step) for step in steps)
