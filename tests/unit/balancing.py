"""A host on a virtual clock: its processors serve what the balancer places on them, period by period."""

from collections.abc import Mapping, Sequence

from vmdqemu.host.balance_settings import DYNAMIC_VMQ, Settings
from vmdqemu.host.balancer import Balancer
from vmdqemu.host.demand import Item, Sample
from vmdqemu.host.plan import Move


class Host:
    """`wants`, `others` and `placement` may be changed between periods."""

    def __init__(
        self,
        wants: Mapping[Item, float],
        processors: Sequence[int] = range(8),
        settings: Settings = DYNAMIC_VMQ,
        hidden: bool = False,
        queue_pairs: Mapping[int, int] | None = None,
    ) -> None:
        """wants: item -> share of a processor. hidden: only what items get is seen, not what they want."""
        self.wants = dict(wants)
        self.others: dict[int, float] = {}  # processor -> what runs there besides
        self.placement: dict[Item, int] = dict.fromkeys(wants, processors[0])
        self.now = 0.0
        self.hidden = hidden
        self._processors, self._settings = processors, settings
        self.queue_pairs = queue_pairs or {}
        self._balancer = Balancer(processors, settings)

    def run(self, periods: int) -> list[Move]:
        """All moves of so many periods. Every one is whole: from where the item is, to another in the set."""
        return [move for _ in range(periods) for move in self._period()]

    def offered(self, processor: int) -> float:
        """What a processor has to do."""
        here = (self.wants[item] for item, place in self.placement.items() if place == processor)
        return sum(here) + self.others.get(processor, 0.0)

    @property
    def used(self) -> set[int]:
        return set(self.placement.values())

    def _period(self) -> tuple[Move, ...]:
        moves = self._balancer.plan(self._sample(), self.now)
        assert len({move.item for move in moves}) == len(moves)
        for item, source, target in moves:
            assert self.placement[item] == source != target
            assert target in self._processors
            self.placement[item] = target
        self.now += self._settings.period
        return moves

    def _sample(self) -> Sample:
        offered = {processor: self.offered(processor) for processor in {*self._processors, *self.used}}
        busy = {processor: min(1.0, load) for processor, load in offered.items()}
        scale = {processor: max(1.0, load) if self.hidden else 1.0 for processor, load in offered.items()}
        loads = {item: want / scale[self.placement[item]] for item, want in self.wants.items()}
        return Sample(busy, loads, dict(self.placement), self.queue_pairs)
