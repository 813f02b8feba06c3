"""What the rules of a chip's switch found, in words: one function a rule, called with its finding first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmdqemu.nic.frame import format_mac, is_multicast
from vmdqemu.nic.hash_filters import hash_of
from vmdqemu.nic.words import passed

if TYPE_CHECKING:  # they import this
    from vmdqemu.nic.counters import DropReason
    from vmdqemu.nic.frame import Frame
    from vmdqemu.nic.pools import Pooling, Pools


def pools(found: Pools, *_: object) -> str:
    """Which are left, or come with this rule."""
    if not found:
        return "no pool"
    return f"pool{'s' if len(found) > 1 else ''} {', '.join(map(str, sorted(found)))}"


def exact_match(found: Pools, frame: Frame, pooling: Pooling) -> str:
    """Whose address it is."""
    if pooling.by_vlan:
        return f"the VLAN alone decides: {pools(found)}"
    return f"{format_mac(frame.destination)}: {pools(found)}"


def hash_match(found: Pools, frame: Frame, pooling: Pooling) -> str:
    """The bit of the table."""
    table = pooling.multicast_table if is_multicast(frame.destination) else pooling.unicast_table
    value = hash_of(frame.destination, pooling.hash_form)
    return f"bit {value:#05x} is {'set' if value in table else 'clear'}: {pools(found)}"


def vlan_membership(found: Pools, chosen: Pools, vid: int | None, _: Pooling) -> str:
    """Who of those that were chosen is a member."""
    among = "untagged" if vid is None else f"VLAN {vid}"
    return f"{among}, of {pools(chosen)}: {pools(found)}" if chosen else pools(found)


def default_pool(found: Pools, _: Pooling) -> str:
    """The last resort, if there is one."""
    return pools(found) if found else "disabled"


def left_of(found: Pools, chosen: Pools, *_: object) -> str:
    """Those that are left, and those that are not."""
    gone = chosen - found
    return f"{pools(found)}; not {pools(gone)}" if gone else pools(found)


def l2_admission(drop: DropReason | None, frame: Frame, _: Pooling) -> str:
    """The address."""
    return passed(drop, f"{format_mac(frame.destination)} {'is let in' if drop is None else 'is not let in'}")


def vlan_admission(drop: DropReason | None, frame: Frame, pooling: Pooling) -> str:
    """The tag's bit of the table."""
    if not pooling.vlan_filtering:
        return "VLANs are not filtered"
    if frame.vlan is None:
        return "untagged frames are let in"
    return passed(drop, f"VLAN {frame.vlan} {'is let in' if drop is None else 'is not let in'}")


def to_wire(wire: bool, *_: object) -> str:
    """Whether it leaves the adapter."""
    return "to the wire" if wire else "stays inside: a pool has the address"
