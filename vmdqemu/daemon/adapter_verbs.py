"""Verbs about the adapter: its queues, filters and switch, and how it spreads and holds back frames."""

from vmdqemu.daemon import reports
from vmdqemu.daemon.change import SRIOV, Changer
from vmdqemu.daemon.control import Document, Method
from vmdqemu.daemon.params import Params
from vmdqemu.daemon.receive_filters import Filters
from vmdqemu.daemon.receive_scaling import Scaling
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.switch_settings import SwitchSettings
from vmdqemu.daemon.vfs import Vfs
from vmdqemu.errors import UsageError
from vmdqemu.host.processors import Policy
from vmdqemu.nic import coalescing, moderation
from vmdqemu.nic.coalescing import CoalescingFilter
from vmdqemu.nic.moderation import Moderation


def verbs(supervisor: Supervisor, changer: Changer, vfs: Vfs) -> dict[str, Method]:
    """By their names."""
    return {
        **_queue(supervisor, changer, vfs),
        **_filter(supervisor, Filters(supervisor.plant, changer)),
        **_rss(supervisor, Scaling(supervisor, changer)),
        **_coalescing(supervisor, changer),
        **_switch(supervisor, SwitchSettings(supervisor, changer)),
    }


def _queue(supervisor: Supervisor, changer: Changer, vfs: Vfs) -> dict[str, Method]:
    async def set_mode(document: Document) -> Document:
        params = Params(document)
        policy = params.choice("placement", Policy, Policy.STATIC) if params.has("placement") else None
        if (mode := params.text("mode")) == SRIOV:
            vfs.require()
        await changer.set_mode(mode, policy)
        if mode == SRIOV:
            await vfs.add_all()
        return reports.queues(supervisor)

    async def put(document: Document) -> Document:
        params = Params(document)
        processor = params.whole("processor") if params.has("processor") else None
        throttle = _moderation(document["moderation"]) if params.has("moderation") else None
        if processor is None and throttle is None:
            raise UsageError("nothing to set; give a processor or a moderation")
        await changer.set_queue(params.whole("queue"), processor, throttle)
        return reports.queues(supervisor)

    return {
        "vport.list": lambda _: reports.vports(supervisor),
        "queue.list": lambda _: reports.queues(supervisor),
        "queue.set": put,
        "mode.set": set_mode,
    }


def _moderation(value: object) -> Moderation:
    try:
        return moderation.read(value)
    except ValueError as error:
        raise UsageError(f"moderation: {value!r} is {error}") from None


def _filter(supervisor: Supervisor, filters: Filters) -> dict[str, Method]:
    async def put(document: Document) -> Document:
        params = Params(document)
        vlan = None if document.get("vlan") is None else params.whole("vlan")
        await filters.set(params.text("vm"), params.text("mac"), vlan)
        return reports.filters(supervisor)

    async def clear(document: Document) -> Document:
        await filters.clear(Params(document).whole("filter"))
        return reports.filters(supervisor)

    async def move(document: Document) -> Document:
        params = Params(document)
        await filters.move(params.whole("filter"), params.text("vm"))
        return reports.filters(supervisor)

    return {
        "filter.list": lambda _: reports.filters(supervisor),
        "filter.set": put,
        "filter.clear": clear,
        "filter.move": move,
    }


def _rss(supervisor: Supervisor, scaling: Scaling) -> dict[str, Method]:
    async def put(document: Document) -> Document:
        await scaling.set(Params(document).text("vport"), document)
        return reports.rss(supervisor)

    async def move(document: Document) -> Document:
        params = Params(document)
        entries, processor = params.text("entries"), params.whole("processor")
        await scaling.move(params.text("vport"), entries, processor)
        return reports.rss(supervisor)

    return {"rss.list": lambda _: reports.rss(supervisor), "rss.set": put, "rss.move": move}


def _coalescing(supervisor: Supervisor, changer: Changer) -> dict[str, Method]:
    async def put(document: Document) -> Document:
        params = Params(document)
        await changer.coalesce(_coalescing_filter(params), params.whole("filter", 0))
        return reports.coalescing(supervisor)

    async def clear(document: Document) -> Document:
        await changer.stop_coalescing(Params(document).whole("filter"))
        return reports.coalescing(supervisor)

    return {
        "coalescing.list": lambda _: reports.coalescing(supervisor),
        "coalescing.set": put,
        "coalescing.clear": clear,
    }


def _coalescing_filter(params: Params) -> CoalescingFilter:
    tests, delay = params.texts("tests", "tests"), params.whole("delay")
    try:
        return CoalescingFilter(tuple(map(coalescing.read_test, tests)), delay)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _switch(supervisor: Supervisor, settings: SwitchSettings) -> dict[str, Method]:
    async def put(document: Document) -> Document:
        params, keys = Params(document), document.get("keys")
        if not isinstance(keys, dict) or not keys:
            raise UsageError("nothing to set; give keys of the lab file")
        await settings.set(params.text("pool") if params.has("pool") else None, keys)
        return reports.switch(supervisor)

    return {"switch.list": lambda _: reports.switch(supervisor), "switch.set": put}
