"""From a lab file to the adapter that it asks for. Nothing is built: neither root nor a kernel is needed."""

from vmdqemu.config import LabConfig
from vmdqemu.errors import LabFileError
from vmdqemu.nic import adapter as control
from vmdqemu.nic import moderation
from vmdqemu.nic.adapter import Adapter, Status
from vmdqemu.nic.models import MODELS
from vmdqemu.nic.modes import MODES


def describe(config: LabConfig) -> Adapter:
    """The adapter that a lab file asks for, by the requests that a vSwitch makes for each VM.

    Raises LabFileError where the model refuses one.
    """
    adapter = Adapter(
        model=MODELS[config.adapter.model],
        mode=MODES[config.adapter.mode],
        mtu=config.mtu,
        wire=config.wire is not None,
        local_switch=config.adapter.local_switch,
        vxlan_port=config.adapter.vxlan_port,
        shared_memory=config.adapter.shared_memory,
        lookahead=config.adapter.lookahead,
        default_queue_pairs=config.host.processors,
    )
    problems = []
    asked = control.apply(adapter, control.SetModeration(None, moderation.read(config.adapter.moderation)))
    adapter = asked.adapter
    if asked.status is not Status.SUCCESS:
        problems.append(
            f"adapter.moderation: {asked.status}: more than the model {adapter.model.name} can hold"
        )
    for index, vm in enumerate(config.vms):
        made = control.apply(adapter, control.CreateVPort(vm.name, vm.queues, vm.vlan, vm.spoof_check))
        if made.status is Status.SUCCESS:
            made = control.apply(made.adapter, control.SetFilter(made.number, vm.mac, vm.vlan))
        if made.status is not Status.SUCCESS:
            model = adapter.model
            problems.append(f"vm[{index}]: {made.status}: more than the model {model.name} can hold")
        adapter = made.adapter
    if problems:
        raise LabFileError(problems)
    return adapter
