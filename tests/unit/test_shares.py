"""Shares on a running lab: the adapter's state changes, and the one worker that must know is told."""

import asyncio
from typing import Any, cast

import pytest

from tests.unit.plants import plant
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.plant import Plant
from vmdqemu.daemon.shares import Shares
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.errors import UsageError
from vmdqemu.nic.share import ARBITERS, Share

LAB = 'vm = [{ name = "vm1" }, { name = "vm2", weight = 3, rate = 50 }]'
VM2 = 2


class Recorder:
    """A supervisor that only notes whose share it was to tell."""

    def __init__(self, built: Plant) -> None:
        self.plant = built
        self.told: list[int] = []

    async def share(self, port: int) -> None:
        """In place of a message to the worker."""
        self.told.append(port)


@pytest.fixture
def supervisor() -> Recorder:
    return Recorder(plant(LAB))


def put(supervisor: Recorder, vm: str, **terms: Any) -> Share:
    """VM2's share afterwards."""
    known = cast(Supervisor, supervisor)
    asyncio.run(Shares(known, Changer(known)).set(vm, **terms))
    return supervisor.plant.adapter.vports[VM2].share


def test_what_is_not_named_stays_as_it_is(supervisor: Recorder) -> None:
    assert put(supervisor, "vm2", strict=True) == Share(3, 50, strict=True)
    assert put(supervisor, "vm2", weight=7) == Share(7, 50, strict=True)
    assert supervisor.told == [VM2, VM2]


def test_a_rate_of_0_is_no_limit(supervisor: Recorder) -> None:
    assert put(supervisor, "vm2", rate=0) == Share(3)


def test_a_chip_keeps_the_terms_that_it_can(supervisor: Recorder) -> None:
    adapter = supervisor.plant.adapter
    model = adapter.model._replace(arbiter=ARBITERS["82599"])
    supervisor.plant.adapter = adapter._replace(model=model)
    assert put(supervisor, "vm2", rate=300).rate == 10_000 / (33 + 5461 / 16384)
    before = supervisor.plant.adapter
    with pytest.raises(UsageError, match="NDIS_STATUS_INVALID_PARAMETER: a rate of 5 does not fit; use more"):
        put(supervisor, "vm2", rate=5)
    assert supervisor.plant.adapter is before
    assert supervisor.told == [VM2]


def test_a_vm_that_is_not_there_is_an_error_that_names_those_that_are(supervisor: Recorder) -> None:
    with pytest.raises(UsageError, match="no VM 'vm9'; choose one of: vm1, vm2"):
        put(supervisor, "vm9", weight=1)
