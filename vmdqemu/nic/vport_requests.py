"""Requests for VPorts: made, and deleted once their filters are gone (NDIS: virtual-ports--vports-)."""

from collections.abc import Mapping
from typing import NamedTuple

from vmdqemu.nic import rss_requests
from vmdqemu.nic.filters import Vlan, is_vlan
from vmdqemu.nic.moderation import Moderation
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.state import Adapter, Outcome, lowest_free
from vmdqemu.nic.status import Status
from vmdqemu.nic.vport import VPort


class CreateVPort(NamedTuple):
    """OID_NIC_SWITCH_CREATE_VPORT on the PF. NDIS assigns the lowest free number from 1 up."""

    name: str
    queue_pairs: int = 1
    vlan: Vlan = None
    spoof_check: bool = True
    rss: Rss | None = None  # None: an even spread, if it has several queue pairs


class DeleteVPort(NamedTuple):
    """OID_NIC_SWITCH_DELETE_VPORT. Its filters go first."""

    vport: int


def create_vport(adapter: Adapter, request: CreateVPort) -> Outcome:
    model = adapter.model
    if not 1 <= request.queue_pairs <= model.queue_pairs or not is_vlan(request.vlan):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if request.rss is not None and not rss_requests.is_held(request.rss, request.queue_pairs, model):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    more_queues = adapter.mode.rx_queues(request.queue_pairs)
    full = len(adapter.vports) + 1 == model.vports
    if full or adapter.rx_queues + more_queues > model.rx_queues:
        return Outcome(adapter, Status.RESOURCES)
    number = lowest_free(adapter.vports)
    spread = request.rss
    if spread is None and request.queue_pairs > 1:
        spread = model.queue_rules.spread(request.queue_pairs, model.hash_types)
    queues = adapter.free_queues(more_queues)
    vport = VPort(request.name, request.queue_pairs, request.vlan, request.spoof_check, spread, queues=queues)
    return Outcome(adapter._replace(vports={**adapter.vports, number: vport}), Status.SUCCESS, number)


def delete_vport(adapter: Adapter, request: DeleteVPort) -> Outcome:
    unknown = request.vport not in adapter.vports
    if unknown or any(held.vport == request.vport for held in adapter.filters.values()):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    vports = {number: vport for number, vport in adapter.vports.items() if number != request.vport}
    moderated = _without(adapter.moderated, adapter.vports[request.vport].queues)
    return Outcome(adapter._replace(vports=vports, moderated=moderated), Status.SUCCESS)


def _without(held: Mapping[int, Moderation], queues: tuple[int, ...]) -> Mapping[int, Moderation]:
    return {queue: moderation for queue, moderation in held.items() if queue not in queues}
