"""The VFs of a running lab: VMs get them and lose them while they send, by the steps of `host.vf_steps`.

A VM that is to have a VF (`[[vm]] iov`, `vf add`) has one as long as no policy on its port needs the vSwitch
and the NIC switch has one for it; otherwise it is on the synthetic path, and an event says why.
"""

import asyncio
import time
from typing import Any, Final

from vmdqemu import config_vfs
from vmdqemu.daemon.change import Changer, agreed
from vmdqemu.daemon.plant import Plant, Port
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.datapath.vf_device import VfDevice
from vmdqemu.errors import UsageError, VmdqemuError
from vmdqemu.host import vf_steps
from vmdqemu.host.vf_policy import obstacle
from vmdqemu.host.vf_steps import BRING_UP, SURPRISE, TEARDOWN, Do
from vmdqemu.nic.adapter import ResetVf, SetNumVfs, SetVf
from vmdqemu.nic.frame import format_mac
from vmdqemu.nic.vf_settings import terms_of

ASKED: Final = "asked"  # reasons of a removal
GOING: Final = "the VM goes"


class Vfs:
    """Grants and takes the VFs of one lab."""

    def __init__(self, supervisor: Supervisor, changer: Changer) -> None:
        self._supervisor = supervisor
        self._changer = changer

    def require(self) -> None:
        """Raises UsageError if this lab can have no VFs."""
        if reason := config_vfs.refusal(self._plant.config):
            raise UsageError(reason)

    async def add(self, vm: str) -> None:
        """Have a VM get a VF. Raises UsageError, or VmdqemuError with why it stays without for now."""
        self.require()
        self._configure(vm, iov=True)
        await self.settle()
        if reason := vf_steps.why_none(self._plant.adapter, vm):
            raise VmdqemuError(f"{vm} stays on the synthetic path: {reason}")

    async def add_all(self) -> None:
        """Have every VM get a VF, as far as there are any."""
        for port in self._plant.ports:
            self._configure(port.name, iov=True)
        await self.settle()

    async def remove(self, vm: str, surprise: bool = False) -> None:
        """Take a VM's VF; surprise: without the guest's being asked. Raises UsageError."""
        self._vf(vm)
        self._configure(vm, iov=False)
        async with self._changer.busy:
            await self.take(vm, ASKED, SURPRISE if surprise else TEARDOWN)

    async def give_up(self, vm: str) -> None:
        """Take the VF of a VM that goes, if it has one."""
        async with self._changer.busy:
            await self.take(vm, GOING)

    async def settle(self) -> None:
        """Have each VM that is to have a VF have one, and no other."""
        async with self._changer.busy:
            for vm in self._plant.config.vms:
                if reason := self._policy(vm.name) if vm.iov else ASKED:
                    await self.take(vm.name, reason)
            for vm in self._plant.config.vms:
                has = vf_steps.vf_of(self._plant.adapter, vm.name) is not None
                if vm.iov and not has:
                    await self.grant(vm.name)

    async def set(self, vm: str, **terms: Any) -> None:
        """Change some of what the PF decides about a VF (fields of VfTerms); rate 0: no limit."""
        async with self._changer.busy:
            plant, vf = self._plant, self._vf(vm)
            wanted = terms_of(plant.adapter, vf)._replace(**terms)
            wanted = wanted._replace(rate=wanted.rate or None)
            await self._changer.adopt(agreed(plant.adapter, SetVf(vf, wanted)))
            self._configure(vm, mac=wanted.mac, vlan=wanted.vlan, spoof_check=wanted.spoof_check)
            device = plant.vfs[vm]
            if "mac" in terms:
                await asyncio.to_thread(device.set_mac, format_mac(wanted.mac))
            if terms.keys() & {"rate", "vlan"}:
                await asyncio.to_thread(device.limit, wanted.rate, wanted.vlan is not None)

    async def reset(self, vm: str) -> None:
        """Reset a VM's VF. Raises UsageError."""
        async with self._changer.busy:
            vf = self._vf(vm)
            self._plant.vfs[vm].reset()
            await self._changer.adopt(agreed(self._plant.adapter, ResetVf(vf)))
            self._supervisor.note("vf-reset", vm=vm, vf=vf)

    async def grant(self, vm: str) -> None:
        """From the synthetic path to a VF; a step that fails undoes those before it.

        `busy` is held by the caller.
        """
        await self._make_room()
        if (reason := vf_steps.why_none(self._plant.adapter, vm)) is not None:
            self._supervisor.note("vf-refused", vm=vm, reason=reason)
            return
        began, done = time.monotonic(), []
        try:
            for step in BRING_UP:
                await self._carry_out(step.do, vm)
                done.append(step)
        except Exception:
            for do in vf_steps.undo(done):
                await self._carry_out(do, vm)
            raise
        vf = vf_steps.vf_of(self._plant.adapter, vm)
        self._supervisor.note("vf-granted", vm=vm, vf=vf, ms=_since(began))

    async def take(self, vm: str, reason: str, steps: tuple[Do, ...] = TEARDOWN) -> None:
        """Back to the synthetic path; nothing to do for a VM without a VF. `busy` is held by the caller.

        The gap is how long the filters led to a device that was pulled out.
        """
        if vf_steps.vf_of(self._plant.adapter, vm) is None:
            return
        vf, began = vf_steps.vf_of(self._plant.adapter, vm), time.monotonic()
        at = {}
        for do in steps:
            await self._carry_out(do, vm)
            at[do] = _since(began)
        gap = at[Do.RETURN_FILTERS] - at.get(Do.UNPLUG, at[Do.RETURN_FILTERS])
        self._supervisor.note(
            "vf-removed", vm=vm, vf=vf, reason=reason, gap_ms=round(gap, 3), ms=_since(began)
        )

    async def _carry_out(self, do: Do, vm: str) -> None:
        plant = self._plant
        await self._changer.adopt(agreed(plant.adapter, *vf_steps.requests(do, plant.adapter, vm)))
        match do:
            case Do.ADD_DEVICE:
                await self._add_device(vm)
            case Do.REMOVE_DEVICE:
                await asyncio.to_thread(plant.vfs.pop(vm).remove)
            case Do.BIND:
                plant.vfs[vm].bind()
            case Do.UNPLUG:
                plant.vfs[vm].unplug()
            case Do.RELEASE:
                plant.vfs[vm].release()

    async def _add_device(self, vm: str) -> None:
        plant, port, vf = self._plant, self._port(vm), self._vf(vm)
        assert plant.uplink is not None  # a lab without a wire has no VFs
        device = VfDevice(vf, port.ns, port.ifname, port.tap, plant.config, plant.uplink.eswitch)
        plant.parts[vm].push(device.remove)  # before its machine goes
        await asyncio.to_thread(device.add, format_mac(plant.adapter.vfs[vf].mac))
        plant.vfs[vm] = device

    async def _make_room(self) -> None:
        """Where nobody said how many VFs the NIC switch has, it has as many as are wanted."""
        adapter, wanted = self._plant.adapter, config_vfs.vfs(self._plant.config)
        if adapter.switch is not None and adapter.switch.vfs < wanted:
            await self._changer.adopt(agreed(adapter, SetNumVfs(wanted)))

    def _policy(self, vm: str) -> str | None:
        adapter = self._plant.adapter
        return obstacle(adapter.vports[vf_steps.synthetic(adapter, vm)])

    def _configure(self, vm: str, **keys: Any) -> None:
        """As if the lab file had said so of a VM."""
        config = self._plant.config
        self._port(vm)
        vms = tuple(entry.model_copy(update=keys) if entry.name == vm else entry for entry in config.vms)
        self._plant.config = config.model_copy(update={"vms": vms})

    def _vf(self, vm: str) -> int:
        self._port(vm)
        vf = vf_steps.vf_of(self._plant.adapter, vm)
        if vf is None:
            raise UsageError(f"{vm} has no VF; give it one: vmdqemu vf add {vm}")
        return vf

    def _port(self, vm: str) -> Port:
        ports = {port.name: port for port in self._plant.ports}
        if vm not in ports:
            raise UsageError(f"no VM {vm!r}; choose one of: {', '.join(ports)}")
        return ports[vm]

    @property
    def _plant(self) -> Plant:
        return self._supervisor.plant


def _since(began: float) -> float:
    return round((time.monotonic() - began) * 1e3, 3)
