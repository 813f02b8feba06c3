"""From a lab file to the adapter that it asks for. Nothing is built: neither root nor a kernel is needed."""

from collections.abc import Sequence

from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.config_admission import admit
from vmdqemu.errors import LabFileError
from vmdqemu.host import keywords
from vmdqemu.host.releases import RELEASES
from vmdqemu.nic import adapter as control
from vmdqemu.nic import moderation
from vmdqemu.nic.adapter import Adapter
from vmdqemu.nic.models import MODELS, Model
from vmdqemu.nic.modes import MODES
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.share import Share
from vmdqemu.nic.status import Status
from vmdqemu.nic.switch_objects import NicSwitch

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
        model=_model(config),
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
        adapter, _ = connect(adapter, config, config.vms)
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


def _model(config: LabConfig) -> Model:
    """The adapter's row, with no more queues than the file allows."""
    model = MODELS[config.adapter.model]
    most = config.adapter.rx_queues
    return model if most is None else model._replace(rx_queues=min(most, model.rx_queues))


def connect(adapter: Adapter, config: LabConfig, vms: Sequence[VmConfig]) -> tuple[Adapter, tuple[int, ...]]:
    """The adapter with a port for each of these VMs of the lab, and queues for those who may have some.

    Besides, the ports' numbers. Raises LabFileError with the place of each VM that the adapter refuses.
    """
    problems, numbers = {}, []
    for index, vm in enumerate(vms):
        port = control.ConnectPort(
            vm.name, vm.mac, vm.queues, vm.vlan, vm.spoof_check, _rss(vm, adapter.model), vm.vrss
        )
        made = control.apply(adapter, port)
        numbers.append(made.number)
        if made.status is not Status.SUCCESS:
            problems[index] = _refusal(made.status, adapter)
            continue
        try:
            adapter = _share(made.adapter, made.number, vm)
        except ValueError as error:
            problems[index] = str(error)
    if not problems:
        adapter, refused = admit(adapter, config)
        problems = {
            index: _refusal(refused[vm.name].status, adapter)
            for index, vm in enumerate(vms)
            if vm.name in refused
        }
    if problems:
        raise LabFileError(f"vm[{index}]: {problem}" for index, problem in problems.items())
    return adapter, tuple(numbers)


def _refusal(status: Status, adapter: Adapter) -> str:
    return f"{status}: {_REFUSALS[status].format(adapter.model.name)}"


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
