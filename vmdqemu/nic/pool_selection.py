"""Pool selection: the pools that get a copy of a frame from the wire, step by step (X550 7.8.3.3).

Each rule takes the pools found so far, or none, and gives those that are left or come with it; the order of
the rules is the hardware's. The address comes first and the VLAN masks what it found; the default pool
catches what the mask left without a pool, but only what the port let in.
"""

from vmdqemu.nic import pool_words
from vmdqemu.nic.admission import l2_admission, vlan_admission
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import Vlan
from vmdqemu.nic.frame import Frame, is_broadcast, is_multicast
from vmdqemu.nic.hash_filters import hash_of
from vmdqemu.nic.mirror_rules import mirror
from vmdqemu.nic.pools import NO_POOLS, Accept, MirrorKind, Pooling, Pools
from vmdqemu.nic.steps import Take, explained, plainly

Chosen = tuple[Pools, DropReason | None]


def from_wire(frame: Frame, pooling: Pooling, take: Take = plainly) -> Chosen:
    """The pools of a frame from the wire, or why it has none."""
    drop = take(l2_admission, frame, pooling) or take(vlan_admission, frame, pooling)
    if drop is not None:
        return NO_POOLS, drop
    chosen = by_address(frame, pooling, pooling.disabled_is_no_match, take)
    chosen = by_vlan(chosen, frame.vlan, pooling, take) or take(default_pool, pooling)
    if not pooling.replication:  # X550 7.8.3.3.2
        chosen = take(one_copy, chosen)
    if pooling.prunes_sources:
        chosen = take(source_pruning, chosen, frame, pooling)
    return receivers(chosen, frame, frame.vlan, MirrorKind.UPLINK, pooling, take)


def places_alone(destination: bytes, vlan: Vlan, pool: int, pooling: Pooling) -> bool:
    """Whether all frames with this address in this VLAN are one pool's and nobody else's.

    So whoever knows no more of a frame, as the sorter, may place it there.
    """
    if pooling.prunes_sources or pool in pooling.limits:
        return False
    tags = (None, 0) if vlan is None else (vlan,)
    frames = (Frame(0, destination, vlan=vid) for vid in tags)
    return all(from_wire(frame, pooling) == (frozenset({pool}), None) for frame in frames)


def by_address(frame: Frame, pooling: Pooling, disabled_is_no_match: bool, take: Take) -> Pools:
    """The pools that the destination gives (X550 7.8.3.3.1 steps 1 to 6).

    Without replication only exact addresses and the unicast table do (X550 7.8.3.3.2).
    """
    chosen = take(exact_match, frame, pooling)
    if disabled_is_no_match:
        chosen = take(receive_enable, chosen, pooling)
    if pooling.replication and is_broadcast(frame.destination):
        return chosen | take(broadcast_accept, pooling)
    if not chosen and (pooling.replication or not is_multicast(frame.destination)):
        chosen = take(hash_match, frame, pooling)
    if pooling.replication:
        chosen = chosen | take(promiscuous_accept, frame, pooling)
    return chosen


def by_vlan(chosen: Pools, vid: int | None, pooling: Pooling, take: Take) -> Pools:
    """Of these, the pools in the frame's VLAN (X550 7.8.3.3.1 step 7). vid: of its tag, 0 too."""
    if not (pooling.has_vlan_step and pooling.vlan_filtering):
        return chosen
    return take(vlan_membership, chosen, vid, pooling)


def receivers(
    chosen: Pools, frame: Frame, vid: int | None, way: MirrorKind | None, pooling: Pooling, take: Take
) -> Chosen:
    """Of these, the pools that are on and take a frame so long, and those that watch them."""
    enabled = take(receive_enable, chosen, pooling)
    if pooling.mirrors:
        enabled = enabled | take(mirror, enabled, vid, way, pooling)
    if not enabled:
        return NO_POOLS, DropReason.VFRE_OFF if chosen else DropReason.NO_POOL
    if not pooling.limits:
        return enabled, None
    fitting = take(frame_limit, enabled, frame, pooling)
    return fitting, None if fitting else DropReason.OVERSIZE


@explained("X550 7.8.3.3.1 step 1", pool_words.exact_match)
def exact_match(frame: Frame, pooling: Pooling) -> Pools:
    """The pools of an exact address; all of them where the VLAN alone decides (82576 VT_CTL.IGMAC)."""
    return pooling.receive if pooling.by_vlan else pooling.exact.get(frame.destination, NO_POOLS)


@explained("X550 7.8.3.3.1 step 2", pool_words.pools)
def broadcast_accept(pooling: Pooling) -> Pools:
    """The pools with BAM."""
    return pooling.accepting(Accept.BAM)


@explained("X550 7.8.3.3.1 steps 3 and 4", pool_words.hash_match)
def hash_match(frame: Frame, pooling: Pooling) -> Pools:
    """An address that hits its table: the pools with ROPE, of a group those with ROMPE."""
    group = is_multicast(frame.destination)
    table = pooling.multicast_table if group else pooling.unicast_table
    if hash_of(frame.destination, pooling.hash_form) not in table:
        return NO_POOLS
    return pooling.accepting(Accept.ROMPE if group else Accept.ROPE)


@explained("X550 7.8.3.3.1 steps 5 and 6", pool_words.pools)
def promiscuous_accept(frame: Frame, pooling: Pooling) -> Pools:
    """Whatever else matched: the pools with MPE for a group, with UPE for unicast (X540 and later)."""
    return pooling.accepting(Accept.MPE if is_multicast(frame.destination) else Accept.UPE)


@explained("X550 7.8.3.3.1 step 7", pool_words.vlan_membership)
def vlan_membership(chosen: Pools, vid: int | None, pooling: Pooling) -> Pools:
    """The members of the tag's VLAN, 0 too; for an untagged frame the pools with AUPE."""
    if vid is None:
        return chosen & pooling.accepting(Accept.AUPE)
    return chosen & (pooling.vlans.get(vid, NO_POOLS) | pooling.accepting(Accept.VPE))


@explained("X550 7.8.3.3.1 step 8", pool_words.default_pool)
def default_pool(pooling: Pooling) -> Pools:
    """The last resort of whatever the port let in, of every cast; none where it is disabled."""
    return NO_POOLS if pooling.default_pool is None else frozenset({pooling.default_pool})


@explained("X550 7.8.3.3.2", pool_words.left_of)
def one_copy(chosen: Pools) -> Pools:
    """Without replication a frame has one place. Software must name no second one; the lowest is ours."""
    return frozenset(sorted(chosen)[:1])


@explained("X550 7.8.3.3.1 step 10", pool_words.left_of)
def source_pruning(chosen: Pools, frame: Frame, pooling: Pooling) -> Pools:
    """What the outside sends back is not for the pool that sent it (X550)."""
    return chosen - pooling.exact.get(frame.source, NO_POOLS)


@explained("X550 7.8.3.3.1 step 11", pool_words.left_of)
def receive_enable(chosen: Pools, pooling: Pooling) -> Pools:
    """VFRE: a pool whose receiver is off gets nothing."""
    return chosen & pooling.receive


@explained("82576 8.19.37", pool_words.left_of)
def frame_limit(chosen: Pools, frame: Frame, pooling: Pooling) -> Pools:
    """RLPML: a pool gets no frame that is longer than it takes."""
    return frozenset(pool for pool in chosen if frame.length <= pooling.limits.get(pool, frame.length))
