"""From a lab file to the adapter that it asks for. Nothing is built: neither root nor a kernel is needed."""

from collections.abc import Iterable, Sequence

from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.config_admission import admit
from vmdqemu.config_pools import (
    check_pools,
    filters_of,
    requests_for_filters,
    requests_for_pf,
    requests_for_port,
    requests_for_vm,
)
from vmdqemu.config_problems import Location, spelled
from vmdqemu.config_vfs import vfs
from vmdqemu.errors import LabFileError
from vmdqemu.host import vf_steps
from vmdqemu.host.releases import RELEASES
from vmdqemu.nic import adapter as control
from vmdqemu.nic import limits, moderation
from vmdqemu.nic.adapter import Adapter, Request
from vmdqemu.nic.limits import Refusal
from vmdqemu.nic.models import MODELS, Model
from vmdqemu.nic.modes import MODES
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.share import Share
from vmdqemu.nic.status import Status
from vmdqemu.nic.switch_objects import NicSwitch
from vmdqemu.nic.tables import DEFAULT_VPORT
from vmdqemu.nic.vport import DefaultVPort

_REFUSALS = {
    Status.RESOURCES: "more than the model {} can hold",
    Status.NOT_SUPPORTED: "a VM of the model {} has one VM queue; use adapter.nic_switch = true for several",
    Status.INVALID_PARAMETER: "the model {} has no such VPort, or its address has a filter already",
}


class _Asking:
    """An adapter that requests are put to, and what it refused: the first of each place in the file."""

    def __init__(self, adapter: Adapter) -> None:
        self.adapter = adapter
        self._problems: dict[Location, str] = {}

    def ask(self, place: Location, requests: Iterable[Request]) -> int:
        """Make requests for a place; what the last one numbered."""
        number = 0
        for request in requests:
            made = control.apply(self.adapter, request)
            if made.status is not Status.SUCCESS:
                self.refuse(place, Refusal(made.status, made.why))
            self.adapter, number = made.adapter, made.number
        return number

    def refuse(self, place: Location, refused: Refusal) -> None:
        """Keep what is wrong with a place."""
        why = refused.why or _REFUSALS[refused.status].format(self.adapter.model.name)
        self._problems.setdefault(place, f"{spelled(place)}: {refused.status}: {why}")

    def settle(self) -> None:
        """Raises LabFileError with what was refused so far."""
        if self._problems:
            raise LabFileError(self._problems.values())


def describe(config: LabConfig) -> Adapter:
    """The adapter that a lab file asks for, by the requests that a vSwitch makes for each VM.

    Raises LabFileError where the model refuses one.
    """
    check_pools(config)
    asking = _Asking(_bare(config))
    level = moderation.read(config.adapter.moderation)
    asking.ask(("adapter", "moderation"), [control.SetModeration(None, level)])
    ports = _connect(asking, config.vms)
    asking.ask(("adapter",), requests_for_port(config, asking.adapter))
    asking.ask(("pf",), requests_for_pf(config, asking.adapter))
    asking.ask(("pf",), requests_for_filters(DEFAULT_VPORT, filters_of(config.pf), asking.adapter))
    _serve(asking, config, config.vms, ports)
    return asking.adapter


def describe_running(config: LabConfig) -> Adapter:
    """The adapter that such a lab runs with, once its VMs have their VFs. Raises LabFileError."""
    adapter = describe(config)
    for vm in config.vms:
        adapter = vf_steps.granted(adapter, vm.name) if vm.iov else adapter
    return adapter


def connect(adapter: Adapter, config: LabConfig, vms: Sequence[VmConfig]) -> tuple[Adapter, tuple[int, ...]]:
    """The adapter with a port for each of these VMs of the lab, and queues for those who may have some.

    Besides, the ports' numbers. Raises LabFileError with the place of each VM that the adapter refuses.
    """
    asking = _Asking(adapter)
    ports = _connect(asking, vms)
    _serve(asking, config, vms, ports)
    return asking.adapter, ports


def _connect(asking: _Asking, vms: Sequence[VmConfig]) -> tuple[int, ...]:
    """A port for each VM; their numbers."""
    numbers = tuple(_port(asking, ("vm", index), vm) for index, vm in enumerate(vms))
    asking.settle()
    return numbers


def _port(asking: _Asking, place: Location, vm: VmConfig) -> int:
    """A port of the vSwitch, and what it may send."""
    rss = _rss(vm, asking.adapter.model)
    port = control.ConnectPort(vm.name, vm.mac, vm.queues, vm.vlan, vm.spoof_check, rss, vm.vrss)
    number = asking.ask(place, [port])
    asking.ask(place, [control.SetShare(number, Share(vm.weight, vm.rate, vm.strict))])
    return number


def _serve(asking: _Asking, config: LabConfig, vms: Sequence[VmConfig], ports: Sequence[int]) -> None:
    """What each VM's pool accepts; then queues for those who may have them."""
    for index, (vm, number) in enumerate(zip(vms, ports, strict=True)):
        asking.ask(("vm", index), requests_for_vm(vm, number, asking.adapter))
    asking.settle()
    asking.adapter, refused = admit(asking.adapter, config)
    for index, vm in enumerate(vms):
        if vm.name in refused:
            asking.refuse(("vm", index), refused[vm.name])
    asking.settle()


def _rss(vm: VmConfig, model: Model) -> Rss | None:
    """An even spread over the VM's queues with its own key, types and table size; None: it has one."""
    if vm.queues == 1:
        return None
    types = model.hash_types if vm.rss_types is None else vm.rss_types
    spread = model.queue_rules.spread(vm.queues, types, vm.rss_table_size)
    return spread if vm.rss_key is None else spread._replace(key=vm.rss_key)


def _bare(config: LabConfig) -> Adapter:
    """The adapter before anything is asked of it. Raises LabFileError."""
    model = _model(config)
    release = RELEASES.get(config.host.release or "")
    (least, most), ring = model.rings, config.adapter.ring
    if not least <= ring <= most:
        why = f"the {model.name} has {least} to {most} (X550 7.1.4, igb.h, ixgbe.h)"
        raise LabFileError([f"adapter.ring: {ring} descriptors; {why}"])
    try:
        arbiter = model.arbiter.choose(config.adapter.arbiter)
    except ValueError as error:
        raise LabFileError([f"adapter.arbiter: {error}"]) from None
    adapter = Adapter(
        model=model,
        mode=MODES[config.adapter.mode],
        mtu=config.mtu,
        wire=config.wire is not None,
        local_switch=config.adapter.bridged,
        loopback=config.adapter.loopback,
        arbiter=arbiter,
        vxlan_port=config.adapter.vxlan_port,
        shared_memory=config.adapter.shared_memory and (release is None or release.shared_memory),
        lookahead=config.adapter.lookahead,
        default_queue_pairs=min(config.host.processors, model.rss_queues),
        switch=NicSwitch(vfs=vfs(config)) if config.adapter.nic_switch else None,
        vlan_filtering=bool(config.keywords.get("*VMQVlanFiltering", 1)),
        any_vlan=config.adapter.any_vlan,
        pf=DefaultVPort(config.pf.name),
    )
    if refused := limits.refusal(adapter):
        raise LabFileError([f"adapter: {refused.status}: {refused.why}"])
    return adapter


def _model(config: LabConfig) -> Model:
    """The adapter's row, with no more queues than the file allows."""
    model = MODELS[config.adapter.model]
    most = config.adapter.rx_queues
    return model if most is None else model._replace(rx_queues=min(most, model.rx_queues))
