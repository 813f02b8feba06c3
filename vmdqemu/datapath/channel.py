"""The control channel between the supervisor and a worker: JSON messages, some with file descriptors.

One message is one packet of a SOCK_SEQPACKET socket. Never pickle: a captured worker must not own the
supervisor. At most 253 descriptors fit one message (SCM_MAX_FD).
"""

import json
import socket
from typing import Any, Final

MESSAGE_OCTETS: Final = 1 << 20
MAX_FDS: Final = 250

Message = dict[str, Any]


def pair() -> tuple[socket.socket, socket.socket]:
    """Both ends; the supervisor's does not block."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in (ours, theirs):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MESSAGE_OCTETS)
        end.setblocking(False)
    return ours, theirs


def send(end: socket.socket, message: Message, fds: tuple[int, ...] = ()) -> None:
    """Send one message. Raises OSError if the other end is gone or does not read."""
    socket.send_fds(end, [json.dumps(message).encode()], fds)


def receive(end: socket.socket) -> tuple[Message, list[int]] | None:
    """The next message with its descriptors; None when the other end is gone.

    Raises BlockingIOError when there is none yet.
    """
    octets, fds, _, _ = socket.recv_fds(end, MESSAGE_OCTETS, MAX_FDS)
    if not octets:
        return None
    return json.loads(octets), fds
