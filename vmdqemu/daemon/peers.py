"""Daemons that speak with each other: one asks, one answers, and descriptors travel along.

A daemon listens at /run/vmdqemu/<lab>.peer, where only root may knock. A conversation is a connection: each
message gets one answer, and the end of the connection is the end of what was begun.
"""

import asyncio
import os
import select
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol, Self

from netns.errors import NetnsError
from vmdqemu.daemon import runtime
from vmdqemu.datapath import channel
from vmdqemu.datapath.channel import Message
from vmdqemu.errors import NotRunning, VmdqemuError, as_it_was

DEADLINE: Final = 10.0  # seconds for an answer; it takes milliseconds


class Peer:
    """The daemon of another lab, for the one who asks. A block's end ends the conversation."""

    def __init__(self, lab: str) -> None:
        """Raises NotRunning."""
        self.lab = lab
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._socket.connect(str(runtime.path(lab, "peer")))
        except OSError:
            self._socket.close()
            raise NotRunning(f"lab {lab} is not running; start it with: vmdqemu up") from None
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, channel.MESSAGE_OCTETS)
        self._socket.setblocking(False)

    async def ask(self, do: str, fds: tuple[int, ...] = (), **what: Any) -> Message:
        """Have something done. Raises VmdqemuError as it was there, or if nobody answers."""
        self._send({"do": do, **what}, fds)
        try:
            await asyncio.wait_for(_readable(self._socket), DEADLINE)
        except TimeoutError:
            raise self._silence() from None
        return self._answer()

    def ask_at_once(self, do: str, **what: Any) -> Message:
        """As `ask`, while nothing else happens in this process."""
        self._send({"do": do, **what}, ())
        if not select.select([self._socket], [], [], DEADLINE)[0]:
            raise self._silence()
        return self._answer()

    def _send(self, message: Message, fds: tuple[int, ...]) -> None:
        try:
            channel.send(self._socket, message, fds)
        except OSError:
            raise self._silence() from None

    def _answer(self) -> Message:
        try:
            received = channel.receive(self._socket)
        except OSError:
            received = None
        if received is None:
            raise self._silence()
        answer, _ = received
        if "error" in answer:
            raise as_it_was(f"lab {self.lab}: {answer['error']}", answer["exit_code"])
        return answer

    def _silence(self) -> VmdqemuError:
        return VmdqemuError(f"lab {self.lab} does not answer any more")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()


class Guest(Protocol):
    """What a conversation is about, for the one who answers."""

    async def do(self, message: Message, fds: tuple[int, ...], is_over: Callable[[], bool]) -> Message:
        """Carry out what a message asks for. The descriptors are its own; is_over: nobody waits for it."""

    async def leave(self) -> None:
        """The conversation is over."""


def serve(path: Path, receive: Callable[[], Guest]) -> Callable[[], None]:
    """Answer other daemons from now on; call what is returned to stop. receive: for each conversation."""
    path.unlink(missing_ok=True)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(str(path))
    os.chmod(path, 0o600)  # before anybody can connect
    listening.listen()
    listening.setblocking(False)
    loop = asyncio.get_running_loop()
    conversations: set[asyncio.Task[None]] = set()

    def on_knock() -> None:
        with suppress(BlockingIOError):
            end, _ = listening.accept()
            task = loop.create_task(_converse(end, receive()))
            conversations.add(task)
            task.add_done_callback(conversations.discard)

    def stop() -> None:
        loop.remove_reader(listening)
        listening.close()
        path.unlink(missing_ok=True)

    loop.add_reader(listening, on_knock)
    return stop


async def _converse(end: socket.socket, guest: Guest) -> None:
    with end:
        end.setblocking(False)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, channel.MESSAGE_OCTETS)
        try:
            await _readable(end)
            while (received := channel.receive(end)) is not None:
                message, fds = received
                channel.send(end, await _answer(guest.do(message, tuple(fds), lambda: _is_over(end))))
                await _readable(end)
        except OSError:  # it was killed
            pass
        finally:
            await guest.leave()


async def _answer(doing: Awaitable[Message]) -> Message:
    try:
        return await doing
    except (VmdqemuError, NetnsError) as error:
        return {"error": str(error), "exit_code": getattr(error, "exit_code", VmdqemuError.exit_code)}


def _is_over(end: socket.socket) -> bool:
    """Whether the other side has ended the conversation."""
    try:
        return end.recv(1, socket.MSG_PEEK) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


async def _readable(end: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(end, came.set)
    try:
        await came.wait()
    finally:
        loop.remove_reader(end)
