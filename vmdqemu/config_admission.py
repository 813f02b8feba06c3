"""Who of a lab's VMs has RX queues of its own, and the requests by which the vSwitch gives and takes them.

A VM's port is there first, and the default queue serves it. It is then given a VPort on an adapter with a NIC
switch, or a VM queue on one without, and a filter on either.
"""

from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.config_pools import filters_of, requests_for_filters
from vmdqemu.host.queues import Ask, NoQueue, grant
from vmdqemu.nic import adapter as control
from vmdqemu.nic.adapter import Adapter, Outcome, Request
from vmdqemu.nic.filters import FilterKey
from vmdqemu.nic.limits import Refusal
from vmdqemu.nic.modes import Mode, Sort
from vmdqemu.nic.status import Status
from vmdqemu.nic.vm_queue import QueueParameters
from vmdqemu.nic.vport import PF
from vmdqemu.nic.vport_states import VPortState


def ports_of_vms(adapter: Adapter) -> dict[str, int]:
    """The number of each VM's port, by the VM's name."""
    return {port.name: number for number, port in adapter.vports.items() if port.mac is not None}


def grants(adapter: Adapter, config: LabConfig) -> dict[str, NoQueue | None]:
    """Which VMs may have RX queues of their own (None: it may), first come, first served.

    Who has some came before all who have none.
    """
    ports = ports_of_vms(adapter)
    line = sorted(config.vms, key=lambda vm: not _is_served(adapter, ports[vm.name]))
    asks = [Ask(vm.name, vm.vmq_weight, queues=_needs(adapter, vm)) for vm in line]
    free = adapter.model.rx_queues - len(adapter.default_queues) - adapter.vf_queues
    allowed = config.allows_vmq or adapter.mode.sort is not Sort.FILTERS
    return grant(asks, free, allowed)


def make_room(adapter: Adapter, config: LabConfig, mode: Mode) -> Adapter:
    """The adapter, as it is, without the queues of VMs that may have none in a mode."""
    granted, ports = grants(adapter._replace(mode=mode), config), ports_of_vms(adapter)
    for vm in config.vms:
        if granted[vm.name] is not None:
            adapter = take(adapter, ports[vm.name])
    return adapter


def admit(adapter: Adapter, config: LabConfig) -> tuple[Adapter, dict[str, Refusal]]:
    """Queues for those who may have them; who may no more gives them back first.

    Besides, which VMs the adapter refuses queues all the same.
    """
    adapter = make_room(adapter, config, adapter.mode)
    granted, ports = grants(adapter, config), ports_of_vms(adapter)
    refused: dict[str, Refusal] = {}
    for vm in config.vms:
        if granted[vm.name] is None and not _is_served(adapter, ports[vm.name]):
            outcome = _give(adapter, ports[vm.name], vm)
            if outcome.status is not Status.SUCCESS:
                refused[vm.name] = Refusal(outcome.status, outcome.why)
            adapter = outcome.adapter
    return adapter, refused


def take(adapter: Adapter, number: int) -> Adapter:
    """The adapter without the queues of a VM's port; filters go first.

    The change that this is part of ends when every frame of the queues was delivered
    (NDIS: oid-nic-switch-delete-vport, freeing-a-vm-queue).
    """
    requests: list[Request] = []
    for filter_, held in adapter.filters.items():
        if held.vport == number:
            requests.append(control.ClearFilter(filter_, held.owner))
    for queue, allocated in adapter.vm_queues.items():
        if allocated.vport == number:
            freeing = control.FreeQueue(queue, allocated.owner)
            requests += [freeing, control.DmaIdle(queue), control.BuffersReturned(queue)]
    port = adapter.vports[number]
    if port.state is not VPortState.UNKNOWN:
        requests.append(control.DeleteVPort(number, port.owner))
    for request in requests:
        adapter = control.apply(adapter, request).adapter
    return adapter


def _is_served(adapter: Adapter, number: int) -> bool:
    on_switch = adapter.vports[number].state is not VPortState.UNKNOWN
    return on_switch or any(queue.vport == number for queue in adapter.vm_queues.values())


def _needs(adapter: Adapter, vm: VmConfig) -> int:
    """A VM queue is one, whatever the mode makes of it."""
    return 1 if adapter.switch is None else adapter.mode.rx_queues(vm.queues)


def _give(adapter: Adapter, number: int, vm: VmConfig) -> Outcome:
    """All of it, or nothing."""
    made = control.apply(adapter, _wanted(adapter, number, vm))
    rest = requests_for_filters(number, _free(filters_of(vm), adapter, vm), made.adapter)
    if adapter.switch is None:
        rest.append(control.CompleteAllocation((made.number,)))
    for request in rest:
        if made.status is Status.SUCCESS:
            made = control.apply(made.adapter, request)
    return made if made.status is Status.SUCCESS else made._replace(adapter=adapter)


def _free(keys: list[FilterKey], adapter: Adapter, vm: VmConfig) -> list[FilterKey]:
    """Those that the VM's VF has not got, which are the VPort's once the VF is taken."""
    vports = {n for n, vport in adapter.vports.items() if vport.function is not PF and vport.name == vm.name}
    on_vf = {held.key for held in adapter.filters.values() if held.vport in vports}
    return [key for key in keys if key not in on_vf]


def _wanted(adapter: Adapter, number: int, vm: VmConfig) -> Request:
    """A VM queue, or a VPort for the VM's port."""
    if adapter.switch is None:
        return control.AllocateQueue(number, QueueParameters(name=vm.name))
    spread = adapter.vports[number].rss
    return control.CreateVPort(vm.name, vm.queues, vm.vlan, vm.spoof_check, spread, port=number)
