"""From what was asked of a chip to the registers that find the pools, as the Linux driver sets them."""

from typing import Final

from vmdqemu.nic.hash_filters import hash_of
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.pools import NOTHING, Accept, Pooling, Pools, PoolSettings
from vmdqemu.nic.state import Adapter, Filter
from vmdqemu.nic.tables import DEFAULT_VPORT
from vmdqemu.nic.vport import PF

FCS_OCTETS: Final = 4  # counted by the chip, not on a TAP
PRIORITY_TAG: Final = 0  # as a VID


def compile_pooling(adapter: Adapter) -> Pooling | None:
    """The registers in effect; None for a model without pools, or a mode that does not sort into them."""
    rules, port = adapter.model.receive, adapter.port
    if rules is None or adapter.mode.sort is not Sort.FILTERS:
        return None
    settings = _settings(adapter)
    one_to_one = port.by_vlan and rules.one_pool_a_vlan
    return Pooling(
        unicast=port.unicast,
        multicast=port.multicast,
        broadcast=port.broadcast,
        vlan_filtering=port.vlan_filtering or one_to_one,
        admitted_vlans=port.vlans if port.vlan_filtering else None,
        exact=_exact(adapter, settings),
        hash_form=port.hash_form,
        unicast_table=frozenset(hash_of(mac, port.hash_form) for mac in port.unicast_table),
        multicast_table=frozenset(hash_of(mac, port.hash_form) for mac in port.multicast_table),
        accept=_accept(adapter, settings) if rules.accept_flags else {},
        has_vlan_step=rules.pool_vlans > 0 or one_to_one,
        vlans=_vlans(adapter, settings, rules.pool_vlans),
        by_vlan=port.by_vlan,
        replication=port.replication or _has_vfs(adapter),
        default_pool=None if port.default_pool is None else _pool(port.default_pool, settings),
        receive=frozenset(pool for pool, asked in settings.items() if asked.receive),
        own_frames=frozenset(pool for pool, asked in settings.items() if asked.own_frames),
        limits={
            pool: asked.longest - FCS_OCTETS for pool, asked in settings.items() if asked.longest is not None
        },
        mirrors=port.mirrors,
        disabled_is_no_match=rules.disabled_is_no_match,
        disabled_is_no_local_match=adapter.model.transmit.disabled_is_no_match,
        hashes_looped=adapter.model.transmit.hashes_looped,
        prunes_sources=rules.source_pruning and adapter.local_switch and not adapter.loopback,
    )


def _settings(adapter: Adapter) -> dict[int, PoolSettings]:
    """What is asked of each pool: the PF's, each VPort's that has RX queues of its own, and each VF's."""
    vports = {
        number: vport.pool
        for number, vport in sorted(adapter.vports.items())
        if vport.function is not PF or adapter.queues_of(number)
    }
    return {DEFAULT_VPORT: adapter.pf.pool, **vports}


def _has_vfs(adapter: Adapter) -> bool:
    """The Linux driver switches replication on when VFs exist (ixgbe_main.c 5367-5390)."""
    return any(vport.function is not PF for vport in adapter.vports.values())


def _pool(vport: int, settings: dict[int, PoolSettings]) -> int:
    """The pool of a VPort's frames."""
    return vport if vport in settings else DEFAULT_VPORT


def _in_effect(adapter: Adapter) -> list[Filter]:
    return [held for held in adapter.filters.values() if adapter.in_effect(held)]


def _exact(adapter: Adapter, settings: dict[int, PoolSettings]) -> dict[bytes, Pools]:
    """RAR and MPSAR: every address that somebody has."""
    owners = {held.mac: frozenset({_pool(held.vport, settings)}) for held in _in_effect(adapter)}
    groups = {
        mac: frozenset(_pool(vport, settings) for vport in vports)
        for mac, vports in adapter.port.groups.items()
    }
    return {**owners, **groups}


def _accept(adapter: Adapter, settings: dict[int, PoolSettings]) -> dict[Accept, Pools]:
    """VMOLR, bit by bit. A filter without a VLAN is for untagged frames; without a filter no VM gets any."""
    used = {held.vport for held in _in_effect(adapter)} | {DEFAULT_VPORT}
    untagged = {held.vport for held in _in_effect(adapter) if held.vlan is None}
    accepted = {
        pool: asked.accept | (Accept.AUPE if pool in untagged else NOTHING)
        for pool, asked in settings.items()
        if pool in used
    }
    return {flag: frozenset(pool for pool, flags in accepted.items() if flag in flags) for flag in Accept}


def _vlans(adapter: Adapter, settings: dict[int, PoolSettings], most: int) -> dict[int, Pools]:
    """VLVF: the pools of each VLAN. A priority tag is VID 0, and means no VLAN (ixgbe_sriov.c 1716).

    It has slot 0; where other VLANs need all the slots the default pool catches it.
    """
    members: dict[int, set[int]] = {}
    for held in _in_effect(adapter):
        vid = PRIORITY_TAG if held.vlan is None else held.vlan
        members.setdefault(vid, set()).add(_pool(held.vport, settings))
    if len(members) > most:
        members.pop(PRIORITY_TAG, None)
    return {vid: frozenset(pools) for vid, pools in sorted(members.items())}
