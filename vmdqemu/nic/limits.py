"""What a model cannot hold: each limit with the section that it is taken from.

`refusal` looks at a whole adapter as it would be after a request, so no limit depends on the way to it.
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from vmdqemu.nic.frame import format_mac, is_multicast
from vmdqemu.nic.pools import EVERY_GROUP, Accept, MirrorKind, PortSettings
from vmdqemu.nic.state import Adapter
from vmdqemu.nic.status import NO_SLOT, Status
from vmdqemu.nic.tables import DEFAULT_VPORT
from vmdqemu.nic.vport import PF


class Refusal(NamedTuple):
    """Why a model cannot be asked for something."""

    status: Status
    why: str  # the limit and its section


def refusal(adapter: Adapter) -> Refusal | None:
    """The first limit that the adapter passes, if any."""
    return next((found for limit in _LIMITS if (found := limit(adapter))), None)


def _mode(adapter: Adapter) -> Refusal | None:
    model, mode = adapter.model, adapter.mode.name
    if model.modes is None or mode in model.modes:
        return None
    why = f"the {model.name} has no mode {mode}: all its pools share one RSS table"
    return _unsupported(f"{why} ({model.queues_said})")


def _queue_pairs(adapter: Adapter) -> Refusal | None:
    most = adapter.model.pool_queues
    if all(len(vport.queues) <= most for vport in adapter.vports.values()):
        return None
    return Refusal(Status.INVALID_PARAMETER, _has(adapter, f"{most} RX queues in a VPort"))


def _vports(adapter: Adapter) -> Refusal | None:
    most = adapter.model.vports
    if len(adapter.vports) < most:
        return None
    return _full(_has(adapter, f"{most} VPorts, the PF's included"))


def _vports_of_pf(adapter: Adapter) -> Refusal | None:
    """Where VFs' VPorts are set aside, the PF gets none of them (NDIS: nondefault-virtual-ports-and-vmq)."""
    rules = adapter.model.switch_rules
    most = adapter.model.vports - rules.vfs
    of_pf = 1 + sum(vport.function is PF for vport in adapter.vports.values())
    if rules.single_pool or of_pf <= most:
        return None
    return _full(_has(adapter, f"{most} VPorts of the PF, its own included"))


def _vfs(adapter: Adapter) -> Refusal | None:
    most = adapter.model.switch_rules.vfs
    if adapter.switch is None or adapter.switch.vfs <= most:
        return None
    return Refusal(Status.INVALID_PARAMETER, _has(adapter, f"{most} VFs"))


def _rx_queues(adapter: Adapter) -> Refusal | None:
    """A VM queue has its number, running or not."""
    most = adapter.model.rx_queues
    if adapter.rx_queues + adapter.vf_queues <= most and len(adapter.vm_queues) < most:
        return None
    return _full(_has(adapter, f"{most} RX queues"))


def _filters(adapter: Adapter) -> Refusal | None:
    most = adapter.model.filters
    if len(adapter.filters) <= most:
        return None
    return _full(_has(adapter, f"{most} filters"))


def _ndis_filters_alone(adapter: Adapter) -> Refusal | None:
    """What only a chip's registers can say."""
    pools = (vport.pool for vport in adapter.vports.values())
    plain = all(
        pool.accept == EVERY_GROUP and pool.receive and not pool.own_frames and pool.longest is None
        for pool in pools
    )
    if adapter.model.receive is not None or (plain and adapter.port == PortSettings()):
        return None
    return _unsupported(f"the {adapter.model.name} has the filters of NDIS and no pools; use a chip's model")


def _exact_addresses(adapter: Adapter) -> Refusal | None:
    rules = adapter.model.receive
    if rules is None:
        return None
    used = {held.mac for held in adapter.filters.values()} | set(adapter.port.groups)
    if len(used) <= rules.exact_addresses:
        return None
    return _full(f"the {adapter.model.name} has {rules.exact_addresses} exact addresses (RAL and RAH)")


def _one_pool_an_address(adapter: Adapter) -> Refusal | None:
    """X550 7.8.3.3.1: at most one pool for a unicast address."""
    if adapter.model.receive is None:
        return None
    owners: dict[bytes, int] = {}
    for held in adapter.filters.values():
        if owners.setdefault(held.mac, held.vport) != held.vport:
            why = f"{format_mac(held.mac)} is another pool's: one pool a unicast address (X550 7.8.3.3.1)"
            return Refusal(Status.INVALID_PARAMETER, why)
    return None


def _groups(adapter: Adapter) -> Refusal | None:
    rules, groups = adapter.model.receive, adapter.port.groups
    if any(not is_multicast(mac) for mac in groups):
        return Refusal(Status.INVALID_PARAMETER, "a unicast address is a filter's, not a group's")
    if rules is None or rules.exact_to_many or all(len(pools) == 1 for pools in groups.values()):
        return None
    return _unsupported(f"an address of the {adapter.model.name} has one pool (RAH.VIND)")


def _pool_vlans(adapter: Adapter) -> Refusal | None:
    rules = adapter.model.receive
    if rules is None or not rules.pool_vlans:
        return None
    used = {held.vlan for held in adapter.filters.values()} - {None}
    if len(used) <= rules.pool_vlans:
        return None
    return _full(f"the {adapter.model.name} has {rules.pool_vlans} VLAN filters ({rules.vlan_limit})")


def _by_vlan(adapter: Adapter) -> Refusal | None:
    rules = adapter.model.receive
    if rules is None or not adapter.port.by_vlan:
        return None
    if not rules.by_vlan:
        return _unsupported(
            f"pools of the {adapter.model.name} are found by MAC address first (82599 specification update,"
            " clarification 12)"
        )
    pools = {(held.vlan, held.vport) for held in adapter.filters.values() if held.vlan is not None}
    if rules.one_pool_a_vlan and len({vlan for vlan, _ in pools}) < len(pools):
        return Refusal(Status.INVALID_PARAMETER, f"a VLAN of the {adapter.model.name} has one queue")
    return None


def _tables(adapter: Adapter) -> Refusal | None:
    rules, port = adapter.model.receive, adapter.port
    if rules is not None and port.unicast_table and not rules.unicast_table:
        return _unsupported(f"the {adapter.model.name} has no unicast table (UTA)")
    return None


def _accept(adapter: Adapter) -> Refusal | None:
    rules = adapter.model.receive
    if rules is None:
        return None
    settings = (adapter.pf.pool, *(vport.pool for vport in adapter.vports.values()))
    asked = [pool.accept & ~Accept.AUPE for pool in settings]
    if any(accept & (Accept.UPE | Accept.VPE) for accept in asked) and not rules.promiscuous_pools:
        why = f"no pool of the {adapter.model.name} is promiscuous"
        return _unsupported(f"{why} (ixgbe_sriov.c 1274: X540 and later)")
    if any(accept != EVERY_GROUP for accept in asked) and not rules.accept_flags:
        return _unsupported(f"the {adapter.model.name} has no accept flags (VMOLR)")
    if sum(Accept.ROPE in accept for accept in asked) > 1 and not adapter.port.replication:
        return Refusal(Status.INVALID_PARAMETER, "without replication one pool has ROPE (X550 7.8.3.3.2)")
    return None


def _replication(adapter: Adapter) -> Refusal | None:
    rules, port = adapter.model.receive, adapter.port
    if rules is None or rules.replication or not port.replication:
        return None
    return _unsupported(f"the {adapter.model.name} does not replicate ({adapter.model.queues_said})")


def _known_pools(adapter: Adapter) -> Refusal | None:
    """Registers name no VPort that is not there: one that is named is not deleted."""
    port = adapter.port
    named = {pool for pools in port.groups.values() for pool in pools}
    named |= {rule.target for rule in port.mirrors}
    named |= {pool for rule in port.mirrors if rule.kind is MirrorKind.POOL for pool in rule.watched}
    if port.default_pool is not None:
        named.add(port.default_pool)
    unknown = named - {DEFAULT_VPORT} - set(adapter.vports)
    if not unknown:
        return None
    return Refusal(Status.INVALID_PARAMETER, f"the port's registers name VPort {min(unknown)}, which is not")


def _mirrors(adapter: Adapter) -> Refusal | None:
    rules, mirrors = adapter.model.receive, adapter.port.mirrors
    if rules is None or not mirrors:
        return None
    if len(mirrors) > rules.mirror_rules:
        return _full(f"the {adapter.model.name} has {rules.mirror_rules} mirror rules (MRCTL)")
    if not adapter.port.replication:
        return Refusal(Status.INVALID_PARAMETER, "a mirror rule needs replication (X550 7.8.3.3.2)")
    return None


def _frame_limits(adapter: Adapter) -> Refusal | None:
    rules = adapter.model.receive
    limited = any(vport.pool.longest is not None for vport in adapter.vports.values())
    if rules is None or rules.frame_limits or not limited:
        return None
    return _unsupported(f"the {adapter.model.name} has one longest frame for all pools (MAXFRS)")


def _strip(adapter: Adapter) -> Refusal | None:
    rules = adapter.model.receive
    if rules is None or not rules.one_strip:
        return None
    vports = adapter.vports.items()
    trunks = [
        vport.pool.strip for number, vport in vports if vport.vlan is None and adapter.queues_of(number)
    ]
    if len(set(trunks)) < 2:
        return None
    return _unsupported(f"the {adapter.model.name} strips the tags of all queues or of none")


def _local_switch(adapter: Adapter) -> Refusal | None:
    rules = adapter.model.transmit
    if not adapter.local_switch:
        return None
    if adapter.loopback and not rules.local_switch:
        why = f"the {adapter.model.name} has no switch between its pools"
        return _unsupported(f"{why} ({adapter.model.queues_said})")
    if not rules.port_vlan and any(vport.vlan is not None for vport in adapter.vports.values()):
        return _unsupported(f"the {adapter.model.name} inserts no port VLAN (VMVIR); the vSwitch does")
    return None


def _has(adapter: Adapter, most: str) -> str:
    model = adapter.model
    return f"the model {model.name} has {most}" + (f" ({model.queues_said})" if model.queues_said else "")


def _full(why: str) -> Refusal:
    return Refusal(NO_SLOT, why)


def _unsupported(why: str) -> Refusal:
    return Refusal(Status.NOT_SUPPORTED, why)


_LIMITS: Final[tuple[Callable[[Adapter], Refusal | None], ...]] = (
    _mode,
    _queue_pairs,
    _vports,
    _vports_of_pf,
    _vfs,
    _rx_queues,
    _filters,
    _ndis_filters_alone,
    _exact_addresses,
    _one_pool_an_address,
    _groups,
    _pool_vlans,
    _by_vlan,
    _tables,
    _accept,
    _replication,
    _known_pools,
    _mirrors,
    _frame_limits,
    _strip,
    _local_switch,
)
