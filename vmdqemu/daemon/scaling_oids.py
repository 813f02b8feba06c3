"""RSS by OID: a VPort's parameters by RSSv1 and RSSv2, and the moves of single entries.

    {"method": "OID_GEN_RSS_SET_INDIRECTION_TABLE_ENTRIES",
     "params": {"actor": 0, "moves": [{"vport": 1, "entry": 0, "processor": 2}]}}
    {"result": {"status": "NDIS_STATUS_SUCCESS", "number": 0, "entries": ["NDIS_STATUS_NOT_ACCEPTED"]}}

What a request does not say stays as it is.
"""

from collections.abc import Callable, Mapping
from typing import Final

from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.control import Document, Method
from vmdqemu.daemon.oids import ended
from vmdqemu.daemon.params import Params
from vmdqemu.daemon.receive_scaling import Scaling
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.errors import UsageError
from vmdqemu.nic.adapter import Adapter
from vmdqemu.nic.rss import HashType, Rss
from vmdqemu.nic.rss_requests import MoveEntries, SetRss, SetScaling
from vmdqemu.nic.scaling_entity import EntryMove, Scale
from vmdqemu.nic.vport import Serving, VPort

Request = SetRss | SetScaling | MoveEntries
Read = Callable[[Params, Adapter, Serving], Request]


def _parameters(params: Params, adapter: Adapter, _: Serving) -> SetRss:
    """RSSv1: a table of the VPort's queues, counted from 0."""
    number, vport = _vport(params, adapter)
    if vport.rss is None:
        raise UsageError(f"vport: {number} has one queue; vmdqemu rss list names those with several")
    now = vport.rss
    key = params.octets("key") if params.has("key") else now.key
    table = params.wholes("table") if params.has("table") else now.table
    return SetRss(number, Rss(key, _types(params) or now.types, table, params.whole("default", now.default)))


def _parameters_v2(params: Params, adapter: Adapter, serving: Serving) -> SetScaling:
    number, vport = _vport(params, adapter)
    enabled = params.flag("enabled") if params.has("enabled") else vport.spread is not None
    queues, entries = (params.whole(name) if params.has(name) else None for name in ("queues", "entries"))
    key = params.octets("key") if params.has("key") else None
    return SetScaling(number, Scale(enabled, queues, entries), serving, key, _types(params))


def _moves(params: Params, _: Adapter, serving: Serving) -> MoveEntries:
    moves = (
        EntryMove(move.whole("vport"), move.whole("entry"), move.whole("processor"))
        for move in params.documents("moves")
    )
    return MoveEntries(tuple(moves), params.whole("actor"), serving)


def _vport(params: Params, adapter: Adapter) -> tuple[int, VPort]:
    number = params.whole("vport")
    vport = adapter.vport(number)
    if vport is None:
        raise UsageError(f"vport: there is no {number}; vmdqemu vport list names them")
    return number, vport


def _types(params: Params) -> HashType | None:
    if not params.has("types"):
        return None
    types = HashType(0)
    for kind in params.choices("types", HashType):
        types |= kind
    return types


REQUESTS: Final[Mapping[str, Read]] = {
    "OID_GEN_RECEIVE_SCALE_PARAMETERS": _parameters,
    "OID_GEN_RECEIVE_SCALE_PARAMETERS_V2": _parameters_v2,
    "OID_GEN_RSS_SET_INDIRECTION_TABLE_ENTRIES": _moves,
}


class ScalingOids:
    """The OIDs for RSS of one lab's adapter."""

    def __init__(self, supervisor: Supervisor, changer: Changer) -> None:
        self._plant = supervisor.plant
        self._changer = changer
        self._scaling = Scaling(supervisor, changer)

    def methods(self) -> dict[str, Method]:
        """A verb for each."""
        return {oid: self._method(read) for oid, read in REQUESTS.items()}

    def _method(self, read: Read) -> Method:
        async def method(document: Document) -> Document:
            params = Params(document)
            async with self._changer.busy:  # who serves a queue now is part of the request
                request = read(params, self._plant.adapter, self._plant.serving)
                outcome = await self._changer.apply(request)
                if isinstance(request, MoveEntries):
                    self._scaling.note([request.accepted(outcome.entries)], by=params.caller)
                return ended(outcome)

        return method
