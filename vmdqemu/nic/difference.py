"""What differs between two tables: which queues change hands, and what both agree on meanwhile."""

from typing import NamedTuple

from vmdqemu.nic.filters import FilterKey
from vmdqemu.nic.tables import DEFAULT_QUEUE, Tables, VPortTable


class Difference(NamedTuple):
    """The way from one set of tables to another."""

    kept: frozenset[int]  # VMs' queues that stay as they are: a reader need not even notice
    changed: frozenset[int]  # every other queue of either: its frames may be somebody else's afterwards
    meanwhile: Tables  # sorts the frames that both place alike, and the rest into its default queues
    joined: Tables  # has the VFs of both: by whichever a frame left the host, it reaches its VF


def compare(before: Tables, after: Tables) -> Difference:
    """The default VPort's queues always change: a frame that has a filter now may wait in one of them."""
    same = _adapter(before) == _adapter(after)
    agreed = {number for number in before.vports if same and _vport(before, number) == _vport(after, number)}
    kept = frozenset(queue for number in agreed for queue in before.vports[number].queues)
    filters = {key: number for key, number in before.filters.items() if number in agreed}
    meanwhile = before._replace(filters=filters)
    if not same:
        meanwhile = meanwhile._replace(default_queues=(DEFAULT_QUEUE,), default_rss=None)
    changed = frozenset((*_queues(before), *_queues(after))) - kept
    return Difference(kept, changed, meanwhile, _joined(before, after))


def _joined(before: Tables, after: Tables) -> Tables:
    """A VF that loses its addresses may still send by them, too."""
    of_vfs = {key: owner for key, owner in before.filters.items() if owner in before.vfs}
    losing = {owner: before.vfs[owner] for owner in {*of_vfs.values()} - {*after.filters.values()}}
    return after._replace(vfs={**before.vfs, **after.vfs, **losing}, filters={**after.filters, **of_vfs})


def _adapter(tables: Tables) -> Tables:
    """What is nobody's VPort, and moves no frame to another queue.

    A chip's registers matter by what they make of the filters.
    """
    bare = tables._replace(generation=0, moderation={}, coalescing={}, pooling=None)
    return bare._replace(filters={}, addresses={}, vports={}, vfs={})


def _vport(tables: Tables, number: int) -> tuple[VPortTable | None, set[FilterKey], set[FilterKey]]:
    """All that is a VPort's: its filters may move to another VLAN while its addresses stay."""
    keys = {key for key, owner in tables.filters.items() if owner == number}
    return tables.vports.get(number), keys, tables.sorted_filters(number)


def _queues(tables: Tables) -> list[int]:
    return [*tables.default_queues, *(queue for vport in tables.vports.values() for queue in vport.queues)]
