"""Dynamic placement, live: every period the balancer sees what was measured, and its moves are made.

The balancer only proposes. Whatever goes wrong with it, queues stay where they are and are served there.
"""

import asyncio
import time

from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.gauge import Gauge
from vmdqemu.daemon.receive_scaling import Scaling
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.host.balancer import Balancer
from vmdqemu.host.demand import Sample
from vmdqemu.host.entry_demand import by_entry
from vmdqemu.host.processors import Policy


class Balancing:
    """Balances one lab as long as its placement is dynamic."""

    def __init__(self, supervisor: Supervisor, changer: Changer) -> None:
        self._supervisor = supervisor
        self._changer = changer
        self._scaling = Scaling(supervisor, changer)
        self._settings = supervisor.plant.config.host.balancer.settings
        self._failure = ""  # the last one, until it works again
        self._begin()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            await asyncio.sleep(self._settings.period)
            if self._supervisor.plant.placing.policy is Policy.DYNAMIC:
                await self.step()
            else:
                self._begin()

    async def step(self) -> None:
        """One period's moves."""
        try:
            sample = self._gauge.sample()
            if sample is None:
                return
            moves = self._balancer.plan(self._items(sample), time.monotonic())
            await self._changer.move(moves)
            await self._scaling.follow(moves)
        except Exception as error:  # whatever it is: the placement in effect goes on working
            self._fail(repr(error))
        else:
            self._failure = ""

    def _items(self, sample: Sample) -> Sample:
        """Whole queues; entries where the adapter can move them one by one (NDIS: INDEPENDENT_ENTRY_MOVE)."""
        adapter = self._supervisor.plant.adapter
        return by_entry(sample, adapter.vports) if adapter.model.queue_rules.entry_moves else sample

    def _begin(self) -> None:
        """Nothing is known."""
        self._gauge = Gauge(self._supervisor)
        self._balancer = Balancer(self._supervisor.plant.placing.processors, self._settings)

    def _fail(self, failure: str) -> None:
        """An event, once; then from the start."""
        if failure != self._failure:
            self._supervisor.note("balancer-failed", error=failure)
        self._failure = failure
        self._begin()
