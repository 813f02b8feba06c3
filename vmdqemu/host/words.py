"""What the host's rules found, in words: one function a rule, called with its finding and its arguments."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmdqemu.nic.frame import format_mac
from vmdqemu.nic.words import in_vlan, passed

if TYPE_CHECKING:  # they import this
    from vmdqemu.host.processors import Placement
    from vmdqemu.host.vswitch import Delivery
    from vmdqemu.nic.counters import DropReason
    from vmdqemu.nic.filters import Vlan
    from vmdqemu.nic.frame import Frame
    from vmdqemu.nic.switch import NicVerdict
    from vmdqemu.nic.tables import Tables

EDITS = {"keep": "as it is", "strip": "its tag stripped", "insert": "a tag inserted"}


def port(number: int) -> str:
    """A port by its number."""
    return f"VPort {number}" if number else "the wire"


def processor(number: int, queue: int, _: Placement) -> str:
    """Who serves the queue."""
    return f"processor {number} serves RX queue {queue}"


def left_to_software(left: bool, _: NicVerdict) -> str:
    """Whether an address is looked up."""
    return "the vSwitch looks up who gets it" if left else "the adapter named the VPort: no look-up"


def look_up(
    found: tuple[tuple[int, ...], DropReason | None],
    frame: Frame,
    vlan: Vlan,
    _: int,
    __: Tables,
    served: tuple[int, ...],
) -> str:
    """Which ports get the frame, besides those that the adapter has given it to."""
    ports, drop = found
    nobody = "nobody else" if served else "nobody"
    who = ", ".join(map(port, ports)) or nobody
    return passed(drop, f"{format_mac(frame.destination)} in {in_vlan(vlan)}: {who}")


def isolation(member: bool, vlan: Vlan, number: int, tables: Tables) -> str:
    """Whether the VM is to see it."""
    name = tables.vports[number].name
    return f"{in_vlan(vlan)} is {'' if member else 'not '}{name}'s"


def delivery(delivery: Delivery, *_: object) -> str:
    """Where one copy goes, and what happens to its tag."""
    channel = f" by channel {delivery.channel}" if delivery.port else ""
    return f"to {port(delivery.port)}{channel}, {EDITS[delivery.edit.value]}"
