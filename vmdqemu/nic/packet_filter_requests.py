"""Requests for the packet filter."""

from typing import NamedTuple

from vmdqemu.nic.frame import is_multicast
from vmdqemu.nic.packet_filter import MOST_GROUPS, PacketFilter
from vmdqemu.nic.state import Adapter, Outcome
from vmdqemu.nic.status import NO_SLOT, Status


class SetPacketFilter(NamedTuple):
    """OID_GEN_CURRENT_PACKET_FILTER, with OID_802_3_MULTICAST_LIST."""

    accepted: PacketFilter


def set_packet_filter(adapter: Adapter, request: SetPacketFilter) -> Outcome:
    """No types at all are legal: then the default queue receives nothing."""
    groups = request.accepted.groups
    if any(len(mac) != 6 or not is_multicast(mac) for mac in groups):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if len(groups) > MOST_GROUPS:
        return Outcome(adapter, NO_SLOT)
    return Outcome(adapter._replace(packet_filter=request.accepted), Status.SUCCESS)
