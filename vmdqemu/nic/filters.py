"""Receive filters: (MAC, VLAN) -> VPort.

A filter without a VLAN takes untagged and priority-tagged frames (NDIS: VLAN_UNTAGGED_OR_ZERO, which the
vSwitch always sets for a port without a VLAN). Only the VID is compared, not priority or DEI.
"""

from collections.abc import Mapping
from typing import Final

RESERVED_GROUP = bytes.fromhex("0180c20000")  # and a last octet of 00 to 0f: 802.1Q table 8-1

Vlan = int | None  # 1 to 4094, or None for untagged and priority-tagged frames
FilterKey = tuple[bytes, Vlan]

ANY_VLAN: Final = -1  # of a filter that tests the MAC address alone (NDIS 6.30: setting-a-vmq-filter)


def vlan_of(vid: int | None) -> Vlan:
    """The VLAN a frame is in: a priority tag (VID 0) carries none (NDIS: vmq-receive-filters)."""
    return vid or None


def is_vlan(vlan: Vlan) -> bool:
    """Whether a port or a filter can be in it: 0 and 4095 are no VLANs (802.1Q 9.6)."""
    return vlan is None or 1 <= vlan <= 4094


def is_reserved_group(destination: bytes) -> bool:
    """Whether the frame stays on its link: STP, pause, LLDP. No switch forwards it (802.1Q 8.6.3)."""
    return destination[:5] == RESERVED_GROUP and destination[5] < 0x10


def match(filters: Mapping[FilterKey, int], destination: bytes, vlan: Vlan) -> int | None:
    """The VPort whose filter passes the frame, an exact one first; None is the default VPort's."""
    owner = filters.get((destination, vlan))
    return filters.get((destination, ANY_VLAN)) if owner is None else owner
