"""Verbs about the host: its VMs, what each may send, its rules and its processors."""

from collections.abc import Callable

from pydantic import TypeAdapter, ValidationError

from vmdqemu.config_values import Speed
from vmdqemu.daemon import diagnosis, reports
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.control import Document, Method
from vmdqemu.daemon.emigration import Emigration
from vmdqemu.daemon.params import Params
from vmdqemu.daemon.shares import Shares
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.vfs import Vfs
from vmdqemu.daemon.vms import Vms
from vmdqemu.errors import UsageError
from vmdqemu.host.queues import MOST_WEIGHT, Override
from vmdqemu.host.why import findings

OVERRIDES = ("ten_gig_vmq", "below_ten_gig_vmq")  # as the lab file's [host] has them
_SPEED = TypeAdapter[float](Speed)


def verbs(supervisor: Supervisor, changer: Changer, vfs: Vfs) -> dict[str, Method]:
    """By their names."""
    vms = Vms(supervisor, changer)
    return {
        **_vm(supervisor, vms, vfs),
        **_host(supervisor, vms),
        **_share(supervisor, Shares(supervisor, changer), vfs),
        **_migrating(Emigration(supervisor, changer, vms)),
        **_processor(supervisor),
    }


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


def _migrating(emigration: Emigration) -> dict[str, Method]:
    async def migrate(document: Document) -> Document:
        params = Params(document)
        dry_run = params.flag("dry_run") if params.has("dry_run") else False
        return await emigration.migrate(params.text("vm"), params.text("to"), dry_run)

    return {"migrate": migrate}


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
