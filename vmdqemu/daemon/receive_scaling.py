"""RSS of a running lab: a VPort's parameters, and the processors that its entries point at."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from vmdqemu.daemon.change import Changer, accept
from vmdqemu.daemon.plant import Plant
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.errors import UsageError
from vmdqemu.host.demand import Entry
from vmdqemu.host.plan import Move
from vmdqemu.nic import adapter as control
from vmdqemu.nic.adapter import Adapter
from vmdqemu.nic.rss import HashType, Rss
from vmdqemu.nic.rss_reading import read_entries, read_key, read_types, show_entries
from vmdqemu.nic.rss_requests import MoveEntries, SetScaling, evacuate
from vmdqemu.nic.scaling_entity import EntryMove, Scale
from vmdqemu.nic.tables import DEFAULT_VPORT
from vmdqemu.nic.vport import VPort, entity

DEFAULT_NAME: Final = "default"

Document = dict[str, Any]


class Scaling:
    """Changes the RSS of one lab. Raises UsageError, and VmdqemuError with the adapter's status."""

    def __init__(self, supervisor: Supervisor, changer: Changer) -> None:
        self._supervisor = supervisor
        self._plant = supervisor.plant
        self._changer = changer

    async def set(self, name: str, params: Document) -> None:
        """Turn a VPort's RSS on or off; change key, types, entries and queues."""
        enabled, queues = _optional(params, "enabled", bool), _optional(params, "queues", int)
        entries, key, types = _optional(params, "entries", int), _key(params), _types(params)
        if all(asked is None for asked in (enabled, queues, entries, key, types)):
            raise UsageError("nothing to set; give on or off, key, types, entries or queues")

        async with self._changer.busy:
            number, vport, _ = _scaled(self._plant, name)
            scale = Scale(vport.spread is not None if enabled is None else enabled, queues, entries)
            await self._request([SetScaling(number, scale, self._plant.serving, key, types)])

    async def move(self, name: str, entries: str, processor: int) -> None:
        """Point entries, or the default or primary processor, at a processor."""
        async with self._changer.busy:
            number, vport, rss = _scaled(self._plant, name)
            if not 0 <= processor < self._plant.config.host.processors:
                last = self._plant.config.host.processors - 1
                raise UsageError(f"no processor {processor}; use 0 to {last} ([host] processors)")
            now = entity(vport, rss, self._plant.placement)
            try:
                asked = read_entries(entries, len(now.entries))
            except ValueError as error:
                raise UsageError(f"entries: {error}") from None
            requests = evacuate(number, asked, now, processor, self._plant.serving)
            await self._request(requests)
            self.note(requests, by="operator")

    async def follow(self, moves: Iterable[Move]) -> None:
        """Make the balancer's moves of entries; one that was overtaken by another change is left out.

        Queues that no entry names any more go home.
        """
        entries = [(move.item, move) for move in moves if isinstance(move.item, Entry)]
        if not entries:
            return
        async with self._changer.busy:
            sound = [
                (move.source, EntryMove(*entry, move.target))
                for entry, move in entries
                if self._is_on(move.source, entry)
            ]
            requests = [
                MoveEntries(tuple(asked for _, asked in group), source, self._plant.serving)
                for (source, _), group in groupby(sound, key=lambda pair: (pair[0], pair[1].vport))
            ]
            if requests:
                adapter, placement = self._asked(requests)
                home = self._plant.placing.processors[0]
                await self._put(adapter, placement | dict.fromkeys(_unnamed(adapter), home))
                self.note(requests, by="balancer")

    def _is_on(self, processor: int, entry: Entry) -> bool:
        vport = self._plant.adapter.vport(entry.vport)
        if vport is None or vport.rss is None or not vport.is_scaled:
            return False
        return entity(vport, vport.rss, self._plant.placement).processor(entry.table_index) == processor

    async def _request(self, requests: Sequence[SetScaling | MoveEntries]) -> None:
        await self._put(*self._asked(requests))

    def _asked(self, requests: Sequence[SetScaling | MoveEntries]) -> tuple[Adapter, dict[int, int]]:
        """The adapter after requests, all of them, and who serves its queues then."""
        adapter, placement = self._plant.adapter, dict(self._plant.placement)
        for request in requests:
            outcome = control.apply(adapter, request.served(placement))
            for status in (outcome.status, *outcome.entries):
                accept(status, request)
            adapter = outcome.adapter
            placement.update(outcome.placement)
        return adapter, placement

    async def _put(self, adapter: Adapter, placement: Mapping[int, int]) -> None:
        change = await self._changer.prepare(adapter)
        await self._changer.put(change._replace(placed=placement))

    def note(self, requests: Iterable[MoveEntries], by: str) -> None:
        """An event for each VPort and each processor that its entries went to."""
        for request in requests:
            went: dict[tuple[int, int], list[int]] = {}
            for move in request.moves:
                if move.processor != request.actor:
                    went.setdefault((move.vport, move.processor), []).append(move.entry)
            for (number, target), entries in went.items():
                name = DEFAULT_NAME if number == DEFAULT_VPORT else self._plant.adapter.vports[number].name
                moved = {"vport": name, "entries": show_entries(entries)}
                self._supervisor.note("entries-moved", **moved, source=request.actor, target=target, by=by)


def _unnamed(adapter: Adapter) -> Iterator[int]:
    """RX queues of spread VPorts that get no frame."""
    for vport in adapter.vports.values():
        if vport.spread is not None and vport.is_scaled:
            named = {vport.queues[index] for index in (*vport.spread.table, vport.spread.default)}
            yield from set(vport.queues) - named


def _scaled(plant: Plant, name: str) -> tuple[int, VPort, Rss]:
    """The VPort of a VM, or the default one; RSS spreads it over RX queues of its own."""
    names = {port.name: port.number for port in plant.ports}
    number = {**names, DEFAULT_NAME: DEFAULT_VPORT}.get(name)
    vport = None if number is None else plant.adapter.vport(number)
    if number is None or vport is None:
        raise UsageError(f"no VM {name!r}; choose one of: {', '.join(names)}, or {DEFAULT_NAME}")
    if vport.rss is None or not vport.is_scaled:
        mode = plant.adapter.mode.name
        raise UsageError(f"{name} has one queue in mode {mode}; vmdqemu rss list names those with several")
    return number, vport, vport.rss


def rows(plant: Plant) -> Iterator[Document]:
    """Every VPort that RSS spreads, as NDIS sees it and as the silicon does."""
    for number in (DEFAULT_VPORT, *sorted(plant.adapter.vports)):
        vport = plant.adapter.vport(number)
        if vport is not None and vport.rss is not None and vport.is_scaled:
            yield _row(number, vport, vport.rss, plant)


def _row(number: int, vport: VPort, rss: Rss, plant: Plant) -> Document:
    seen = entity(vport, rss, plant.placement)
    return {
        "vport": number,
        "name": vport.name,
        "enabled": seen.enabled,
        "key": rss.key.hex(),
        "types": [kind.name for kind in rss.types],
        "queues": seen.queues,
        "primary": seen.primary,
        "default": seen.default,
        "processors": list(seen.entries),
        "table": [vport.queues[queue] for queue in rss.table],
    }


def _optional(params: Document, name: str, kind: type) -> Any:
    """A parameter that may be left out. True is no number."""
    value = params.get(name)
    if value is not None and type(value) is not kind:
        raise UsageError(f"{name}: {value!r} is not {'true or false' if kind is bool else 'a whole number'}")
    return value


def _key(params: Document) -> bytes | None:
    text = params.get("key")
    if text is None:
        return None
    try:
        return read_key(str(text))
    except ValueError as error:
        raise UsageError(f"key: it {error}") from None


def _types(params: Document) -> HashType | None:
    names = params.get("types")
    if names is None:
        return None
    if not isinstance(names, list):
        raise UsageError("types: not a list of hash types")
    try:
        return read_types(str(name) for name in names)
    except ValueError as error:
        raise UsageError(f"types: {error}") from None
