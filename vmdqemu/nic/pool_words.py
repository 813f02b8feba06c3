"""What the rules of a chip's switch found, in words: one function a rule, called with its finding first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmdqemu.nic.frame import format_mac
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
