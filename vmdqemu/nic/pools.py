"""Pools: what is asked of a chip's switch, and its registers in effect.

Intel's pool is a VPort that has RX queues of its own, and goes by the VPort's number; pool 0 is the PF's.
What is asked for is in PoolSettings and PortSettings; the requests of `adapter` change them, and `registers`
compiles them into a Pooling, which is all that the pools of a frame depend on.

Sources: X550 7.8.3 with the models' differences; registers by their names in ixgbe_type.h and e1000_82575.h.
"""

from collections.abc import Mapping
from enum import Flag, StrEnum, auto
from typing import Any, Final, NamedTuple

Pools = frozenset[int]
NO_POOLS: Final[Pools] = frozenset()


class Accept(Flag):
    """What a pool takes besides its exact addresses (VMOLR)."""

    AUPE = auto()  # untagged frames
    BAM = auto()  # broadcast
    ROMPE = auto()  # groups of the multicast table
    ROPE = auto()  # addresses of the unicast table
    MPE = auto()  # every group
    UPE = auto()  # every unicast address (X540 and later)
    VPE = auto()  # every VLAN (X540 and later)


NOTHING: Final = Accept(0)
EVERY_GROUP: Final = Accept.BAM | Accept.MPE  # what the tools of a guest need, IPv6 too


class MirrorKind(StrEnum):
    """What a mirror rule looks at (MRCTL)."""

    POOL = "pool"  # frames that a pool of its list receives
    VLAN = "vlan"  # frames in a VLAN of its list
    UPLINK = "uplink"  # frames from the wire that reach a pool
    DOWNLINK = "downlink"  # frames sent to the wire


class Mirror(NamedTuple):
    """One more copy of some frames, for one pool."""

    kind: MirrorKind
    target: int
    watched: frozenset[int] = frozenset()  # pools or VLANs, by the kind


class PoolSettings(NamedTuple):
    """What is asked of one pool."""

    accept: Accept = EVERY_GROUP
    receive: bool = True  # VFRE
    transmit: bool = True  # VFTE
    own_frames: bool = False  # it gets what it sends, where the rules would give it a copy (VMTXSW)
    longest: int | None = None  # octets of its longest frame, FCS and tags too (RLPML); None: the port's
    strip: bool = False  # a frame's tag goes (VMOLR.STRVLAN, RXDCTL.VME)
    untagged_only: bool = False  # it may send no tag (VMVIR 2)
    priority: int = 0  # of the port VLAN's tag
    vlan_check: bool = True  # VLAN anti-spoof


class PortSettings(NamedTuple):
    """What is asked of the whole port."""

    unicast: bool = True  # every address is admitted (FCTRL.UPE)
    multicast: bool = True  # every group is (FCTRL.MPE)
    broadcast: bool = True  # FCTRL.BAM
    vlan_filtering: bool = True  # VLNCTRL.VFE
    vlans: frozenset[int] | None = None  # admitted (VFTA); None: all
    unicast_table: frozenset[bytes] = frozenset()  # addresses (UTA)
    multicast_table: frozenset[bytes] = frozenset()  # addresses (MTA)
    hash_form: int = 0  # MCSTCTRL.MO
    groups: Mapping[bytes, Pools] = {}  # exact group addresses (RAR, MPSAR)
    by_vlan: bool = False  # the VLAN alone picks the pool (VT_CTL.IGMAC; 82575, 82598: VLAN to queue)
    replication: bool = False  # VT_CTL.RPL_EN
    default_pool: int | None = 0  # VT_CTL.DEF_PL; None: DIS_DEF_POOL
    mirrors: tuple[Mirror, ...] = ()


class Pooling(NamedTuple):
    """The registers in effect."""

    unicast: bool
    multicast: bool
    broadcast: bool
    vlan_filtering: bool
    admitted_vlans: frozenset[int] | None
    exact: Mapping[bytes, Pools]  # RAR, MPSAR
    hash_form: int
    unicast_table: frozenset[int]  # UTA: the 12 bits
    multicast_table: frozenset[int]  # MTA
    accept: Mapping[Accept, Pools]  # the pools that have each flag
    has_vlan_step: bool  # pools have VLANs
    vlans: Mapping[int, Pools]  # VLVF, VLVFB
    by_vlan: bool
    replication: bool
    default_pool: int | None
    receive: Pools  # VFRE
    own_frames: Pools  # VMTXSW
    limits: Mapping[int, int]  # octets of a pool's longest frame, without FCS, where it is not the port's
    mirrors: tuple[Mirror, ...]
    disabled_is_no_match: bool  # from the wire
    disabled_is_no_local_match: bool
    hashes_looped: bool
    prunes_sources: bool  # a pool does not get back what it sent (X550)

    def accepting(self, flag: Accept) -> Pools:
        """The pools that have one flag."""
        return self.accept.get(flag, NO_POOLS)


def to_json(pooling: Pooling) -> dict[str, Any]:
    """The value as JSON types."""
    return {
        **pooling._asdict(),
        "admitted_vlans": None if pooling.admitted_vlans is None else sorted(pooling.admitted_vlans),
        "exact": {mac.hex(): sorted(pools) for mac, pools in pooling.exact.items()},
        "unicast_table": sorted(pooling.unicast_table),
        "multicast_table": sorted(pooling.multicast_table),
        "accept": {str(flag.value): sorted(pools) for flag, pools in pooling.accept.items()},
        "vlans": {str(vid): sorted(pools) for vid, pools in pooling.vlans.items()},
        "receive": sorted(pooling.receive),
        "own_frames": sorted(pooling.own_frames),
        "limits": {str(pool): limit for pool, limit in pooling.limits.items()},
        "mirrors": [[rule.kind.value, rule.target, sorted(rule.watched)] for rule in pooling.mirrors],
    }


def from_json(document: Mapping[str, Any]) -> Pooling:
    """The value that `to_json` wrote."""
    admitted = document["admitted_vlans"]
    return Pooling(
        **{
            **document,
            "admitted_vlans": None if admitted is None else frozenset(admitted),
            "exact": {bytes.fromhex(mac): frozenset(pools) for mac, pools in document["exact"].items()},
            "unicast_table": frozenset(document["unicast_table"]),
            "multicast_table": frozenset(document["multicast_table"]),
            "accept": {Accept(int(flag)): frozenset(pools) for flag, pools in document["accept"].items()},
            "vlans": {int(vid): frozenset(pools) for vid, pools in document["vlans"].items()},
            "receive": frozenset(document["receive"]),
            "own_frames": frozenset(document["own_frames"]),
            "limits": {int(pool): limit for pool, limit in document["limits"].items()},
            "mirrors": tuple(
                Mirror(MirrorKind(kind), to, frozenset(what)) for kind, to, what in document["mirrors"]
            ),
        }
    )
