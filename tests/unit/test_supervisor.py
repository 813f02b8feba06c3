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


def _unmanned(monkeypatch: pytest.MonkeyPatch) -> Supervisor:
    """A supervisor whose workers are a test's."""
    monkeypatch.setattr(os, "sched_setaffinity", lambda *_: None)
    monkeypatch.setattr(shm, "cells", lambda _: memoryview(b""))
    return Supervisor(plant(LAB))


class Recorder:
    """In place of a worker: remembers what it is told, and lets a test act while it is busy."""

    def __init__(self, while_busy: dict[str, Callable[[], Awaitable[None]]]) -> None:
        self.pid = os.getpid()
        self.told: list[tuple[str, Any]] = []
        self.ready = asyncio.get_running_loop().create_future()
        self.ready.set_result(None)
        self._while_busy = while_busy

    async def command(self, do: str, _: tuple[int, ...] = (), **what: Any) -> None:
        self.told.append((do, what.get("rings", what.get("speed"))))
        if act := self._while_busy.pop(do, None):
            await act()


@pytest.mark.parametrize("busy_with", ["rings", "role", "tables"])
def test_a_change_comes_behind_what_a_worker_must_know_first(
    busy_with: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        supervisor = _unmanned(monkeypatch)
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


def test_another_speed_is_for_the_hosts_processors_and_for_who_serves_them_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def scenario() -> None:
        supervisor = _unmanned(monkeypatch)
        nic, processor = Role("nic", 0, 0, 1.0), Role("cpu0", 1, 0, 0.5, processor=0)
        supervisor.roles = (nic, processor)
        workers = [Recorder({}), Recorder({})]
        for role, worker in zip(supervisor.roles, workers, strict=True):
            await supervisor._give_role(role, cast(WorkerProcess, worker))
        await supervisor.set_speed(0.25)
        assert workers[1].told[-1] == ("speed", 0.25)
        assert ("speed", 0.25) not in workers[0].told
        assert (nic.speed, processor.speed) == (1.0, 0.25)

    asyncio.run(scenario())
