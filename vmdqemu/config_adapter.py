"""From a lab file to the adapter that it asks for. Nothing is built: neither root nor a kernel is needed."""

from collections.abc import Sequence

from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.errors import LabFileError
from vmdqemu.host import keywords
from vmdqemu.host.releases import RELEASES
from vmdqemu.nic import adapter as control
from vmdqemu.nic import moderation
from vmdqemu.nic.adapter import Adapter, Outcome
from vmdqemu.nic.models import MODELS, Model
from vmdqemu.nic.modes import MODES
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.share import Share
from vmdqemu.nic.status import Status
from vmdqemu.nic.switch_objects import NicSwitch
from vmdqemu.nic.vm_queue import QueueParameters

_REFUSALS = {
    Status.RESOURCES: "more than the model {} can hold",
    Status.NOT_SUPPORTED: "a VM of the model {} has one VM queue; use adapter.nic_switch = true for several",
    Status.INVALID_PARAMETER: "the model {} has no such VPort, or its address has a filter already",
}


def describe(config: LabConfig) -> Adapter:
    """The adapter that a lab file asks for, by the requests that a vSwitch makes for each VM.

    Raises LabFileError where the model refuses one.
    """
    release = RELEASES.get(config.host.release or "")
    problems = []
    adapter = Adapter(
        model=MODELS[config.adapter.model],
        mode=MODES[config.adapter.mode],
        mtu=config.mtu,
        wire=config.wire is not None,
        local_switch=config.adapter.local_switch,
        vxlan_port=config.adapter.vxlan_port,
        shared_memory=config.adapter.shared_memory and (release is None or release.shared_memory),
        lookahead=config.adapter.lookahead,
        default_queue_pairs=config.host.processors,
        switch=_switch(config),
        vlan_filtering=bool(config.keywords.get("*VMQVlanFiltering", 1)),
    )
    try:
        adapter = adapter._replace(arbiter=adapter.model.arbiter.choose(config.adapter.arbiter))
    except ValueError as error:
        problems.append(f"adapter.arbiter: {error}")
    asked = control.apply(adapter, control.SetModeration(None, moderation.read(config.adapter.moderation)))
    adapter = asked.adapter
    if asked.status is not Status.SUCCESS:
        problems.append(
            f"adapter.moderation: {asked.status}: more than the model {adapter.model.name} can hold"
        )
    try:
        adapter, _ = connect(adapter, config.vms)
    except LabFileError as error:
        problems += error.problems
    if problems:
        raise LabFileError(problems)
    return adapter


def _switch(config: LabConfig) -> NicSwitch | None:
    """Made at the start from the keywords (NDIS: static-creation-of-a-nic-switch)."""
    if not config.adapter.nic_switch:
        return None
    return NicSwitch(vfs=keywords.vfs(config.keywords, MODES[config.adapter.mode]))


def connect(adapter: Adapter, vms: Sequence[VmConfig]) -> tuple[Adapter, tuple[int, ...]]:
    """The adapter with all that each VM needs of it, and the numbers of the VMs' ports.

    Raises LabFileError with the place of each VM that the adapter refuses.
    """
    problems, numbers = [], []
    for index, vm in enumerate(vms):
        make = _with_queue if adapter.switch is None else _with_vport
        made, number = make(adapter, vm)
        numbers.append(number)
        if made.status is not Status.SUCCESS:
            reason = _REFUSALS[made.status].format(adapter.model.name)
            problems.append(f"vm[{index}]: {made.status}: {reason}")
        adapter = made.adapter
        try:
            adapter = _share(adapter, number, vm)
        except ValueError as error:
            problems.append(f"vm[{index}]: {error}")
    if problems:
        raise LabFileError(problems)
    allocated = tuple(number for number, queue in adapter.vm_queues.items() if queue.vport in numbers)
    if allocated:  # in one batch (NDIS: oid-receive-filter-queue-allocation-complete)
        adapter = control.apply(adapter, control.CompleteAllocation(allocated)).adapter
    return adapter, tuple(numbers)


def _with_vport(adapter: Adapter, vm: VmConfig) -> tuple[Outcome, int]:
    """A VPort of the NIC switch, and a filter on it."""
    rss = _rss(vm, adapter.model)
    made = control.apply(adapter, control.CreateVPort(vm.name, vm.queues, vm.vlan, vm.spoof_check, rss))
    if made.status is not Status.SUCCESS:
        return made, made.number
    return control.apply(made.adapter, control.SetFilter(made.number, vm.mac, vm.vlan)), made.number


def _with_queue(adapter: Adapter, vm: VmConfig) -> tuple[Outcome, int]:
    """A port of the vSwitch, and a VM queue with a filter, still to be completed."""
    port = control.ConnectPort(vm.name, vm.mac, vm.queues, vm.vlan, vm.spoof_check)
    made = control.apply(adapter, port)
    number = made.number
    if made.status is Status.SUCCESS:
        made = control.apply(made.adapter, control.AllocateQueue(number, QueueParameters(name=vm.name)))
    if made.status is Status.SUCCESS:
        match = control.SetQueueFilter(made.number, vm.mac, vm.vlan, untagged=vm.vlan is None)
        made = control.apply(made.adapter, match)
    return made, number


def _share(adapter: Adapter, number: int, vm: VmConfig) -> Adapter:
    """The adapter with a VM's share of the transmitter. Raises ValueError where the model has none such."""
    share = Share(vm.weight, vm.rate, vm.strict)
    adapter.model.arbiter.settle(share)
    return control.apply(adapter, control.SetShare(number, share)).adapter


def _rss(vm: VmConfig, model: Model) -> Rss | None:
    """An even spread over the VM's queues with its own key, types and table size; None: it has one."""
    if vm.queues == 1:
        return None
    types = model.hash_types if vm.rss_types is None else vm.rss_types
    spread = model.queue_rules.spread(vm.queues, types, vm.rss_table_size)
    return spread if vm.rss_key is None else spread._replace(key=vm.rss_key)
