"""Requests for RSS, put to the adapter: whose they are, and what one VPort's change means for the others."""

from itertools import groupby

from vmdqemu.nic import rss_requests
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.rss_requests import MoveEntries, Scaled, SetRss, SetScaling
from vmdqemu.nic.state import Adapter, Outcome
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_VPORT
from vmdqemu.nic.vport import VPort


def set_rss(adapter: Adapter, request: SetRss) -> Outcome:
    vport = adapter.vport(request.vport)
    if vport is None or (request.vport == DEFAULT_VPORT and not vport.is_scaled):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    native = request.vport == DEFAULT_VPORT and adapter.mode.sort is not Sort.FILTERS
    return _scaled(
        adapter, request.vport, rss_requests.set_rss(vport, request, adapter.model, fixed=not native)
    )


def set_scaling(adapter: Adapter, request: SetScaling) -> Outcome:
    vport = adapter.vport(request.vport)
    if vport is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    return _scaled(adapter, request.vport, rss_requests.set_scaling(vport, request, adapter.model))


def move_entries(adapter: Adapter, request: MoveEntries) -> Outcome:
    """Group by group; each succeeds or fails by itself and as a whole."""
    status = rss_requests.readable(request)
    if status is not Status.SUCCESS:
        return Outcome(adapter, status)
    entries: list[Status] = []
    placement: dict[int, int] = {}
    for number, group in groupby(request.moves, key=lambda entry: entry.vport):
        moves = tuple(group)
        outcome = _move_group(adapter, number, request._replace(moves=moves).served(placement))
        adapter = outcome.adapter
        entries += [outcome.status] * len(moves)
        placement.update(outcome.placement)
    return Outcome(adapter, Status.SUCCESS, entries=tuple(entries), placement=placement)


def _move_group(adapter: Adapter, number: int, request: MoveEntries) -> Outcome:
    vport = adapter.vport(number)
    if vport is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    return _scaled(adapter, number, rss_requests.move_group(vport, request, adapter.model))


def _scaled(adapter: Adapter, number: int, scaled: Scaled) -> Outcome:
    """The adapter with a VPort whose RSS was to be changed."""
    if scaled.status is not Status.SUCCESS:
        return Outcome(adapter, scaled.status)
    vport = scaled.vport
    if vport.rss is not None and not adapter.model.queue_rules.own_table:
        adapter = _share(adapter, vport.rss)
    if number == DEFAULT_VPORT:
        changed = adapter._replace(default_rss=vport.rss, default_scaling=vport.scaling)
    else:
        changed = adapter._replace(vports={**adapter.vports, number: vport})
    return Outcome(changed, Status.SUCCESS, placement=scaled.placement)


def _share(adapter: Adapter, rss: Rss) -> Adapter:
    """The 82599 has one key and one table for all pools; a pool masks an entry to its queues (X550 7.1.3)."""

    def masked(vport: VPort) -> Rss | None:
        if vport.rss is None:
            return None
        return rss._replace(table=tuple(entry % vport.queue_pairs for entry in rss.table), default=0)

    vports = {number: vport._replace(rss=masked(vport)) for number, vport in adapter.vports.items()}
    return adapter._replace(vports=vports, default_rss=masked(adapter.default_vport))
