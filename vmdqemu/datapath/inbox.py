"""Inboxes: how a frame changes processor.

What the sorter could not place waits in a default ring. The processor that reads it finds out whose frame it
is and hands it over, as it was read, to the processor that serves the frame's queue. An inbox is a ring like
any other: one descriptor, written and read a frame at a time. Behind it is a datagram socket connected to
itself, so nobody else can send to it. A frame that finds it full is dropped, and counted.
"""

import socket
from typing import Final

INBOX: Final = -1  # as a port number; its rings are the processors' inboxes
OCTETS: Final = 4 << 20  # 10,000 small frames or 128 superframes, as the kernel counts them

_SO_SNDBUFFORCE = 32


def make() -> int:
    """One inbox: a descriptor that does not block. Needs CAP_NET_ADMIN."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as end:
        end.setsockopt(socket.SOL_SOCKET, _SO_SNDBUFFORCE, OCTETS)
        end.bind("")  # the kernel finds a free name
        end.connect(end.getsockname())
        return end.detach()
