"""What a lab file asks of a chip's port and of its pools, as requests."""

from collections.abc import Iterable, Sequence
from itertools import product

from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.config_problems import Location, spelled
from vmdqemu.config_switch import MirrorConfig, PfConfig
from vmdqemu.errors import LabFileError
from vmdqemu.nic import adapter as control
from vmdqemu.nic.adapter import Adapter, Request
from vmdqemu.nic.filters import FilterKey, Vlan
from vmdqemu.nic.pools import NO_POOLS, Mirror, MirrorKind, PoolSettings, PortSettings
from vmdqemu.nic.tables import DEFAULT_VPORT
from vmdqemu.nic.vport_states import VPortState


def requests_for_port(config: LabConfig, adapter: Adapter) -> list[Request]:
    """The port's registers as the lab file has them; groups are the pools' to join."""
    return [control.SetPort(_port(config, adapter)._replace(groups=adapter.port.groups))]


def requests_for_pf(config: LabConfig, adapter: Adapter) -> list[Request]:
    """The PF's pool as the lab file has it."""
    return _pool(DEFAULT_VPORT, config.pf.settings, config.pf.groups, adapter)


def requests_for_vm(vm: VmConfig, number: int, adapter: Adapter) -> list[Request]:
    """A VM's pool as the lab file has it."""
    return _pool(number, vm.settings, vm.groups, adapter)


def _pool(number: int, settings: PoolSettings, groups: Sequence[bytes], adapter: Adapter) -> list[Request]:
    """What a VPort is to accept. Its groups are the port's to know."""
    others = {mac: pools - {number} for mac, pools in adapter.port.groups.items()}
    joined = others | {mac: others.get(mac, NO_POOLS) | {number} for mac in groups}
    known = {mac: pools for mac, pools in joined.items() if pools}
    port = [] if known == adapter.port.groups else [control.SetPort(adapter.port._replace(groups=known))]
    return [control.SetPool(number, settings), *port]


def requests_for_filters(number: int, keys: Iterable[FilterKey], adapter: Adapter) -> list[Request]:
    """Filters on a VPort, or on the VM queue of a VM without one; none for whom the default queue serves."""
    queue = next((queue for queue, held in adapter.vm_queues.items() if held.vport == number), None)
    if queue is not None:
        return [control.SetQueueFilter(queue, mac, vlan, untagged=vlan is None) for mac, vlan in keys]
    vport = adapter.vport(number)
    on_switch = vport is not None and vport.state is not VPortState.UNKNOWN
    return [control.SetFilter(number, *key) for key in keys] if on_switch else []


def filters_of(pool: PfConfig | VmConfig) -> list[FilterKey]:
    """Whose frames a pool gets: those for each of its addresses in each of its VLANs; None: without one."""
    if isinstance(pool, PfConfig):
        return list(product(pool.macs, (None, *pool.vlans)))
    vlans: tuple[Vlan, ...] = (*((None,) if pool.untagged else ()), *pool.vlans)
    return list(product((pool.mac, *pool.extra_macs), vlans if pool.vlan is None else (pool.vlan,)))


def _port(config: LabConfig, adapter: Adapter) -> PortSettings:
    asked, rules, numbers = config.adapter, adapter.model.receive, _pool_numbers(adapter)
    replicates = rules is not None and rules.replication and asked.bridged
    return PortSettings(
        unicast=asked.port_upe,
        multicast=asked.port_mpe,
        broadcast=asked.port_bam,
        vlan_filtering=asked.vlan_filtering,
        vlans=None if asked.vfta is None else frozenset(asked.vfta),
        unicast_table=frozenset(asked.uta),
        multicast_table=frozenset(asked.mta),
        hash_form=asked.hash_form,
        by_vlan=asked.vmdq_by == "vlan",
        replication=replicates if asked.replication is None else asked.replication,
        default_pool=None if asked.default_pool_disabled else numbers[asked.default_pool],
        mirrors=tuple(_mirror(rule, numbers) for rule in config.mirrors),
    )


def _mirror(rule: MirrorConfig, numbers: dict[str, int]) -> Mirror:
    watched = [numbers[name] for name in rule.pools] if rule.pools else rule.vlans
    return Mirror(MirrorKind(rule.kind), numbers[rule.to], frozenset(watched))


def _pool_numbers(adapter: Adapter) -> dict[str, int]:
    """Pools by their numbers and their names; a VF's has the name of its VM's own, so only a number."""
    names = {
        DEFAULT_VPORT: adapter.pf.name,
        **{number: vport.name for number, vport in sorted(adapter.vports.items(), reverse=True)},
    }
    return {str(number): number for number in names} | {name: number for number, name in names.items()}


def check_pools(config: LabConfig) -> None:
    """Raises LabFileError where the file names a pool that it has not, or two alike."""
    names = (config.pf.name, *(vm.name for vm in config.vms))
    if config.pf.name in names[1:]:
        raise LabFileError([f'pf.name: "{config.pf.name}" is a VM\'s; use another name'])
    known = {*names, *(str(number) for number in range(len(names)))}
    used: list[tuple[Location, str]] = [(("adapter", "default_pool"), config.adapter.default_pool)]
    for index, rule in enumerate(config.mirrors):
        used.append((("mirror", index, "to"), rule.to))
        used += [(("mirror", index, "pools"), name) for name in rule.pools]
    unknown = [
        f'{spelled(place)}: "{name}" is no pool; use one of {", ".join(names)}'
        for place, name in used
        if name not in known
    ]
    if unknown:
        raise LabFileError(unknown)
