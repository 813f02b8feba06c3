"""Records are kept while somebody asks for them, and no longer."""

import asyncio
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.plants import plant
from vmdqemu.daemon import observers
from vmdqemu.daemon.observers import Observers
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.datapath.recorder import MOST_OCTETS
from vmdqemu.errors import UsageError
from vmdqemu.nic import tables as nic_tables


class Recording:
    """In place of a supervisor: what it was told to record."""

    def __init__(self) -> None:
        self.plant = plant('vm = [{ name = "vm1" }]')
        self.snaplen = 0
        self.told: list[int] = []
        worker = SimpleNamespace(pid=77, records=9)
        self.roles = [SimpleNamespace(name="nic", worker=worker), SimpleNamespace(name="cpu0", worker=None)]

    async def record(self, snaplen: int) -> None:
        self.snaplen = snaplen
        self.told.append(snaplen)


Scenario = Callable[[Recording, Observers], Awaitable[None]]


def play(scenario: Scenario) -> None:
    async def run() -> None:
        supervisor = Recording()
        await scenario(supervisor, Observers(cast(Supervisor, supervisor)))

    asyncio.run(run())


async def until(told: list[int], supervisor: Recording) -> None:
    async with asyncio.timeout(5):
        while supervisor.told != told:
            await asyncio.sleep(0.001)


def test_who_asks_first_begins_and_the_next_joins() -> None:
    async def scenario(supervisor: Recording, watched: Observers) -> None:
        first, second = await watched.observe(256), await watched.observe(256)
        assert (first["begins"], second["begins"]) == (True, False)
        assert supervisor.told == [256]

    play(scenario)


def test_the_answer_says_where_the_records_are_and_what_rules() -> None:
    async def scenario(supervisor: Recording, watched: Observers) -> None:
        answer: dict[str, Any] = await watched.observe(256)
        assert answer["workers"] == [{"role": "nic", "pid": 77, "records": 9}]
        assert nic_tables.from_json(answer["tables"]) == supervisor.plant.tables
        assert dict(answer["placement"]) == supervisor.plant.placement

    play(scenario)


def test_when_nobody_asks_again_nothing_is_recorded_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observers, "LEASE", 0.02)

    async def scenario(supervisor: Recording, watched: Observers) -> None:
        await watched.observe(256)
        await until([256, 0], supervisor)
        assert (await watched.observe(512))["begins"]
        await until([256, 0, 512, 0], supervisor)

    play(scenario)


def test_who_asks_again_in_time_keeps_it_going(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a clock of its own: in real time a busy machine is late now and then."""

    async def scenario(supervisor: Recording, watched: Observers) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for ask in range(5):
            monkeypatch.setattr(loop, "time", lambda ask=ask: now + 0.9 * observers.LEASE * ask)
            await asyncio.sleep(0)  # what is due is done
            await watched.observe(256)
        assert supervisor.told == [256]

    play(scenario)


@pytest.mark.parametrize(
    ("kept", "asked", "said"),
    [
        (0, 0, f"snaplen: 0; use 1 to {MOST_OCTETS} octets"),
        (0, MOST_OCTETS + 1, f"snaplen: {MOST_OCTETS + 1}; use 1 to {MOST_OCTETS} octets"),
        (256, 512, "snaplen: somebody observes 256 octets of each frame; use 256"),
    ],
)
def test_a_length_that_cannot_be_is_refused(kept: int, asked: int, said: str) -> None:
    async def scenario(supervisor: Recording, watched: Observers) -> None:
        supervisor.snaplen = kept
        with pytest.raises(UsageError) as raised:
            await watched.observe(asked)
        assert (str(raised.value), supervisor.told) == (said, [])

    play(scenario)
