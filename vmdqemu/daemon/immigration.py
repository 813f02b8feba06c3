"""A VM comes to this lab from another one: the destination's side of a live migration.

What the other daemon asks for is a step of `host.migration`, or its undo. Until the VM is ours, the end of
the conversation undoes whatever was done: the other daemon changed its mind, or was killed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any, Final

from netns import namespace
from vmdqemu import config_vfs
from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.config_adapter import connect
from vmdqemu.config_pools import filters_of
from vmdqemu.config_vms import join
from vmdqemu.daemon import plant as plants
from vmdqemu.daemon import runtime
from vmdqemu.daemon.change import Changer, agreed
from vmdqemu.daemon.plant import GUEST_LINK, Port
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.vfs import Vfs
from vmdqemu.daemon.vms import Vms
from vmdqemu.datapath import announcement, arena, tap
from vmdqemu.datapath.channel import Message
from vmdqemu.datapath.tap import Tap
from vmdqemu.errors import VmdqemuError
from vmdqemu.host import migration
from vmdqemu.host.migration import COMMIT, Terms
from vmdqemu.host.processors import BASE_PROCESSOR
from vmdqemu.nic.adapter import Adapter, SetFilter, SetRss
from vmdqemu.nic.rss_requests import SetScaling
from vmdqemu.nic.scaling_entity import Scale
from vmdqemu.nic.tables import rss_from_json
from vmdqemu.nic.vport_states import VPortState

PATIENCE: Final = 3.0  # seconds for another change of this lab to end; it takes milliseconds

Fds = tuple[int, ...]


class Immigration:
    """One VM on its way into a lab."""

    def __init__(self, supervisor: Supervisor, changer: Changer) -> None:
        self._supervisor, self._changer, self._vms = supervisor, changer, Vms(supervisor, changer)
        self._plant = supervisor.plant
        self._is_busy = False
        self._port: Port | None = None
        self._taken: list[str] = []  # steps that can be undone
        self._do: Mapping[str, Callable[[Message, Fds], Awaitable[Message]]] = {
            "admit": self._admit,
            "resume": self._resume,
            "announce": self._announce,
            "grant-vf": self._grant_vf,
            "undo": self._take_back,
        }
        self._undo: Mapping[str, Callable[[], Awaitable[Message]]] = {
            "admit": self._dismiss,
            "resume": self._stop,
        }

    async def do(self, message: Message, fds: Fds, is_over: Callable[[], bool]) -> Message:
        """Carry out what a message asks for. Raises VmdqemuError, NetnsError."""
        if message["do"] == COMMIT:
            return self._own(message, is_over)
        return await self._do[message["do"]](message, fds)

    async def leave(self) -> None:
        """The conversation is over: undo what is not ours."""
        try:
            while self._taken and not self._supervisor.stopped.is_set():  # a lab that ends undoes itself
                await self._undo[self._taken.pop()]()
        finally:
            if self._is_busy:
                self._changer.busy.release()

    async def _admit(self, message: Message, fds: Fds) -> Message:
        try:
            await self._have_to_ourselves()
            config, vm, adapter, number = self._place(message)
            change = await self._changer.prepare(adapter)
        except BaseException:
            tap.close(fds)
            raise
        part = self._plant.parts.add(vm.name)
        part.push(tap.close, fds)
        memory = arena.create(1 + config.host.processors)
        part.push(tap.close, (memory,))
        device = Tap(fds, message["offloads"])
        self._port = Port(number, vm.name, message["namespace"], GUEST_LINK, device, memory)
        self._taken.append("admit")
        await self._vms.settle(config, (self._port,), change)
        return {}

    async def _have_to_ourselves(self) -> None:
        try:
            await asyncio.wait_for(self._changer.busy.acquire(), PATIENCE)
        except TimeoutError:
            raise VmdqemuError("it is being changed; try again") from None
        self._is_busy = True

    def _place(self, message: Message) -> tuple[LabConfig, VmConfig, Adapter, int]:
        """The lab and its adapter with the VM, and the number of its port. Raises VmdqemuError."""
        plant = self._plant
        if reason := migration.obstacle(Terms(**message["terms"]), plants.terms(plant.config)):
            raise VmdqemuError(reason)
        table = message["vm"]
        if config_vfs.refusal(plant.config):  # it goes on without
            table = table | {"iov": False}
        config, (vm,) = join(plant.config, {"vm": [table]})
        adapter, (number,) = connect(plant.adapter, config, [vm])
        adapter = self._with_rss(adapter, number, message)
        return config, vm, _with_filters(adapter, number, vm, message["filters"]), number

    def _with_rss(self, adapter: Adapter, number: int, message: Message) -> Adapter:
        """Its key, hash types and indirection table, and whether it is on. Raises VmdqemuError."""
        rss = rss_from_json(message["rss"])
        if rss is None:
            return adapter
        adapter = agreed(adapter, SetRss(number, rss))
        vport = adapter.vports[number]
        if message["rss_on"] or not vport.is_scaled:
            return adapter
        fresh = dict.fromkeys(vport.queues, BASE_PROCESSOR)  # where new queues are placed
        serving = self._plant.serving
        return agreed(
            adapter, SetScaling(number, Scale(enabled=False), serving.moved({**fresh, **serving.placement}))
        )

    async def _resume(self, _: Message, __: Fds) -> Message:
        await self._supervisor.read(self._supervisor.transmitter, self._guest.rings)
        self._taken.append("resume")
        return {}

    async def _announce(self, _: Message, __: Fds) -> Message:
        port = self._guest
        mac = self._plant.config.vms[-1].mac
        return {"sent": announcement.send(port.ns, port.ifname, migration.announcement(mac))}

    async def _grant_vf(self, _: Message, __: Fds) -> Message:
        """It is ours, and sends already."""
        if self._plant.config.vms[-1].iov:
            await Vfs(self._supervisor, self._changer).grant(self._guest.name)
        return {}

    def _own(self, message: Message, is_over: Callable[[], bool]) -> Message:
        """From here on it is for us to undo the VM. Nobody else runs meanwhile."""
        if is_over():  # the other side has waited too long, and kept it
            raise VmdqemuError("too late")
        plant, port = self._plant, self._guest
        plant.replace(replace(port, books=message["books"], crashes=message["crashes"]))
        runtime.rewrite(plant.config.name, plant.namespaces)
        part = plant.parts[port.name]
        part.push(namespace.remove, port.ns)
        part.push(namespace.end_processes, port.ns)
        self._taken.clear()
        self._supervisor.note("vm-came", vm=port.name)
        return {}

    async def _take_back(self, message: Message, _: Fds) -> Message:
        if self._taken[-1:] != [message["step"]]:
            raise VmdqemuError(f"{message['step']} is not the last step")
        self._taken.pop()
        return await self._undo[message["step"]]()

    async def _stop(self) -> Message:
        await self._supervisor.stop_reading(self._supervisor.transmitter, self._guest.rings)
        return {}

    async def _dismiss(self) -> Message:
        """The VM is gone; what was counted of it here is for its lab's books."""
        plant, port = self._plant, self._guest
        await self._changer.put(await self._changer.prepare(self._vms.without(port)))
        books = self._supervisor.counters.port(port.number, len(port.rings))
        self._vms.strike(port)
        await self._supervisor.forget(port)
        plant.parts.remove(port.name)
        return {"books": books}

    @property
    def _guest(self) -> Port:
        assert self._port is not None  # `admit` comes first
        return self._port


def _with_filters(adapter: Adapter, number: int, vm: VmConfig, keys: list[list[Any]]) -> Adapter:
    """The filters that the VM was given besides its own. Raises VmdqemuError if they cannot be set here."""
    held = ((bytes.fromhex(mac), vlan) for mac, vlan in keys)
    wanted = [key for key in held if key not in filters_of(vm)]
    if wanted and adapter.vports[number].state is not VPortState.ACTIVATED:
        raise VmdqemuError(f"{vm.name} has further filters, and there is no VPort for it here; clear them")
    return agreed(adapter, *(SetFilter(number, mac, vlan) for mac, vlan in wanted))
