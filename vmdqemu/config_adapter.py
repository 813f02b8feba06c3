"""From a lab file to the adapter that it asks for. Nothing is built: neither root nor a kernel is needed."""

from collections.abc import Sequence

from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.errors import LabFileError
from vmdqemu.host.releases import RELEASES
from vmdqemu.nic import adapter as control
from vmdqemu.nic import moderation
from vmdqemu.nic.adapter import Adapter
from vmdqemu.nic.models import MODELS, Model
from vmdqemu.nic.modes import MODES
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.share import Share
from vmdqemu.nic.status import Status

_REFUSALS = {
    Status.RESOURCES: "more than the model {} can hold",
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


def connect(adapter: Adapter, vms: Sequence[VmConfig]) -> tuple[Adapter, tuple[int, ...]]:
    """The adapter with a VPort and a filter for each VM, and the VPorts' numbers.

    Raises LabFileError with the place of each VM that the adapter refuses.
    """
    problems, numbers = [], []
    for index, vm in enumerate(vms):
        rss = _rss(vm, adapter.model)
        made = control.apply(adapter, control.CreateVPort(vm.name, vm.queues, vm.vlan, vm.spoof_check, rss))
        numbers.append(made.number)
        if made.status is Status.SUCCESS:
            made = control.apply(made.adapter, control.SetFilter(made.number, vm.mac, vm.vlan))
        if made.status is not Status.SUCCESS:
            reason = _REFUSALS[made.status].format(adapter.model.name)
            problems.append(f"vm[{index}]: {made.status}: {reason}")
        adapter = made.adapter
        try:
            adapter = _share(adapter, numbers[-1], vm)
        except ValueError as error:
            problems.append(f"vm[{index}]: {error}")
    if problems:
        raise LabFileError(problems)
    return adapter, tuple(numbers)


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
