"""Dynamic placement, live: the balancer proposes, and nothing that goes wrong with it harms the placement."""

import asyncio
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.unit.plants import plant
from vmdqemu.daemon.balancing import Balancing
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.gauge import Gauge
from vmdqemu.daemon.receive_scaling import Scaling
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.host.demand import Entry, Sample
from vmdqemu.host.plan import Move
from vmdqemu.host.processors import Placing, Policy

LAB = 'adapter.mode = "vmq"\nhost.processors = 2\nhost.balancer.period = 0.001\nvm = [{ name = "vm1" }]'


class Lab:
    """A supervisor and a changer that only remember."""

    def __init__(self, policy: Policy = Policy.DYNAMIC, text: str = LAB) -> None:
        self.plant = plant(text)
        self.plant.placing = Placing((0, 1), policy)
        self.noted: list[tuple[str, Any]] = []
        self.moves: list[Move] = []
        supervisor = SimpleNamespace(
            plant=self.plant, note=lambda kind, **what: self.noted.append((kind, what))
        )
        self.balancing = Balancing(cast(Supervisor, supervisor), cast(Changer, self))

    async def move(self, moves: Iterable[Move]) -> None:
        self.moves += moves


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Sample | None]:
    """What the gauge will say, in turn."""
    samples: list[Sample | None] = []
    monkeypatch.setattr(Gauge, "sample", lambda _: samples.pop(0))
    return samples


OVERLOADED = Sample({0: 1.0, 1: 0.0}, {1: 0.5, 2: 0.5}, {1: 0, 2: 0})


def test_what_the_balancer_proposes_is_carried_out(measured: list[Sample | None]) -> None:
    lab = Lab()
    measured += [None, OVERLOADED]
    asyncio.run(lab.balancing.step())
    assert lab.moves == []
    asyncio.run(lab.balancing.step())
    assert [(move.source, move.target) for move in lab.moves] == [(0, 1)]


@pytest.mark.parametrize("moved_alone", [True, False])
def test_of_a_vport_with_several_queues_entries_move_where_the_adapter_can(
    moved_alone: bool, measured: list[Sample | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[Move] = []

    async def follow(_: Scaling, moves: Iterable[Move]) -> None:
        followed.extend(move for move in moves if isinstance(move.item, Entry))

    monkeypatch.setattr(Scaling, "follow", follow)
    lab = Lab(text=LAB.replace("vmq", "vmmq").replace("}]", ", queues = 2 }]"))
    model = lab.plant.adapter.model
    rules = model.queue_rules._replace(entry_moves=moved_alone)
    lab.plant.adapter = lab.plant.adapter._replace(model=model._replace(queue_rules=rules))
    queues = lab.plant.adapter.vports[1].queues
    measured.append(Sample({0: 1.0, 1: 0.0}, dict.fromkeys(queues, 0.5), dict.fromkeys(queues, 0)))
    asyncio.run(lab.balancing.step())
    assert {move.target for move in lab.moves} == {1}
    assert {isinstance(move.item, Entry) for move in lab.moves} == {moved_alone}
    assert bool(followed) == moved_alone


def test_a_balancer_that_fails_is_an_event_once_and_begins_anew(measured: list[Sample | None]) -> None:
    lab = Lab()
    broken = cast(Sample, object())
    measured += [broken, None, broken, OVERLOADED, broken]
    for _ in range(5):
        asyncio.run(lab.balancing.step())
    assert [kind for kind, _ in lab.noted] == ["balancer-failed", "balancer-failed"]
    assert "AttributeError" in lab.noted[0][1]["error"]
    assert len(lab.moves) == 1


@pytest.mark.usefixtures("measured")
def test_nothing_is_measured_while_the_placement_is_static() -> None:
    """The list of samples is empty: the first one asked for would be an event."""
    still, failing = Lab(Policy.STATIC), Lab()

    async def a_while() -> None:
        running = [asyncio.create_task(lab.balancing.run()) for lab in (still, failing)]
        async with asyncio.timeout(5):
            while not failing.noted:
                await asyncio.sleep(0.001)
        await asyncio.sleep(0.02)  # many periods
        for task in running:
            task.cancel()

    asyncio.run(a_while())
    assert (still.noted, len(failing.noted)) == ([], 1)
