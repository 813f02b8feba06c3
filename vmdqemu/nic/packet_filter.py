"""The packet filter: which frames reach the host that no filter placed.

A frame is held against it once no filter matched, since a VM's address is not the adapter's own; a filter on
the default queue is a match too (NDIS: oid-gen-current-packet-filter, vmq-receive-filters). With a vSwitch on
top it is promiscuous: the vSwitch knows VMs that have no queue (a reading of ours).
"""

from collections.abc import Mapping
from enum import Flag, auto
from typing import Any, Final, NamedTuple

from vmdqemu.nic.frame import is_broadcast, is_multicast

MOST_GROUPS: Final = 32  # of the multicast list (netvmini)


class PacketType(Flag):
    """NDIS_PACKET_TYPE_*: what is accepted."""

    DIRECTED = auto()  # to the adapter's own address
    MULTICAST = auto()  # to a group of the list
    ALL_MULTICAST = auto()
    BROADCAST = auto()
    PROMISCUOUS = auto()


class PacketFilter(NamedTuple):
    """What is accepted, the adapter's own address and its multicast list."""

    types: PacketType
    address: bytes = b""
    groups: frozenset[bytes] = frozenset()

    def accepts(self, destination: bytes) -> bool:
        """Whether a frame that no filter placed reaches the default queue."""
        if PacketType.PROMISCUOUS in self.types:
            return True
        if is_broadcast(destination):
            return bool(self.types & (PacketType.BROADCAST | PacketType.ALL_MULTICAST))
        if is_multicast(destination):
            listed = PacketType.MULTICAST in self.types and destination in self.groups
            return listed or PacketType.ALL_MULTICAST in self.types
        return PacketType.DIRECTED in self.types and destination == self.address


PROMISCUOUS: Final = PacketFilter(PacketType.PROMISCUOUS)


def to_json(accepted: PacketFilter) -> dict[str, Any]:
    """The value as JSON types."""
    return {
        "types": accepted.types.value,
        "address": accepted.address.hex(),
        "groups": sorted(mac.hex() for mac in accepted.groups),
    }


def from_json(document: Mapping[str, Any]) -> PacketFilter:
    """The value that `to_json` wrote."""
    groups = frozenset(map(bytes.fromhex, document["groups"]))
    return PacketFilter(PacketType(document["types"]), bytes.fromhex(document["address"]), groups)
