"""RSSv2: one scaling entity as NDIS sees it, a table of processors, and the two requests that change it.

The primary processor steers while RSS is off; the default processor and the entries do while it is on. What
does not steer is written down and checked when it comes to steer. A refused request changes nothing.

Sources: NDIS: receive-side-scaling-version-2-rssv2-, oid-gen-receive-scale-parameters-v2,
oid-gen-rss-set-indirection-table-entries.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

from vmdqemu.nic.rss import MAX_ENTRIES, MIN_ENTRIES
from vmdqemu.nic.status import Status

DEFAULT_PROCESSOR: Final = 0xFFFF  # these two are no entries, but are moved as entries are
PRIMARY_PROCESSOR: Final = 0xFFFE
MAX_MOVES: Final = MAX_ENTRIES + 2  # in one request: the whole table, and both processors


class Entity(NamedTuple):
    """A VPort's steering parameters."""

    enabled: bool
    primary: int  # processor
    default: int  # processor of frames without a hash
    entries: tuple[int, ...]  # processors
    queues: int  # how many processors may steer at once: each has a queue of its own

    @property
    def processors(self) -> tuple[int, ...]:
        """Those that steer, each once."""
        return tuple(dict.fromkeys((*self.entries, self.default) if self.enabled else (self.primary,)))

    def processor(self, entry: int) -> int | None:
        """What an entry, or one of the two others, points at; None: there is no such entry."""
        if entry == DEFAULT_PROCESSOR:
            return self.default
        if entry == PRIMARY_PROCESSOR:
            return self.primary
        return self.entries[entry] if 0 <= entry < len(self.entries) else None

    def steers(self, entry: int) -> bool:
        """Whether it decides where frames go now."""
        return (entry == PRIMARY_PROCESSOR) != self.enabled

    def pointed(self, entry: int, processor: int) -> "Entity":
        """With an entry, or one of the two others, on another processor."""
        if entry == DEFAULT_PROCESSOR:
            return self._replace(default=processor)
        if entry == PRIMARY_PROCESSOR:
            return self._replace(primary=processor)
        return self._replace(entries=(*self.entries[:entry], processor, *self.entries[entry + 1 :]))


class EntryMove(NamedTuple):
    """NDIS_RSS_SET_INDIRECTION_ENTRY."""

    vport: int
    entry: int  # its index, or DEFAULT_PROCESSOR, or PRIMARY_PROCESSOR
    processor: int


class Scale(NamedTuple):
    """NDIS_RECEIVE_SCALE_PARAMETERS_V2 without key and types. None: not changed."""

    enabled: bool
    queues: int | None = None
    entries: int | None = None


def move(
    entity: Entity, moves: Sequence[EntryMove], actor: int, allowed: Collection[int]
) -> tuple[Entity, Status]:
    """Carry out all moves of one group, or none.

    actor: the processor that the request runs on, the only one that an entry can be moved from.
    allowed: the adapter's RSS processors.
    """
    moved = entity
    for asked in moves:
        status = _validate(entity, asked, actor, allowed)
        if status is not Status.SUCCESS:
            return entity, status
        moved = moved.pointed(asked.entry, asked.processor)
    if len(moved.processors) > moved.queues:
        return entity, Status.NO_QUEUES
    return moved, Status.SUCCESS


def _validate(entity: Entity, asked: EntryMove, actor: int, allowed: Collection[int]) -> Status:
    current = entity.processor(asked.entry)
    if current is None:
        return Status.INVALID_PARAMETER
    if current != actor:
        return Status.NOT_ACCEPTED
    if asked.processor != current and entity.steers(asked.entry) and asked.processor not in allowed:
        return Status.INVALID_DATA
    return Status.SUCCESS


def scale(
    entity: Entity, request: Scale, most_queues: int, most_entries: int, allowed: Collection[int]
) -> tuple[Entity, Status]:
    """Turn RSS on or off, and change how many queues and entries there are: all of it, or nothing."""
    queues = entity.queues if request.queues is None else request.queues
    count = len(entity.entries) if request.entries is None else request.entries
    if not 1 <= queues <= most_queues or not MIN_ENTRIES <= count <= most_entries or count.bit_count() != 1:
        return entity, Status.INVALID_PARAMETER
    entries = _resized(entity.entries, count)
    if entries is None:
        return entity, Status.INVALID_DATA
    changed = entity._replace(enabled=request.enabled, queues=queues, entries=entries)
    turned = changed.enabled != entity.enabled
    if turned and any(processor not in allowed for processor in changed.processors):
        return entity, Status.INVALID_DATA
    if len(changed.processors) > queues:
        return entity, Status.NO_QUEUES
    return changed, Status.SUCCESS


def _resized(entries: tuple[int, ...], count: int) -> tuple[int, ...] | None:
    """A table grows by repeating itself; it shrinks if what goes repeats what stays, else None."""
    if count >= len(entries):
        return entries * (count // len(entries))
    kept = entries[:count]
    return kept if kept * (len(entries) // count) == entries else None
