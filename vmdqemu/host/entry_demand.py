"""Dynamic VMMQ: a VPort's queues as the entries of its indirection table, which are what moves (RSSv2).

The adapter counts what came to a queue and not what came by an entry. So what a queue was served is taken to
have come by all entries that name it alike; where that is wrong, entries that did not matter have moved, the
queue is named by fewer, and what the next period measures is nearer to the truth.
"""

from collections import Counter
from collections.abc import Mapping

from vmdqemu.host.demand import DEFAULT_PROCESSOR, Entry, Item, Sample
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.vport import VPort, entity


def by_entry(sample: Sample, vports: Mapping[int, VPort]) -> Sample:
    """A sample of queues with the entries of each VPort that RSS spreads in place of its queues."""
    loads, placement, queue_pairs = dict(sample.loads), dict(sample.placement), dict(sample.queue_pairs)
    for number, vport in vports.items():
        rss = vport.spread
        if rss is None or not vport.is_scaled or not all(queue in placement for queue in vport.queues):
            continue
        at = {queue: placement.pop(queue) for queue in vport.queues}
        seen = entity(vport, rss, at)
        queue_pairs[number] = seen.queues
        placement[Entry(number, DEFAULT_PROCESSOR)] = seen.default
        placement.update((Entry(number, index), at_) for index, at_ in enumerate(seen.entries))
        loads.update(_shares(number, rss, {queue: loads.pop(queue, 0.0) for queue in vport.queues}))
    return Sample(sample.busy, loads, placement, queue_pairs)


def _shares(vport: int, rss: Rss, served: Mapping[int, float]) -> dict[Item, float]:
    """What each entry is taken to have brought; served: the load of each queue, in the VPort's order.

    A queue that no entry names has what is not hashed alone.
    """
    loads = list(served.values())
    named = Counter(rss.table)
    shares: dict[Item, float] = {
        Entry(vport, index): loads[queue] / named[queue] for index, queue in enumerate(rss.table)
    }
    if rss.default not in named:
        shares[Entry(vport, DEFAULT_PROCESSOR)] = loads[rss.default]
    return shares
