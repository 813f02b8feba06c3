"""A change that meets a worker in the middle of its instruction neither overtakes it nor is missed."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

import pytest

from tests.unit.plants import plant
from vmdqemu.daemon.supervisor import Role, Supervisor
from vmdqemu.daemon.workers import WorkerProcess
from vmdqemu.datapath import shm

LAB = 'vm = [{ name = "vm1", queues = 2 }]'


class Recorder:
    """In place of a worker: remembers what it is told, and lets a test act while it is busy."""

    def __init__(self, while_busy: dict[str, Callable[[], Awaitable[None]]]) -> None:
        self.pid = os.getpid()
        self.told: list[tuple[str, Any]] = []
        self.ready = asyncio.get_running_loop().create_future()
        self.ready.set_result(None)
        self._while_busy = while_busy

    async def command(self, do: str, _: tuple[int, ...] = (), **what: Any) -> None:
        self.told.append((do, what.get("rings")))
        if act := self._while_busy.pop(do, None):
            await act()


@pytest.mark.parametrize("busy_with", ["rings", "role", "tables"])
def test_a_change_comes_behind_what_a_worker_must_know_first(
    busy_with: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)
    monkeypatch.setattr(shm, "cells", lambda _: memoryview(b""))

    async def scenario() -> None:
        supervisor = Supervisor(plant(LAB))
        role = Role("nic", 0, 0, 1.0, rings=((1, 0),))
        supervisor.roles = (role,)

        async def change() -> None:
            await supervisor.publish()
            await supervisor.read(role, ((1, 1),))

        worker = Recorder({busy_with: change})
        await supervisor._give_role(role, cast(WorkerProcess, worker))
        order = [do for do, _ in worker.told]
        assert order[:4] == ["rings", "arenas", "role", "tables"]
        assert worker.told[-1] == ("start", ((1, 0), (1, 1)))

    asyncio.run(scenario())
