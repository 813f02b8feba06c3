"""From everything that was asked of the adapter to the registers in effect."""

from collections.abc import Sequence

from vmdqemu.nic.filters import ANY_VLAN, FilterKey
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.packet_filter import PROMISCUOUS
from vmdqemu.nic.registers import compile_pooling
from vmdqemu.nic.state import Adapter, Filter
from vmdqemu.nic.tables import Tables, VfTable, VPortTable
from vmdqemu.nic.tunnel import NO_TUNNELS, Tunnels
from vmdqemu.nic.vport import PF


def compile_tables(adapter: Adapter, generation: int) -> Tables:
    """The registers in effect."""
    of_pf = sorted(number for number, vport in adapter.vports.items() if vport.function is PF)
    local_switch = _local_switch(adapter, of_pf)
    vports = {number: _vport(adapter, number, local_switch) for number in of_pf}
    vfs = {number: _vf(adapter, number) for number in sorted(adapter.vports.keys() - vports.keys())}
    return Tables(
        generation=generation,
        sort=adapter.mode.sort,
        lookup=adapter.mode.lookup,
        copy=adapter.mode.copy or not (adapter.mode.lookup or _shares_memory(adapter)),
        processors=adapter.mode.processors,
        lookahead=adapter.lookahead,
        local_switch=local_switch,
        loopback=adapter.loopback,
        wire=adapter.wire,
        mtu=adapter.mtu,
        tunnels=Tunnels(adapter.vxlan_port, nvgre=True) if adapter.model.inner_headers else NO_TUNNELS,
        default_queues=adapter.default_queues,
        default_rss=adapter.default_vport.spread,
        moderation={queue: adapter.moderated.get(queue, adapter.moderation) for queue in adapter.queues},
        coalescing=adapter.coalescing,
        packet_filter=None if adapter.packet_filter == PROMISCUOUS else adapter.packet_filter,
        filters=_filters(adapter, inside=False),
        inside_filters=_filters(adapter, inside=True),
        addresses=_addresses(adapter, of_pf),
        vports=vports,
        vfs=vfs,
        pooling=compile_pooling(adapter),
        default_name=adapter.pf.name,
    )


def _shares_memory(adapter: Adapter) -> bool:
    """Only an adapter that compares VLANs keeps other VLANs' frames out of a VM's memory.

    NDIS: security-issues-with-ndis-virtual-machine--vm--shared-memory.
    """
    return adapter.shared_memory and adapter.vlan_filtering


def _vport(adapter: Adapter, number: int, local_switch: bool) -> VPortTable:
    """What a chip does not check the vSwitch does, where it is in the way.

    A chip checks VLANs only where it checks addresses (X550 7.8.4).
    """
    vport, pool = adapter.vports[number], adapter.vports[number].pool
    known = _known(adapter, number)
    queues = adapter.queues_of(number)
    by_chip = local_switch and adapter.model.receive is not None
    checks = not by_chip or adapter.model.transmit.anti_spoof
    return VPortTable(
        name=vport.name,
        macs=tuple(dict.fromkeys(mac for mac, _ in known)),
        vlan=vport.vlan,
        vlans=frozenset(vlan for _, vlan in known if vlan != ANY_VLAN),
        spoof_check=vport.spoof_check and checks,
        vlan_check=pool.vlan_check and checks and (vport.spoof_check or not by_chip),
        untagged_only=pool.untagged_only,
        priority=pool.priority,
        strip=pool.strip,
        transmit=pool.transmit,
        queues=queues,
        channels=vport.queue_pairs,
        rss=vport.spread,
        vrss=vport.vrss and len(queues) == 1 and vport.spread is not None,
    )


def _vf(adapter: Adapter, number: int) -> VfTable:
    """What it sends is always switched in the adapter."""
    function = adapter.vports[number].function
    assert function is not PF
    return VfTable(function, _vport(adapter, number, local_switch=True), _beside(adapter, number))


def _beside(adapter: Adapter, number: int) -> int | None:
    """The port on the vSwitch of the VM that a VF was allocated for."""
    function = adapter.vports[number].function
    if function is PF:
        return None
    vm = adapter.vfs[function].vm
    ports = (other for other, port in adapter.vports.items() if port.function is PF and port.name == vm)
    return next(ports, None)


def _known(adapter: Adapter, number: int) -> list[FilterKey]:
    """What the vSwitch knows a VM by: its port's own address, if it is without a VPort, and its filters.

    Those of the VM's VF too: it may fall back, and what was on its way when it got the VF still arrives.
    """
    vport = adapter.vports[number]
    own = [] if vport.address is None else [(vport.address, vport.vlan)]
    mine = {number, *(other for other in adapter.vports if _beside(adapter, other) == number)}
    held = (filter_ for _, filter_ in sorted(adapter.filters.items()) if filter_.vport in mine)
    return [*own, *(filter_.key for filter_ in held if _is_known(adapter, filter_))]


def _is_known(adapter: Adapter, held: Filter) -> bool:
    """Whether the vSwitch may deliver by it: a queue's filter is the vSwitch's own, in effect or not.

    It opens no tunnel, so an address inside of one is nobody's.
    """
    return not held.inside and (held.queue is not None or adapter.in_effect(held))


def _filters(adapter: Adapter, inside: bool) -> dict[FilterKey, int]:
    """Those in effect, of frames or of frames inside; the default VPort's only say what it accepts."""
    asked = (held for _, held in sorted(adapter.filters.items()) if held.inside is inside)
    return {held.key: held.vport for held in asked if adapter.in_effect(held)}


def _addresses(adapter: Adapter, vports: Sequence[int]) -> dict[FilterKey, int]:
    """Who has which address: a filter says so, also a VF's, or the port of a VM without a VPort."""
    ports = {
        (vport.address, vport.vlan): number
        for number, vport in adapter.vports.items()
        if vport.address is not None
    }
    owners = {
        held.key: held.vport if held.vport in vports else _beside(adapter, held.vport)
        for _, held in sorted(adapter.filters.items())
        if held.vport in adapter.vports and _is_known(adapter, held)
    }
    return {**ports, **{key: owner for key, owner in owners.items() if owner is not None}}


def _local_switch(adapter: Adapter, vports: Sequence[int]) -> bool:
    """The adapter cannot switch to a VM that has no queue: then the vSwitch does it all."""
    asked = adapter.local_switch and adapter.mode.sort is Sort.FILTERS
    return asked and all(adapter.queues_of(number) for number in vports)
