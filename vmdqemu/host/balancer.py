"""The balancer of Dynamic VMQ and Dynamic VMMQ: which item moves to which processor, by load.

Theory of operation. All items start on the home processor. A processor above the upper threshold gives away
what makes it too busy, each item to the nearest processor with room for it; if nothing fits, nothing moves.
A processor that has been below the lower threshold for a while is emptied into others in use. Spreading is
for throughput, so it is prompt; drawing together saves power, so it waits. An item is a whole queue (Dynamic
VMQ) or one entry of a VPort's indirection table (Dynamic VMMQ).

Sources: US patent 8984526 B2; Microsoft's "VMQ Deep Dive" 1 to 3.
"""

from collections import Counter, deque
from collections.abc import Sequence
from typing import Final

from vmdqemu.host.balance_settings import DYNAMIC_VMQ, Settings
from vmdqemu.host.demand import Item, Sample
from vmdqemu.host.plan import Move, Plan

MINUTE: Final = 60.0  # seconds


class Balancer:
    """Balances one adapter's items over a set of processors. Time is passed in, in seconds."""

    def __init__(self, processors: Sequence[int], settings: Settings = DYNAMIC_VMQ) -> None:
        """processors: the set, home first, then by nearness. Raises ValueError if it is no set."""
        if not processors:
            raise ValueError("processors: the set is empty; use at least one")
        if len(set(processors)) < len(processors):
            raise ValueError("processors: one is named twice; name each once")
        self._processors = tuple(processors)
        self._settings = settings
        self._low_since: dict[int, float] = {}  # processor -> when it fell below `lower`
        self._moved_at: dict[Item, float] = {}
        self._last_minute: deque[tuple[float, Item]] = deque()

    def plan(self, sample: Sample, now: float) -> tuple[Move, ...]:
        """The moves to make now, in this order; each is remembered as made.

        Those of one VPort's entries from one processor are one request: some are legal only together (RSSv2).
        """
        plan = Plan(self._processors, sample, self._settings, fixed=self._spent(now))
        self._watch(plan, now)
        for processor in self._processors:
            plan.spread(processor)
        resting = self._resting(now)
        for processor in reversed(self._processors[1:]):  # the farthest from home first
            since = self._low_since.get(processor)
            if since is not None and now - since >= self._settings.patience:
                plan.draw_together(processor, resting)
        for move in plan.moves:
            self._moved_at[move.item] = now
            self._last_minute.append((now, move.item))
        return tuple(plan.moves)

    def _watch(self, plan: Plan, now: float) -> None:
        for processor, load in plan.loads.items():
            if load < self._settings.lower:
                self._low_since.setdefault(processor, now)
            else:
                self._low_since.pop(processor, None)

    def _spent(self, now: float) -> set[Item]:
        """Items that moved as often in the last minute as they may."""
        while self._last_minute and now - self._last_minute[0][0] >= MINUTE:
            self._last_minute.popleft()
        moves = Counter(item for _, item in self._last_minute)
        return {item for item, times in moves.items() if times >= self._settings.budget}

    def _resting(self, now: float) -> set[Item]:
        """Items that moved a short while ago; older moves are forgotten."""
        rest = self._settings.rest
        self._moved_at = {item: moved for item, moved in self._moved_at.items() if now - moved < rest}
        return set(self._moved_at)
