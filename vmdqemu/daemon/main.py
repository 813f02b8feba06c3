"""One daemon's life: claim the name, build, serve, undo.

    python -m vmdqemu.daemon.main LAB.toml READY_FD

is how `up --detach` starts it: it writes `{"ready": true}` or its error to READY_FD as JSON, and closes that.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import uvloop
from pydantic import TypeAdapter, ValidationError

from netns.errors import NetnsError
from netns.lab import Lab
from vmdqemu import config as lab_file
from vmdqemu.config import LabConfig
from vmdqemu.config_values import Speed
from vmdqemu.daemon import control, diagnosis, plant, reports, runtime
from vmdqemu.daemon.balancing import Balancing
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.observers import Observers
from vmdqemu.daemon.oids import Oids
from vmdqemu.daemon.plant import Plant
from vmdqemu.daemon.receive_filters import Filters
from vmdqemu.daemon.receive_scaling import Scaling
from vmdqemu.daemon.shares import Shares
from vmdqemu.daemon.snapshot import Registers
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.vms import Vms
from vmdqemu.errors import UsageError, VmdqemuError
from vmdqemu.host.processors import Policy
from vmdqemu.host.queues import MOST_WEIGHT
from vmdqemu.host.why import findings
from vmdqemu.nic import coalescing, moderation
from vmdqemu.nic.coalescing import CoalescingFilter
from vmdqemu.nic.moderation import Moderation

SPEED: Final = TypeAdapter[float](Speed)


def run(config: LabConfig, file: Path, on_ready: Callable[[], None]) -> None:
    """Serve a lab until it is told to stop (a signal or `down`); leave nothing behind.

    Raises VmdqemuError or NetnsError before `on_ready` if the lab cannot be built.
    """
    record = plant.record(config, os.getpid(), str(file))
    for number in _ends():
        signal.signal(number, signal.default_int_handler)  # while it is built, each is Ctrl-C
    with suppress(KeyboardInterrupt), runtime.claimed(record), Lab() as lab:
        try:
            built = plant.build(config, lab)
            uvloop.run(_serve(built, on_ready))
        finally:  # nobody cuts the undo short
            for number in _ends():
                signal.signal(number, signal.SIG_IGN)


def _ends() -> list[signal.Signals]:
    """The signals that end a lab: Ctrl-C, `kill`, a terminal that closes. nohup has the last one ignored."""
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    return [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]


async def _serve(built: Plant, on_ready: Callable[[], None]) -> None:
    supervisor = Supervisor(built)
    loop, this = asyncio.get_running_loop(), asyncio.current_task()
    assert this is not None
    for number in _ends():
        loop.add_signal_handler(number, this.cancel)
    try:
        await supervisor.start()
        socket = runtime.path(built.config.name, "sock")
        changer = Changer(supervisor)
        server = await control.serve(socket, methods(supervisor, changer))
        balancing = loop.create_task(Balancing(supervisor, changer).run())
        on_ready()
        await supervisor.stopped.wait()
        balancing.cancel()
        server.close()
    except asyncio.CancelledError:  # by a signal
        return
    finally:
        supervisor.stop()


def methods(supervisor: Supervisor, changer: Changer) -> dict[str, control.Method]:
    """The verbs of the control socket."""

    observers, registers = Observers(supervisor), Registers(supervisor)

    async def set_mode(params: control.Document) -> control.Document:
        policy = _policy(params["placement"]) if "placement" in params else None
        await changer.set_mode(_text(params, "mode"), policy)
        return reports.queues(supervisor)

    async def set_queue(params: control.Document) -> control.Document:
        processor = _whole(params, "processor") if "processor" in params else None
        throttle = _moderation(params["moderation"]) if "moderation" in params else None
        if processor is None and throttle is None:
            raise UsageError("nothing to set; give a processor or a moderation")
        await changer.set_queue(_whole(params, "queue"), processor, throttle)
        return reports.queues(supervisor)

    async def observe(params: control.Document) -> control.Document:
        return await observers.observe(_whole(params, "snaplen"))

    async def set_speed(params: control.Document) -> control.Document:
        await supervisor.set_speed(_speed(params))
        return reports.processors(supervisor)

    def stop(_: control.Document) -> control.Document:
        supervisor.stopped.set()
        return {"stopping": True}

    return {
        "status": lambda _: reports.status(supervisor),
        "vport.list": lambda _: reports.vports(supervisor),
        "queue.list": lambda _: reports.queues(supervisor),
        "stats": lambda _: reports.stats(supervisor),
        "events": lambda params: reports.events(supervisor, _whole({"after": 0, **params}, "after")),
        "stats.ethtool": lambda _: reports.statistics(supervisor),
        "stats.registers": lambda _: reports.registers(supervisor, registers.read()),
        "mode.set": set_mode,
        "queue.set": set_queue,
        "observe": observe,
        **_coalescing_methods(supervisor, changer),
        "processor.list": lambda _: reports.processors(supervisor),
        "processor.set": set_speed,
        **_rss_methods(supervisor, Scaling(supervisor.plant, changer)),
        "stop": stop,
        **_vm_methods(supervisor, Vms(supervisor, changer)),
        **_filter_methods(supervisor, Filters(supervisor.plant, changer)),
        **_share_methods(supervisor, Shares(supervisor, changer)),
        **Oids(supervisor, changer).methods(),
    }


def _vm_methods(supervisor: Supervisor, vms: Vms) -> dict[str, control.Method]:
    async def add(params: control.Document) -> control.Document:
        await vms.add(_text(params, "tables"))
        return reports.vms(supervisor)

    async def remove(params: control.Document) -> control.Document:
        await vms.remove(_text(params, "vm"))
        return reports.vms(supervisor)

    async def why(params: control.Document) -> control.Document:
        name = _text(params, "vm")
        found = findings(await diagnosis.situation(supervisor, name))
        return {"schema_version": reports.SCHEMA_VERSION, "vm": name, "findings": found}

    async def set_weight(params: control.Document) -> control.Document:
        await vms.set_weight(_text(params, "vm"), _vmq_weight(params))
        return reports.queues(supervisor)

    return {
        "vm.list": lambda _: reports.vms(supervisor),
        "vm.add": add,
        "vm.remove": remove,
        "vm.set": set_weight,
        "why": why,
    }


def _vmq_weight(params: control.Document) -> int:
    if not 0 <= (weight := _whole(params, "vmq_weight")) <= MOST_WEIGHT:
        raise UsageError(f"vmq_weight: {weight} cannot be; use 0 to {MOST_WEIGHT}")
    return weight


def _share_methods(supervisor: Supervisor, shares: Shares) -> dict[str, control.Method]:
    async def put(params: control.Document) -> control.Document:
        read = {"weight": _weight, "rate": _rate, "strict": _flag}
        terms = {name: read[name](params, name) for name in read if name in params}
        if not terms:
            raise UsageError("nothing to set; give a weight, a rate or strict")
        await shares.set(_text(params, "vm"), **terms)
        return reports.shares(supervisor)

    return {"share.list": lambda _: reports.shares(supervisor), "share.set": put}


def _weight(params: control.Document, name: str) -> int:
    if not 1 <= (weight := _whole(params, name)) <= 100:
        raise UsageError(f"{name}: {weight} does not fit; use 1 to 100")
    return weight


def _rate(params: control.Document, name: str) -> float:
    rate = params[name]
    if not isinstance(rate, int | float) or isinstance(rate, bool) or rate < 0:
        raise UsageError(f"{name}: {rate!r} is not a number of Mbit/s")
    return rate


def _flag(params: control.Document, name: str) -> bool:
    if not isinstance(params[name], bool):
        raise UsageError(f"{name}: {params[name]!r} is not true or false")
    return bool(params[name])


def _filter_methods(supervisor: Supervisor, filters: Filters) -> dict[str, control.Method]:
    async def set_filter(params: control.Document) -> control.Document:
        vlan = None if params.get("vlan") is None else _whole(params, "vlan")
        await filters.set(_text(params, "vm"), _text(params, "mac"), vlan)
        return reports.filters(supervisor)

    async def clear(params: control.Document) -> control.Document:
        await filters.clear(_whole(params, "filter"))
        return reports.filters(supervisor)

    async def move(params: control.Document) -> control.Document:
        await filters.move(_whole(params, "filter"), _text(params, "vm"))
        return reports.filters(supervisor)

    return {
        "filter.list": lambda _: reports.filters(supervisor),
        "filter.set": set_filter,
        "filter.clear": clear,
        "filter.move": move,
    }


def _coalescing_methods(supervisor: Supervisor, changer: Changer) -> dict[str, control.Method]:
    async def put(params: control.Document) -> control.Document:
        await changer.coalesce(_coalescing_filter(params), _whole({"filter": 0, **params}, "filter"))
        return reports.coalescing(supervisor)

    async def clear(params: control.Document) -> control.Document:
        await changer.stop_coalescing(_whole(params, "filter"))
        return reports.coalescing(supervisor)

    return {
        "coalescing.list": lambda _: reports.coalescing(supervisor),
        "coalescing.set": put,
        "coalescing.clear": clear,
    }


def _rss_methods(supervisor: Supervisor, scaling: Scaling) -> dict[str, control.Method]:
    async def change(params: control.Document) -> control.Document:
        await scaling.set(_text(params, "vport"), params)
        return reports.rss(supervisor)

    async def move(params: control.Document) -> control.Document:
        entries, processor = _text(params, "entries"), _whole(params, "processor")
        await scaling.move(_text(params, "vport"), entries, processor)
        return reports.rss(supervisor)

    return {"rss.list": lambda _: reports.rss(supervisor), "rss.set": change, "rss.move": move}


def _whole(params: control.Document, name: str) -> int:
    value = params.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UsageError(f"{name}: {value!r} is not a whole number")
    return value


def _policy(value: object) -> Policy:
    try:
        return Policy(str(value))
    except ValueError:
        raise UsageError(f"placement: {value!r} is unknown; use one of {', '.join(Policy)}") from None


def _moderation(value: object) -> Moderation:
    try:
        return moderation.read(value)
    except ValueError as error:
        raise UsageError(f"moderation: {value!r} is {error}") from None


def _coalescing_filter(params: control.Document) -> CoalescingFilter:
    texts = params.get("tests")
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UsageError("tests: not a list of tests")
    try:
        return CoalescingFilter(tuple(map(coalescing.read_test, texts)), _whole(params, "delay"))
    except ValueError as error:
        raise UsageError(str(error)) from None


def _text(params: control.Document, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str):
        raise UsageError(f"{name}: {value!r} is not text")
    return value


def _speed(params: control.Document) -> float:
    try:
        return SPEED.validate_python(params.get("speed"))
    except ValidationError:
        raise UsageError(f"speed: {params.get('speed')!r} is not a share of a CPU; use 0.01 to 1") from None


def detached(file: Path, ready_fd: int) -> None:
    """The daemon's own process: tell the one who started it how it went."""
    with os.fdopen(ready_fd, "w") as ready:

        def say(message: dict[str, object]) -> None:
            if not ready.closed:
                ready.write(json.dumps(message))
                ready.close()

        try:
            run(lab_file.load(file), file, lambda: say({"ready": True}))
        except (VmdqemuError, NetnsError) as error:
            say({"error": str(error), "exit_code": getattr(error, "exit_code", 1)})


if __name__ == "__main__":
    detached(Path(sys.argv[1]), int(sys.argv[2]))
