"""VMs that come and go on a running lab.

A VM is added from the inside out: its machine, its rings in every worker, its port and its queues, and only
then somebody reads what it sends. It is removed the other way round, so that no frame of another VM ever
reaches it, and no frame of its own stays in a ring that is given on.
"""

import asyncio
from collections.abc import Mapping

from netns import namespace
from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.config_adapter import connect
from vmdqemu.config_admission import admit, take
from vmdqemu.config_vms import add_vms
from vmdqemu.daemon import plant as plants
from vmdqemu.daemon import runtime
from vmdqemu.daemon.change import Change, Changer, admitted, agreed
from vmdqemu.daemon.plant import Plant, Port
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.errors import UsageError
from vmdqemu.nic.adapter import Adapter, DisconnectPort


class Vms:
    """The VMs of one lab."""

    def __init__(self, supervisor: Supervisor, changer: Changer) -> None:
        self._supervisor = supervisor
        self._changer = changer

    async def add(self, text: str) -> None:
        """Add VMs: all that a text's [[vm]] tables name, or none.

        Raises LabFileError, VmdqemuError for a namespace that exists, NetnsError.
        """
        async with self._changer.busy:
            plant, supervisor = self._plant, self._supervisor
            config, vms = add_vms(plant.config, text)
            adapter, numbers = connect(plant.adapter, config, vms)
            runtime.refuse_taken(config.namespace(vm) for vm in vms)
            runtime.rewrite(config.name, (*plant.namespaces, *map(config.namespace, vms)))
            try:
                ports = await asyncio.to_thread(_build, plant, config, dict(zip(numbers, vms, strict=True)))
                change = await self._changer.prepare(adapter)
            except Exception:
                await asyncio.to_thread(_remove, plant, [vm.name for vm in vms])
                runtime.rewrite(config.name, plant.namespaces)
                raise
            await self.settle(config, ports, change)
            for port in ports:
                await supervisor.read(supervisor.transmitter, port.rings)

    async def remove(self, name: str) -> None:
        """Switch a VM off and take it out. Raises UsageError, NetnsError for a process that does not end."""
        async with self._changer.busy:
            plant, supervisor = self._plant, self._supervisor
            port = self.leaving(name)
            change = await self._changer.prepare(self.without(port))
            await asyncio.to_thread(namespace.end_processes, port.ns)
            await supervisor.drain(supervisor.transmitter, port.rings, plant.config.adapter.ring)
            await self._changer.put(change)
            self.strike(port)
            await supervisor.forget(port)
            await asyncio.to_thread(_remove, plant, [name])
            runtime.rewrite(plant.config.name, plant.namespaces)

    async def set_weight(self, name: str, weight: int) -> None:
        """Change a VM's VmqWeight; queues change hands where that matters. Raises UsageError."""
        async with self._changer.busy:
            plant = self._plant
            vms = {vm.name: vm for vm in plant.config.vms}
            if name not in vms:
                raise UsageError(f"no VM {name!r}; choose one of: {', '.join(vms)}")
            vms[name] = vms[name].model_copy(update={"vmq_weight": weight})
            await self._readmit(plant.config.model_copy(update={"vms": tuple(vms.values())}))

    async def set_overrides(self, overrides: Mapping[str, int]) -> None:
        """Change TenGigVmqEnabled, BelowTenGigVmqEnabled, by their keys in [host]."""
        async with self._changer.busy:
            host = self._plant.config.host.model_copy(update=overrides)
            await self._readmit(self._plant.config.model_copy(update={"host": host}))

    async def _readmit(self, config: LabConfig) -> None:
        """Have queues change hands as another file would have it."""
        await self._changer.put(await self._changer.prepare(admitted(self._plant.adapter, config)))
        self._plant.config = config

    async def settle(self, config: LabConfig, ports: tuple[Port, ...], change: Change) -> None:
        """Let ports into the lab; what they send is not read yet. `busy` is held by the caller."""
        plant = self._plant
        plant.config, plant.ports = config, (*plant.ports, *ports)
        await self._supervisor.admit(ports)
        await self._changer.put(change)

    def without(self, port: Port) -> Adapter:
        """The adapter once a VM is gone: its queues go to those who wait for some."""
        plant = self._plant
        adapter, _ = admit(_without(plant.adapter, port.number), _others(plant.config, port))
        return adapter

    def strike(self, port: Port) -> None:
        """Take a port off the lab's lists, and close its books. `busy` is held by the caller."""
        plant = self._plant
        plant.config = _others(plant.config, port)
        plant.ports = tuple(other for other in plant.ports if other.number != port.number)
        self._supervisor.counters.close_books(port.number, len(port.rings))

    @property
    def _plant(self) -> Plant:
        return self._supervisor.plant

    def leaving(self, name: str) -> Port:
        """A VM that may leave. Raises UsageError."""
        ports = {port.name: port for port in self._plant.ports}
        if name not in ports:
            raise UsageError(f"no VM {name!r}; choose one of: {', '.join(ports)}")
        if len(ports) == 1:
            raise UsageError(f"{name} is the last VM; stop the lab: vmdqemu down {self._plant.config.name}")
        return ports[name]


def _build(plant: Plant, config: LabConfig, vms: dict[int, VmConfig]) -> tuple[Port, ...]:
    return tuple(plants.build_vm(number, vm, config, plant.parts.add(vm.name)) for number, vm in vms.items())


def _remove(plant: Plant, names: list[str]) -> None:
    """Undo what was made of these VMs."""
    for name in names:
        plant.parts.remove(name)


def _others(config: LabConfig, port: Port) -> LabConfig:
    """A lab without a VM."""
    return config.model_copy(update={"vms": tuple(vm for vm in config.vms if vm.name != port.name)})


def _without(adapter: Adapter, port: int) -> Adapter:
    return agreed(take(adapter, port), DisconnectPort(port))
