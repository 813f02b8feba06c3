"""The switch between VPorts by the filters of NDIS: where a frame goes that one of them sends.

Of a chip with registers of its own `pool_switch` says so.
"""

from vmdqemu.nic import filters, words
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import Vlan
from vmdqemu.nic.frame import Frame, is_multicast
from vmdqemu.nic.pool_switch import Switched
from vmdqemu.nic.pools import NO_POOLS, Pools
from vmdqemu.nic.steps import explained
from vmdqemu.nic.tables import DEFAULT_VPORT, Tables


@explained("NDIS: virtual-ports--vports-", words.replication)
def replication(frame: Frame, vlan: Vlan, tables: Tables) -> Pools:
    """The VFs in a group's VLAN; every other VM's copy is the vSwitch's to make."""
    if filters.is_reserved_group(frame.destination):
        return NO_POOLS
    return frozenset(number for number, vf in tables.vfs.items() if vlan in vf.vport.vlans)


@explained("X550 7.8.3.4", words.switching)
def switching(frame: Frame, sender: int, vlan: Vlan, tables: Tables) -> Switched:
    """X550 7.8.3.4: an exact match stays inside, a group address goes both ways, the rest to the wire.

    The sender gets no copy of its own frame. What is for the vSwitch goes to the default VPort.
    """
    if filters.is_reserved_group(frame.destination):
        return Switched(NO_POOLS, False, DropReason.RESERVED_MULTICAST)
    if is_multicast(frame.destination):
        receivers = replication(frame, vlan, tables) | _on_pf(sender, vlan, tables)
        return _leaving(receivers - {sender}, tables)
    owner = filters.match(tables.filters, frame.destination, vlan)
    if owner == sender != DEFAULT_VPORT:
        return Switched(NO_POOLS, False, DropReason.PORT_LOOPBACK_FILTER)
    if owner is None and _is_vf(sender, tables) and filters.match(tables.addresses, frame.destination, vlan):
        owner = DEFAULT_VPORT
    if owner is None or owner == sender:
        return _leaving(NO_POOLS, tables)
    return Switched(frozenset({owner}), wire=False)


def _leaving(receivers: Pools, tables: Tables) -> Switched:
    """To some VPorts and to the wire, if there is one."""
    somewhere = receivers or tables.wire
    return Switched(receivers, tables.wire, None if somewhere else DropReason.PORT_LIST_IS_EMPTY)


def _on_pf(sender: int, vlan: Vlan, tables: Tables) -> Pools:
    """The PF's VPorts for a group: of a VF's frame the default one, behind which the vSwitch makes copies."""
    return frozenset({DEFAULT_VPORT} if _is_vf(sender, tables) else tables.members(vlan))


def _is_vf(sender: int, tables: Tables) -> bool:
    return sender != DEFAULT_VPORT and sender not in tables.vports
