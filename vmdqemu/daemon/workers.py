"""Worker processes, as their supervisor sees them."""

import asyncio
import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from vmdqemu.datapath import channel, recorder
from vmdqemu.datapath.channel import Message
from vmdqemu.errors import VmdqemuError


class WorkerProcess:
    """One worker: started by the constructor, told what to do by `command`."""

    def __init__(
        self,
        counters: int,
        on_exit: Callable[["WorkerProcess", int], None],
        on_event: Callable[[Message], None],
    ) -> None:
        """counters: their file descriptor; on_exit: it died, with its status; on_event: it says something."""
        self._loop = asyncio.get_running_loop()
        self._on_exit = on_exit
        self._on_event = on_event
        self._numbers = itertools.count()
        self._pending: dict[int, asyncio.Future[None]] = {}
        self.ready = self._loop.create_future()  # stripped and waiting
        self._control, theirs = channel.pair()
        self.records = recorder.make_memory()  # what it reads, while somebody observes
        with theirs:
            fds = (theirs.fileno(), counters, self.records)
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", "vmdqemu.datapath.worker", *map(str, fds)],
                pass_fds=fds,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is for the supervisor
            )
        self._pidfd = os.pidfd_open(self._process.pid)
        self._loop.add_reader(self._control, self._on_readable)
        self._loop.add_reader(self._pidfd, self._on_end)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def is_ready(self) -> bool:
        """Whether a role could be given to it now."""
        return self.ready.done() and self.ready.exception() is None and self._process.returncode is None

    async def command(self, do: str, fds: tuple[int, ...] = (), **what: Any) -> None:
        """Have a message carried out. Raises VmdqemuError if the worker ends before it is."""
        number = next(self._numbers)
        done = self._pending[number] = self._loop.create_future()
        try:
            channel.send(self._control, {"do": do, "number": number, **what}, fds)
        except OSError:
            self._end_pending()
        await done

    def kill(self) -> None:
        """End it, unless it has ended; nobody is told."""
        if self._process.returncode is not None:
            return
        self._forget()
        self._process.kill()
        self._process.wait()

    def _on_readable(self) -> None:
        try:
            received = channel.receive(self._control)
        except (BlockingIOError, ConnectionResetError):
            return
        if received is None:  # its end is closed: the pidfd tells the rest
            self._loop.remove_reader(self._control)
            return
        message, _ = received
        if message["is"] == "ready":
            self.ready.set_result(None)
        elif message["is"] == "done":
            self._pending.pop(message["number"]).set_result(None)
        else:
            self._on_event(message)

    def _on_end(self) -> None:
        status = self._process.wait()
        self._forget()
        self._on_exit(self, status)

    def _forget(self) -> None:
        self._loop.remove_reader(self._control)
        self._loop.remove_reader(self._pidfd)
        self._control.close()
        os.close(self._pidfd)
        os.close(self.records)
        self._end_pending()

    def _end_pending(self) -> None:
        ended = VmdqemuError(f"worker {self.pid} ended before it was done; what it said is above")
        for waiting in (self.ready, *self._pending.values()):
            if not waiting.done():
                waiting.set_exception(ended)
                waiting.exception()  # nobody may be waiting for this one
        self._pending.clear()
