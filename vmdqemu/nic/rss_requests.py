"""The requests that change the RSS of a VPort: RSSv1 with queues, RSSv2 with processors.

An adapter takes both, as NDIS offers both whatever the miniport driver has. RSSv1 sets a whole table, and key
and types are fixed for a VPort's life (NDIS: updating-vmmq-on-a-vport); RSSv2 moves single entries and may
change everything.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from vmdqemu.nic import rss, scaling_entity
from vmdqemu.nic.models import Model
from vmdqemu.nic.rss import KEY_OCTETS, HashType, Rss
from vmdqemu.nic.scaling_entity import Entity, EntryMove, Scale
from vmdqemu.nic.status import Status
from vmdqemu.nic.vport import Placement, Serving, VPort, entity, settle


class SetRss(NamedTuple):
    """OID_GEN_RECEIVE_SCALE_PARAMETERS of a VPort; a VPort whose RSS is off has it on again."""

    vport: int
    rss: Rss


class SetScaling(NamedTuple):
    """OID_GEN_RECEIVE_SCALE_PARAMETERS_V2 of a VPort. None: not changed."""

    vport: int
    scale: Scale
    serving: Serving
    key: bytes | None = None
    types: HashType | None = None

    def served(self, placement: Placement) -> "SetScaling":
        """With queues that went to another processor meanwhile."""
        return self._replace(serving=self.serving.moved(placement))


class MoveEntries(NamedTuple):
    """OID_GEN_RSS_SET_INDIRECTION_TABLE_ENTRIES, sent on processor `actor`.

    It succeeds if it can be read; each of its entries has a status of its own.
    """

    moves: tuple[EntryMove, ...]
    actor: int
    serving: Serving

    def accepted(self, statuses: Sequence[Status]) -> "MoveEntries":
        """What of it was carried out; statuses: of its entries, none of a request that was refused whole."""
        done = zip(self.moves, statuses, strict=False)
        return self._replace(moves=tuple(move for move, status in done if status is Status.SUCCESS))

    def served(self, placement: Placement) -> "MoveEntries":
        """With queues that went to another processor meanwhile."""
        return self._replace(serving=self.serving.moved(placement))


class Scaled(NamedTuple):
    """A VPort after a request."""

    vport: VPort
    status: Status
    placement: Mapping[int, int] = {}  # its queues that go to another processor


def is_held(parameters: Rss, queue_pairs: int, model: Model) -> bool:
    """Whether a VPort of the model can take RSS parameters."""
    try:
        rss.check(parameters, queue_pairs)
    except ValueError:
        return False
    rules = model.queue_rules
    return not parameters.types & ~rules.hash_types and len(parameters.table) <= rules.table_entries


def set_rss(vport: VPort, request: SetRss, model: Model, fixed: bool) -> Scaled:
    """Set the whole table. fixed: key and types cannot change."""
    old, new = vport.rss, request.rss
    changed = old is not None and (old.key, old.types) != (new.key, new.types)
    if (fixed and changed) or not is_held(new, vport.queue_pairs, model):
        return _refused(vport, Status.INVALID_PARAMETER)
    return Scaled(vport._replace(rss=new, scaling=None), Status.SUCCESS)


def set_scaling(vport: VPort, request: SetScaling, model: Model) -> Scaled:
    """Turn RSS on or off, resize it, and, where it is on, change key and types."""
    if vport.rss is None or not vport.is_scaled or not model.queue_rules.entry_moves:
        return _refused(vport, Status.NOT_SUPPORTED)
    status, parameters = _parameters(vport.rss, request, model)
    if status is not Status.SUCCESS:
        return _refused(vport, status)
    placement, allowed = request.serving.placement, request.serving.processors
    now = entity(vport, vport.rss, placement)
    most = len(vport.queues), model.queue_rules.table_entries
    wanted, status = scaling_entity.scale(now, request.scale, *most, allowed)
    if status is not Status.SUCCESS:
        return _refused(vport, status)
    changed, moved = settle(vport, parameters, wanted, placement)
    return Scaled(changed, status, moved)


def readable(request: MoveEntries) -> Status:
    """Whether the request as such is in order."""
    if not request.moves:
        return Status.INVALID_LENGTH
    return (
        Status.SUCCESS if len(request.moves) <= scaling_entity.MAX_MOVES else Status.INVALID_DATA
    )  # netvmini's limit


def move_group(vport: VPort, request: MoveEntries, model: Model) -> Scaled:
    """Carry out the moves of one VPort: all of them, or none."""
    if vport.rss is None or not vport.is_scaled or not model.queue_rules.entry_moves:
        return _refused(vport, Status.NOT_SUPPORTED)
    placement = request.serving.placement
    now = entity(vport, vport.rss, placement)
    wanted, status = scaling_entity.move(now, request.moves, request.actor, request.serving.processors)
    if status is not Status.SUCCESS:
        return _refused(vport, status)
    changed, moved = settle(vport, vport.rss, wanted, placement)
    return Scaled(changed, status, moved)


def evacuate(
    vport: int, entries: Collection[int], now: Entity, processor: int, serving: Serving
) -> list[MoveEntries]:
    """What moves entries to a processor: a request from each that one of them is on, its actor."""
    on: dict[int, list[EntryMove]] = {}
    for entry in entries:
        actor = now.processor(entry)
        if actor is not None:
            on.setdefault(actor, []).append(EntryMove(vport, entry, processor))
    return [MoveEntries(tuple(moves), actor, serving) for actor, moves in on.items()]


def _parameters(now: Rss, request: SetScaling, model: Model) -> tuple[Status, Rss]:
    """While RSS is off only the counts matter (NDIS: oid-gen-receive-scale-parameters-v2)."""
    if not request.scale.enabled:
        return Status.SUCCESS, now
    key = now.key if request.key is None else request.key
    types = now.types if request.types is None else request.types
    if len(key) != KEY_OCTETS:
        return Status.INVALID_LENGTH, now
    try:
        rss.check_hash_types(types)
    except ValueError:
        return Status.INVALID_PARAMETER, now
    if types & ~model.queue_rules.hash_types:
        return Status.INVALID_PARAMETER, now
    return Status.SUCCESS, now._replace(key=key, types=types)


def _refused(vport: VPort, status: Status) -> Scaled:
    return Scaled(vport, status)
