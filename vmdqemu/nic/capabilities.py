"""What an adapter says that it can do: all of it (hardware), and what is enabled (current).

Field names are those of NDIS. The current answer is None while nothing of it is enabled.
Sources: NDIS: ndis_receive_filter_capabilities, ndis_nic_switch_capabilities,
determining-the-vmq-capabilities-of-a-network-adapter.
"""

from collections.abc import Mapping
from typing import Final

from vmdqemu.nic.coalescing import MOST_FILTERS
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.state import Adapter
from vmdqemu.nic.vport import PF

Capabilities = Mapping[str, int | bool]

_TABLE: Final = "RssPerPFVPortIndirectionTable"
_HASH: Final = ("RssPerPFVPortHashFunction", "RssPerPFVPortHashType", "RssPerPFVPortHashKey")


def hardware_filters(adapter: Adapter) -> Capabilities:
    """NDIS_RECEIVE_FILTER_CAPABILITIES of the hardware, whatever is enabled."""
    model = adapter.model
    return {
        "VmqFilters": True,
        "PacketCoalescingFilters": True,
        "VmQueues": True,
        "NumQueues": min(model.rx_queues - 1, model.vports - 1, model.addresses),  # without the default one's
        "MaxMacHeaderFilters": model.addresses,
        "MaxPacketCoalescingFilters": MOST_FILTERS,
        "MsiX": True,
        "DynamicProcessorAffinityChange": True,
        "InterruptVectorCoalescing": True,
        "VlanFiltering": adapter.vlan_filtering,
        "AnyVlanSupported": adapter.any_vlan,
        "LookaheadSplit": False,  # withdrawn with NDIS 6.30
        "MaxLookaheadSplitSize": 0,
    }


def current_filters(adapter: Adapter) -> Capabilities | None:
    """Only packet coalescing where the mode does not sort; no VM queues beside VFs (NumQueues is 0 there)."""
    sorts = adapter.mode.sort is Sort.FILTERS
    with_vfs = adapter.switch is not None and adapter.switch.vfs > 0
    if not (sorts or with_vfs or adapter.coalescing):
        return None
    everything = hardware_filters(adapter)
    queues = sorts and not with_vfs
    return {
        **everything,
        "VmqFilters": sorts or with_vfs,
        "VmQueues": queues,
        "NumQueues": everything["NumQueues"] if queues else 0,
    }


def hardware_switch(adapter: Adapter) -> Capabilities:
    """NDIS_NIC_SWITCH_CAPABILITIES of the hardware; `problems` has what must hold of them."""
    model, rules = adapter.model, adapter.model.switch_rules
    own_rss = model.queue_rules.own_table
    return {
        "MaxNumSwitches": 1,
        "MaxNumVPorts": model.vports,
        "MaxNumVFs": rules.vfs,
        "MaxNumQueuePairs": model.rx_queues,
        "MaxNumQueuePairsPerNonDefaultVPort": model.pool_queues,
        "MaxNumMacAddresses": model.addresses,
        "AsymmetricQueuePairs": rules.asymmetric,
        "SingleVPortPool": rules.single_pool,
        "NicSwitchWithoutIov": rules.without_sriov,
        "RssOnPFVPorts": own_rss and model.queue_pairs > 1,
        **dict.fromkeys((_TABLE, *_HASH), own_rss),
    }


def current_switch(adapter: Adapter) -> Capabilities | None:
    """What is left of it, once there is a switch."""
    if adapter.switch is None:
        return None
    of_pf = sum(vport.function is PF for vport in adapter.vports.values())
    return {
        **hardware_switch(adapter),
        "NumVFs": adapter.switch.vfs,
        "NumAllocatedVFs": len(adapter.vfs),
        "NumVPorts": 1 + len(adapter.vports),
        "NumPFVPorts": 1 + of_pf,
    }


def problems(said: Capabilities) -> list[str]:
    """The inequalities that a registration has to keep (NDIS: ndis_nic_switch_capabilities)."""
    pairs = said["MaxNumQueuePairsPerNonDefaultVPort"]
    broken = {
        "MaxNumSwitches is 1": said["MaxNumSwitches"] == 1,
        "MaxNumVPorts holds the default VPort and one a VF": said["MaxNumVPorts"] > said["MaxNumVFs"],
        "MaxNumQueuePairs holds one a VPort": said["MaxNumQueuePairs"] >= said["MaxNumVPorts"],
        "MaxNumMacAddresses holds one a VPort": said["MaxNumMacAddresses"] >= said["MaxNumVPorts"],
        "MaxNumQueuePairsPerNonDefaultVPort is a power of two": pairs > 0 and pairs.bit_count() == 1,
        "RSS on VPorts needs an indirection table for each": (said[_TABLE] or not said["RssOnPFVPorts"]),
        "hash function, type and key are a VPort's own, or none is": len({said[name] for name in _HASH}) == 1,
    }
    return [rule for rule, holds in broken.items() if not holds]
