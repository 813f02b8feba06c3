"""From everything that was asked of the adapter to the registers in effect."""

from collections.abc import Mapping

from vmdqemu.nic.filters import FilterKey
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.packet_filter import PROMISCUOUS
from vmdqemu.nic.state import Adapter, Filter
from vmdqemu.nic.tables import DEFAULT_QUEUE, Tables, VPortTable
from vmdqemu.nic.tunnel import NO_TUNNELS, Tunnels
from vmdqemu.nic.vport import PF


def compile_tables(adapter: Adapter, generation: int) -> Tables:
    """The registers in effect. VPorts on VFs are modelled, and have no part in the data path."""
    of_pf = sorted(number for number, vport in adapter.vports.items() if vport.function is PF)
    vports = {number: _vport(adapter, number) for number in of_pf}
    return Tables(
        generation=generation,
        sort=adapter.mode.sort,
        lookup=adapter.mode.lookup,
        copy=adapter.mode.copy or not (adapter.mode.lookup or adapter.shared_memory),
        processors=adapter.mode.processors,
        lookahead=adapter.lookahead,
        local_switch=_local_switch(adapter, vports),
        wire=adapter.wire,
        mtu=adapter.mtu,
        tunnels=Tunnels(adapter.vxlan_port, nvgre=True) if adapter.model.inner_headers else NO_TUNNELS,
        default_queues=adapter.default_queues,
        default_rss=adapter.default_vport.spread,
        moderation={queue: adapter.moderated.get(queue, adapter.moderation) for queue in adapter.queues},
        coalescing=adapter.coalescing,
        packet_filter=None if adapter.packet_filter == PROMISCUOUS else adapter.packet_filter,
        filters=_filters(adapter, vports),
        addresses=_addresses(adapter, vports),
        vports=vports,
    )


def _vport(adapter: Adapter, number: int) -> VPortTable:
    vport = adapter.vports[number]
    running = tuple(queue for queue, held in sorted(adapter.running.items()) if held.vport == number)
    held = [filter_ for _, filter_ in sorted(adapter.filters.items()) if filter_.vport == number]
    macs = dict.fromkeys(filter_.mac for filter_ in held if _is_known(adapter, filter_))
    if vport.address is not None:
        macs = {vport.address: None, **macs}
    queues = vport.queues or running
    return VPortTable(
        vport.name,
        tuple(macs),
        vport.vlan,
        vport.spoof_check,
        queues,
        vport.queue_pairs,
        vport.spread,
        vport.vrss and len(queues) == 1 and vport.spread is not None,
    )


def _is_known(adapter: Adapter, held: Filter) -> bool:
    """Whether the vSwitch may deliver by it: a queue's filter is the vSwitch's own, in effect or not."""
    return held.queue is not None or adapter.in_effect(held)


def _filters(adapter: Adapter, vports: Mapping[int, VPortTable]) -> dict[FilterKey, int]:
    """Those in effect; the default queue's only say what it accepts."""
    return {
        held.key: held.vport
        for _, held in sorted(adapter.filters.items())
        if held.queue == DEFAULT_QUEUE or (held.vport in vports and adapter.in_effect(held))
    }


def _addresses(adapter: Adapter, vports: Mapping[int, VPortTable]) -> dict[FilterKey, int]:
    """Who has which address: a filter says so, or the port of a VM without a VPort."""
    ports = {
        (vport.address, vport.vlan): number
        for number, vport in adapter.vports.items()
        if vport.address is not None
    }
    filters = {
        held.key: held.vport
        for _, held in sorted(adapter.filters.items())
        if held.vport in vports and _is_known(adapter, held)
    }
    return {**ports, **filters}


def _local_switch(adapter: Adapter, vports: Mapping[int, VPortTable]) -> bool:
    """The adapter cannot switch to a VM that has no queue: then the vSwitch does it all."""
    asked = adapter.local_switch and adapter.mode.sort is Sort.FILTERS
    return asked and all(vport.queues for vport in vports.values())
