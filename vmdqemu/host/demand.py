"""Demand: what was measured over a period, and what the items are taken to want by it."""

from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from vmdqemu.host.balance_settings import Settings

ROUNDING: Final = 1e-9  # shares that differ by less are equal
DEFAULT_PROCESSOR: Final = 0xFFFF  # table_index of the entry for frames without a hash (RSSv2)


class Entry(NamedTuple):
    """One entry of a VPort's indirection table (NDIS: NDIS_RSS_SET_INDIRECTION_ENTRY)."""

    vport: int
    table_index: int  # or DEFAULT_PROCESSOR


Item = int | Entry  # what moves; an int is an RX queue


class Sample(NamedTuple):
    """What was measured over the last period. Shares are of one processor."""

    busy: Mapping[int, float]  # processor -> share of the period that it worked, 0 to 1
    loads: Mapping[Item, float]  # item -> its share; the sum may exceed 1 if it is known how much waits
    placement: Mapping[Item, int]  # item -> processor; an item outside the set is left alone
    queue_pairs: Mapping[int, int] = {}  # VPort -> the most processors that its entries may name


class Wanted(NamedTuple):
    """What the items of each processor in the set are taken to want."""

    items: dict[int, dict[Item, float]]
    loads: dict[int, float]  # of all that runs there


def wanted(sample: Sample, processors: Iterable[int], settings: Settings) -> Wanted:
    """A saturated processor hides what waits: all that runs on it is taken to want `growth` processors."""
    items: dict[int, dict[Item, float]] = {processor: {} for processor in processors}
    for item, processor in sample.placement.items():
        if processor in items:
            items[processor][item] = sample.loads.get(item, 0.0)
    loads = {}
    for processor, shares in items.items():
        load = max(sample.busy.get(processor, 0.0), sum(shares.values()))
        scale = settings.growth / load if settings.saturated <= load <= 1 + ROUNDING else 1.0
        items[processor] = {item: share * scale for item, share in shares.items()}
        loads[processor] = load * scale
    return Wanted(items, loads)
