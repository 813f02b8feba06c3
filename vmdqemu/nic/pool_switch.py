"""The switch between pools: where a frame goes that a pool sends (X550 7.8.3.4).

The receive rules give the pools, with three differences: the sender is not one of them, nothing falls to the
default pool, and the port's admission is not asked.
"""

from typing import NamedTuple

from vmdqemu.nic import pool_words
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import Frame, is_multicast
from vmdqemu.nic.pool_selection import by_address, by_vlan, receivers
from vmdqemu.nic.pools import NO_POOLS, MirrorKind, Pooling, Pools
from vmdqemu.nic.steps import Take, explained, plainly


class Switched(NamedTuple):
    """Where a frame goes; drop: why nowhere."""

    pools: Pools
    wire: bool
    drop: DropReason | None = None


def from_pool(frame: Frame, sender: int, vid: int | None, pooling: Pooling, take: Take = plainly) -> Switched:
    """The pools that get a copy, and whether the wire does. vid: of its tag, the port VLAN's included.

    Both ways for a group and for what a table matched; a unicast address that a pool has stays inside, also
    if its VLAN then leaves it without a pool.
    """
    wire = take(to_wire, frame, pooling)
    if is_multicast(frame.destination) and not pooling.replication:
        chosen = NO_POOLS  # two texts disagree: X550 7.8.3.9, "only to the wire", is followed
    else:
        chosen = by_address(frame, pooling, pooling.disabled_is_no_local_match, take)
        chosen = take(sender_excluded, chosen, sender, pooling)
        chosen = by_vlan(chosen, vid, pooling, take)
    way = MirrorKind.DOWNLINK if wire else None
    chosen, drop = receivers(chosen, frame, vid, way, pooling, take)
    return Switched(chosen, wire, None if wire else drop)


@explained("X550 7.8.3.4", pool_words.to_wire)
def to_wire(frame: Frame, pooling: Pooling) -> bool:
    """Whether it leaves the adapter: a group, or an address that no pool has exactly.

    That the address of a disabled pool is no match is X550's text; for the 82576 and 82599 it is INFER.
    """
    if is_multicast(frame.destination):
        return True
    owners = pooling.exact.get(frame.destination, NO_POOLS)
    return not (owners & pooling.receive if pooling.disabled_is_no_local_match else owners)


@explained("X550 7.8.3.4", pool_words.left_of)
def sender_excluded(chosen: Pools, sender: int, pooling: Pooling) -> Pools:
    """Nobody gets its own frame, unless its local loopback is on (VMTXSW)."""
    return chosen if sender in pooling.own_frames else chosen - {sender}
