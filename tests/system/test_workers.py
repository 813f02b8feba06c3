"""A worker process as its supervisor sees it: it gets ready, does what it is told, and its end is known."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable

import pytest

from tests.system.harness import DEADLINE
from vmdqemu.daemon.workers import WorkerProcess
from vmdqemu.datapath import channel, recorder, shm
from vmdqemu.errors import VmdqemuError
from vmdqemu.nic.tables import NO_TABLES, to_json

pytestmark = pytest.mark.system

LAYOUT = shm.Layout(workers=1, rings=(0,), queues=1)
Scenario = Callable[[WorkerProcess, "asyncio.Future[int]"], Awaitable[None]]


def _with_worker(scenario: Scenario) -> None:
    """Start a real worker; the future has its exit status once it died by itself."""

    async def run() -> None:
        ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        counters = shm.create(LAYOUT)
        worker = WorkerProcess(counters, lambda _, status: ended.set_result(status), lambda _: None)
        os.close(counters)
        try:
            await asyncio.wait_for(scenario(worker, ended), DEADLINE)
        finally:
            if not ended.done():
                worker.kill()

    asyncio.run(run())


def test_it_is_ready_and_answers_each_command() -> None:
    async def scenario(worker: WorkerProcess, ended: "asyncio.Future[int]") -> None:
        assert not worker.is_ready
        await worker.ready
        assert worker.is_ready
        await asyncio.gather(
            *(worker.command("tables", tables=to_json(NO_TABLES), placement=[]) for _ in range(3))
        )
        assert not ended.done()

    _with_worker(scenario)


def test_a_command_ends_with_the_worker() -> None:
    async def scenario(worker: WorkerProcess, ended: "asyncio.Future[int]") -> None:
        await worker.ready
        os.kill(worker.pid, signal.SIGSTOP)
        command = asyncio.ensure_future(worker.command("tables", tables=to_json(NO_TABLES), placement=[]))
        await asyncio.sleep(0)
        os.kill(worker.pid, signal.SIGKILL)
        with pytest.raises(VmdqemuError, match=str(worker.pid)):
            await command
        assert await ended == -signal.SIGKILL
        assert not worker.is_ready

    _with_worker(scenario)


def test_a_worker_that_breaks_down_says_so_by_ending() -> None:
    async def scenario(worker: WorkerProcess, ended: "asyncio.Future[int]") -> None:
        await worker.ready
        with pytest.raises(VmdqemuError):
            await worker.command("fly")
        assert await ended == 1

    _with_worker(scenario)


def test_one_whose_supervisor_goes_before_it_is_ready_ends_without_a_word() -> None:
    ours, theirs = channel.pair()
    ours.close()
    fds = (theirs.detach(), shm.create(LAYOUT), recorder.make_memory())
    argv = [sys.executable, "-I", "-m", "vmdqemu.datapath.worker", *map(str, fds)]
    try:
        done = subprocess.run(argv, pass_fds=fds, capture_output=True, timeout=DEADLINE, check=False)
    finally:
        for fd in fds:
            os.close(fd)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
