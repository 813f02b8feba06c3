"""A plan: moves tried on paper, one after the other, each with the loads that the one before it left."""

from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from typing import NamedTuple

from vmdqemu.host.balance_settings import Settings
from vmdqemu.host.demand import ROUNDING, Entry, Item, Sample, wanted

Bundle = tuple[Item, ...]  # items of one processor that move together


class Move(NamedTuple):
    """One item goes from one processor to another."""

    item: Item
    source: int
    target: int


class Plan:
    """The placement and the loads as they would be after `moves`. No item moves twice.

    A VPort whose entries name as many processors as it has queue pairs may have one moved to one of these, or
    all of one processor together to another; else NDIS refuses (NDIS_STATUS_NO_QUEUES,
    oid-gen-rss-set-indirection-table-entries).
    """

    def __init__(
        self, processors: Sequence[int], sample: Sample, settings: Settings, fixed: Set[Item]
    ) -> None:
        """processors: the set, home first, then by nearness. fixed: items that have to stay."""
        self.moves: list[Move] = []
        self._processors, self._settings = processors, settings
        self._items, self.loads = wanted(sample, processors, settings)
        self._measured = sample.loads
        self._fixed = set(fixed)
        self._queue_pairs = sample.queue_pairs
        self._entries: defaultdict[int, Counter[int]] = defaultdict(Counter)  # VPort -> processor -> how many
        for item, processor in sample.placement.items():
            if isinstance(item, Entry):
                self._entries[item.vport][processor] += 1

    def spread(self, source: int) -> None:
        """Give away what makes a processor too busy, each bundle to the nearest that takes it."""
        if self.loads[source] <= self._settings.upper + ROUNDING:
            return
        for bundle in self._most_useful_first(source):
            if self.loads[source] <= self._settings.full + ROUNDING:
                return
            if self._fixed.isdisjoint(bundle):
                target = self._nearest(bundle, source)
                if target is not None:
                    self._move(bundle, source, target)

    def draw_together(self, source: int, resting: Set[Item]) -> None:
        """Empty a processor into others that are in use, or into home: all of it or nothing."""
        items, home = self._items[source], self._processors[0]
        if not items or not (self._fixed | resting).isdisjoint(items):
            return
        targets = [other for other in self._processors if self._items[other] or other == home]
        targets.remove(source)
        loads = {target: self.loads[target] for target in targets}
        moves = []
        for bundle in sorted(self._bundles(source), key=lambda bundle: -self._load(bundle, source)):
            load = self._load(bundle, source)
            fitting = (target for target in targets if self._has_room(loads[target], load))
            target = next((target for target in fitting if self._in_pairs(bundle, source, target)), None)
            if target is None:
                return
            loads[target] += load
            moves.append((bundle, target))
        for bundle, target in moves:
            self._move(bundle, source, target)

    def _most_useful_first(self, source: int) -> list[Bundle]:
        """The smallest that is enough by itself, then larger ones; then what is not enough, largest first."""
        excess = self.loads[source] - self._settings.full

        def rank(bundle: Bundle) -> tuple[bool, float]:
            load = self._load(bundle, source)
            return (False, load) if load >= excess - ROUNDING else (True, -load)

        single: list[Bundle] = [(item,) for item, load in self._items[source].items() if load]
        whole = [bundle for bundle in self._bundles(source) if len(bundle) > 1 and self._is_spread(bundle)]
        return sorted(single + whole, key=rank)

    def _bundles(self, source: int) -> list[Bundle]:
        """A VPort's entries on one processor together, a queue by itself."""
        bundles: defaultdict[object, list[Item]] = defaultdict(list)
        for item in self._items[source]:
            bundles[("vport", item.vport) if isinstance(item, Entry) else item].append(item)
        return [tuple(bundle) for bundle in bundles.values()]

    def _nearest(self, bundle: Bundle, source: int) -> int | None:
        """Who takes it: the nearest with room for what it is taken to want.

        Ours, where there is none: the nearest that will be no busier than the source, and is idle or has room
        for what was measured. So two queues that each fill a processor do not share one.
        """
        targets = [other for other in self._processors if other != source]
        targets = [target for target in targets if self._in_pairs(bundle, source, target)]
        load, measured = self._load(bundle, source), sum(self._measured.get(item, 0.0) for item in bundle)
        for target in targets:
            if self._has_room(self.loads[target], load):
                return target
        for target in targets:
            left = self.loads[target]
            possible = left < self._settings.margin or self._has_room(left, measured)
            if possible and left + load <= self.loads[source] - load + ROUNDING:
                return target
        return None

    def _has_room(self, load: float, more: float) -> bool:
        return load + more <= self._settings.full + ROUNDING

    def _in_pairs(self, bundle: Bundle, source: int, target: int) -> bool:
        """Whether its VPort then uses no more processors than it has queue pairs."""
        item = bundle[0]
        if not isinstance(item, Entry):
            return True
        used = self._entries[item.vport]
        joins, leaves = target not in used, used[source] == len(bundle)
        return len(used) + joins - leaves <= self._queue_pairs[item.vport]

    def _is_spread(self, bundle: Bundle) -> bool:
        """Whether its VPort uses as many processors as it may."""
        item = bundle[0]
        return isinstance(item, Entry) and len(self._entries[item.vport]) >= self._queue_pairs[item.vport]

    def _load(self, bundle: Bundle, source: int) -> float:
        items = self._items[source]
        return sum(items[item] for item in bundle)

    def _move(self, bundle: Bundle, source: int, target: int) -> None:
        load = self._load(bundle, source)
        self.loads[source] -= load
        self.loads[target] += load
        self._fixed.update(bundle)
        for item in bundle:
            self.moves.append(Move(item, source, target))
            self._items[target][item] = self._items[source].pop(item)
            if isinstance(item, Entry):
                used = self._entries[item.vport]
                used[target] += 1
                used[source] -= 1
                if not used[source]:
                    del used[source]
