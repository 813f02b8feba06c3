"""From everything that was asked of the adapter to the registers in effect."""

from vmdqemu.nic.modes import Sort
from vmdqemu.nic.state import Adapter
from vmdqemu.nic.tables import Tables, VPortTable
from vmdqemu.nic.tunnel import NO_TUNNELS, Tunnels


def compile_tables(adapter: Adapter, generation: int) -> Tables:
    """The registers in effect."""
    filters = sorted(adapter.filters.items())
    vports = {}
    for number, vport in sorted(adapter.vports.items()):
        macs = tuple(held.mac for _, held in filters if held.vport == number)
        vports[number] = VPortTable(
            vport.name, macs, vport.vlan, vport.spoof_check, vport.queues, vport.queue_pairs, vport.spread
        )
    return Tables(
        generation=generation,
        sort=adapter.mode.sort,
        lookup=adapter.mode.lookup,
        copy=adapter.mode.copy or not (adapter.mode.lookup or adapter.shared_memory),
        processors=adapter.mode.processors,
        lookahead=adapter.lookahead,
        local_switch=adapter.local_switch and adapter.mode.sort is Sort.FILTERS,
        wire=adapter.wire,
        mtu=adapter.mtu,
        tunnels=Tunnels(adapter.vxlan_port, nvgre=True) if adapter.model.inner_headers else NO_TUNNELS,
        default_queues=adapter.default_queues,
        default_rss=adapter.default_vport.spread,
        moderation={queue: adapter.moderated.get(queue, adapter.moderation) for queue in adapter.queues},
        coalescing=adapter.coalescing,
        filters={held.key: held.vport for _, held in filters},
        vports=vports,
    )
