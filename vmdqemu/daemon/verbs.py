"""The verbs of the control socket: what each reads in a request, what it has done, and what it answers with.

One function for each group; `oids` has those of NDIS. A change is answered with the report that shows it.
"""

from collections.abc import Callable

from pydantic import TypeAdapter, ValidationError

from vmdqemu.config_values import Speed
from vmdqemu.daemon import diagnosis, reports
from vmdqemu.daemon.change import SRIOV, Changer
from vmdqemu.daemon.control import Document, Method
from vmdqemu.daemon.observers import Observers
from vmdqemu.daemon.oids import Oids
from vmdqemu.daemon.params import Params
from vmdqemu.daemon.receive_filters import Filters
from vmdqemu.daemon.receive_scaling import Scaling
from vmdqemu.daemon.scaling_oids import ScalingOids
from vmdqemu.daemon.shares import Shares
from vmdqemu.daemon.snapshot import Registers
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.switch_settings import SwitchSettings
from vmdqemu.daemon.vf_verbs import vf
from vmdqemu.daemon.vfs import Vfs
from vmdqemu.daemon.vms import Vms
from vmdqemu.errors import UsageError
from vmdqemu.host.processors import Policy
from vmdqemu.host.queues import MOST_WEIGHT, Override
from vmdqemu.host.why import findings
from vmdqemu.nic import coalescing, moderation
from vmdqemu.nic.coalescing import CoalescingFilter
from vmdqemu.nic.moderation import Moderation

OVERRIDES = ("ten_gig_vmq", "below_ten_gig_vmq")  # as the lab file's [host] has them
_SPEED = TypeAdapter[float](Speed)


def verbs(supervisor: Supervisor, changer: Changer) -> dict[str, Method]:
    """Every verb that one lab's socket answers to."""
    vms = Vms(supervisor, changer)
    vfs = Vfs(supervisor, changer)
    return {
        **_lab(supervisor),
        **_observing(supervisor),
        **_queue(supervisor, changer, vfs),
        **_filter(supervisor, Filters(supervisor.plant, changer)),
        **_rss(supervisor, Scaling(supervisor, changer)),
        **_coalescing(supervisor, changer),
        **_vm(supervisor, vms, vfs),
        **_host(supervisor, vms),
        **_share(supervisor, Shares(supervisor, changer), vfs),
        **vf(supervisor, changer, vfs),
        **_switch(supervisor, SwitchSettings(supervisor, changer)),
        **_processor(supervisor),
        **Oids(supervisor, changer).methods(),
        **ScalingOids(supervisor.plant, changer).methods(),
    }


def _lab(supervisor: Supervisor) -> dict[str, Method]:
    def stop(_: Document) -> Document:
        supervisor.stopped.set()
        return {"stopping": True}

    return {"status": lambda _: reports.status(supervisor), "stop": stop}


def _observing(supervisor: Supervisor) -> dict[str, Method]:
    observers, registers = Observers(supervisor), Registers(supervisor)

    async def observe(document: Document) -> Document:
        return await observers.observe(Params(document).whole("snaplen"))

    return {
        "stats": lambda _: reports.stats(supervisor),
        "stats.ethtool": lambda _: reports.statistics(supervisor),
        "stats.registers": lambda _: reports.registers(supervisor, registers.read()),
        "events": lambda document: reports.events(supervisor, Params(document).whole("after", 0)),
        "observe": observe,
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


def _vm(supervisor: Supervisor, vms: Vms, vfs: Vfs) -> dict[str, Method]:
    async def add(document: Document) -> Document:
        await vms.add(Params(document).text("tables"))
        await vfs.settle()
        return reports.vms(supervisor)

    async def remove(document: Document) -> Document:
        name = Params(document).text("vm")
        await vfs.give_up(name)
        await vms.remove(name)
        return reports.vms(supervisor)

    async def put(document: Document) -> Document:
        params = Params(document)
        await vms.set_weight(params.text("vm"), _vmq_weight(params))
        return reports.queues(supervisor)

    async def why(document: Document) -> Document:
        name = Params(document).text("vm")
        found = findings(await diagnosis.situation(supervisor, name))
        return {"schema_version": reports.SCHEMA_VERSION, "vm": name, "findings": found}

    return {
        "vm.list": lambda _: reports.vms(supervisor),
        "vm.add": add,
        "vm.remove": remove,
        "vm.set": put,
        "why": why,
    }


def _host(supervisor: Supervisor, vms: Vms) -> dict[str, Method]:
    async def put(document: Document) -> Document:
        params = Params(document)
        asked = {name: _override(params, name) for name in OVERRIDES if params.has(name)}
        if not asked:
            raise UsageError(f"nothing to set; give {' or '.join(OVERRIDES)}")
        await vms.set_overrides(asked)
        return reports.queues(supervisor)

    return {"host.set": put}


def _override(params: Params, name: str) -> Override:
    try:
        return Override(params.whole(name))
    except ValueError:
        raise UsageError(
            f"{name}: {params.whole(name)} cannot be; use 0 (default), 1 (on) or 2 (off)"
        ) from None


def _vmq_weight(params: Params) -> int:
    if not 0 <= (weight := params.whole("vmq_weight")) <= MOST_WEIGHT:
        raise UsageError(f"vmq_weight: {weight} cannot be; use 0 to {MOST_WEIGHT}")
    return weight


def _share(supervisor: Supervisor, shares: Shares, vfs: Vfs) -> dict[str, Method]:
    read: dict[str, Callable[[Params], float]] = {
        "weight": _weight,
        "rate": _rate,
        "strict": lambda params: params.flag("strict"),
    }

    async def put(document: Document) -> Document:
        params = Params(document)
        terms = {term: read[term](params) for term in read if params.has(term)}
        if not terms:
            raise UsageError("nothing to set; give a weight, a rate or strict")
        await shares.set(params.text("vm"), **terms)
        await vfs.settle()
        return reports.shares(supervisor)

    return {"share.list": lambda _: reports.shares(supervisor), "share.set": put}


def _weight(params: Params) -> int:
    if not 1 <= (weight := params.whole("weight")) <= 100:
        raise UsageError(f"weight: {weight} does not fit; use 1 to 100")
    return weight


def _rate(params: Params) -> float:
    what = "a number of Mbit/s"
    if (rate := params.number("rate", what)) < 0:
        raise UsageError(f"rate: {rate!r} is not {what}")
    return rate


def _switch(supervisor: Supervisor, settings: SwitchSettings) -> dict[str, Method]:
    async def put(document: Document) -> Document:
        params, keys = Params(document), document.get("keys")
        if not isinstance(keys, dict) or not keys:
            raise UsageError("nothing to set; give keys of the lab file")
        await settings.set(params.text("pool") if params.has("pool") else None, keys)
        return reports.switch(supervisor)

    return {"switch.list": lambda _: reports.switch(supervisor), "switch.set": put}


def _processor(supervisor: Supervisor) -> dict[str, Method]:
    async def put(document: Document) -> Document:
        await supervisor.set_speed(_speed(Params(document)))
        return reports.processors(supervisor)

    return {"processor.list": lambda _: reports.processors(supervisor), "processor.set": put}


def _speed(params: Params) -> float:
    what = "a share of a CPU; use 0.01 to 1"
    speed = params.number("speed", what)
    try:
        return _SPEED.validate_python(speed)
    except ValidationError:
        raise UsageError(f"speed: {speed!r} is not {what}") from None
