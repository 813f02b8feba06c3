"""Admission: whether the port lets a frame in at all. What it does not let in, no pool sees.

By the destination first, then by the VLAN (X550 7.1.2.1, 7.1.2.2; 82598 datasheet 211).
"""

from vmdqemu.nic import pool_words
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import Frame, is_broadcast, is_multicast
from vmdqemu.nic.hash_filters import hash_of
from vmdqemu.nic.pools import Pooling
from vmdqemu.nic.steps import explained


@explained("X550 7.1.2.1", pool_words.l2_admission)
def l2_admission(frame: Frame, pooling: Pooling) -> DropReason | None:
    """By the destination: an exact address, a table's bit, or the port's promiscuity."""
    if _admits(frame.destination, pooling):
        return None
    return DropReason.L2_ADMISSION


@explained("X550 7.1.2.2", pool_words.vlan_admission)
def vlan_admission(frame: Frame, pooling: Pooling) -> DropReason | None:
    """By the tag's VID, 0 too: a priority tag is a tag. Untagged frames always pass."""
    if not pooling.vlan_filtering or frame.vlan is None or pooling.admitted_vlans is None:
        return None
    return None if frame.vlan in pooling.admitted_vlans else DropReason.VLAN_ADMISSION


def _admits(destination: bytes, pooling: Pooling) -> bool:
    """A pool's own promiscuity does not open the port."""
    if is_broadcast(destination):
        return pooling.broadcast or pooling.multicast
    if destination in pooling.exact:
        return True
    value = hash_of(destination, pooling.hash_form)
    if is_multicast(destination):
        return pooling.multicast or value in pooling.multicast_table
    return pooling.unicast or value in pooling.unicast_table
