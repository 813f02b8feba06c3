"""Mirror rules: one more copy of some frames, for a pool that watches (X550 7.8.3.5)."""

from vmdqemu.nic import pool_words
from vmdqemu.nic.pools import Mirror, MirrorKind, Pooling, Pools
from vmdqemu.nic.steps import explained


@explained("X550 7.8.3.3.1 steps 12, 13", pool_words.pools)
def mirror(chosen: Pools, vid: int | None, way: MirrorKind | None, pooling: Pooling) -> Pools:
    """The pools of the rules that hit. way: UPLINK from the wire, DOWNLINK to it, None inside.

    A copy needs replication and an enabled pool, and is subject to nothing else.
    """
    if not pooling.replication:
        return frozenset()
    hit = frozenset(rule.target for rule in pooling.mirrors if _hits(rule, chosen, vid, way))
    return hit & pooling.receive


def _hits(rule: Mirror, chosen: Pools, vid: int | None, way: MirrorKind | None) -> bool:
    if rule.kind is MirrorKind.POOL:
        return bool(rule.watched & chosen)
    if rule.kind is MirrorKind.VLAN:
        return vid in rule.watched
    if rule.kind is MirrorKind.UPLINK:
        return way is MirrorKind.UPLINK and bool(chosen)
    return way is MirrorKind.DOWNLINK
