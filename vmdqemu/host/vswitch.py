"""The vSwitch, the host's half of a verdict: route() rules on what the silicon left to software.

It knows every VM by MAC and VLAN, so it learns nothing and floods no unicast: an unknown address is outside.
Outside is where the PF leads to: the wire, and the VMs that have a VF.
"""

from enum import Enum
from typing import NamedTuple

from vmdqemu.host import words
from vmdqemu.nic import filters, rss
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import Vlan
from vmdqemu.nic.frame import Frame, is_multicast
from vmdqemu.nic.steps import Take, explained, plainly
from vmdqemu.nic.tables import Tables

WIRE = 0  # as a port number; a VM's port has its VPort's number


class Edit(Enum):
    """What happens to a frame's outermost tag on its way out of a port."""

    KEEP = "keep"
    STRIP = "strip"
    INSERT = "insert"


class Delivery(NamedTuple):
    """One copy of a frame for one port."""

    port: int  # a VPort's number, or WIRE
    channel: int = 0
    edit: Edit = Edit.KEEP


class HostVerdict(NamedTuple):
    """What the host does with a frame."""

    lookup: bool = False
    deliveries: tuple[Delivery, ...] = ()
    spread: bool = False  # which channel it is depends on the frame's flow
    drop: DropReason | None = None

    @property
    def copies(self) -> int:
        """Deliveries beyond the first."""
        return max(0, len(self.deliveries) - 1)


def route(
    frame: Frame,
    vlan: Vlan,
    source: int,
    tables: Tables,
    take: Take = plainly,
    served: tuple[int, ...] = (),
) -> HostVerdict:
    """Look up who gets a frame that came in at port `source` in `vlan`. served: who has it already."""
    find = _replicate if is_multicast(frame.destination) else _look_up
    ports, drop = take(find, frame, vlan, source, tables, served)
    if drop is not None:
        return HostVerdict(lookup=True, drop=drop)
    return deliver(frame, vlan, ports, tables, take)


def deliver(
    frame: Frame, vlan: Vlan, ports: tuple[int, ...], tables: Tables, take: Take = plainly
) -> HostVerdict:
    """Hand a frame to ports that were found: each VM's channel of its flow, tagged as the port wants it."""
    deliveries = []
    spread = False
    for port in ports:
        by_flow = None if port == WIRE else channel(frame, port, tables, take)
        spread = spread or by_flow is not None
        deliveries.append(take(delivery, frame, vlan, port, by_flow or 0, tables))
    return HostVerdict(True, tuple(deliveries), spread)


def channel(frame: Frame, port: int, tables: Tables, take: Take = plainly) -> int | None:
    """The channel of a VM that a frame's flow belongs to; None where the VM has only one."""
    table = tables.vports[port].rss
    return None if table is None else take(rss.queue_index, rss.hash_frame(frame, table, take), table)


@explained("X550 7.8.4", words.delivery)
def delivery(frame: Frame, vlan: Vlan, port: int, channel: int, tables: Tables) -> Delivery:
    """One copy, tagged as the port wants it."""
    return Delivery(port, channel, edit_for(frame, vlan, port, tables))


def edit_for(frame: Frame, vlan: Vlan, port: int, tables: Tables) -> Edit:
    """A VM on a port VLAN never sees the tag, nor does one whose tags are stripped; the wire carries it.

    A tag that is not in the frame's data is the sender's port VLAN (X550 7.8.4).
    """
    strips = port != WIRE and tables.vports[port].strips
    if frame.vlan is not None:
        return Edit.STRIP if strips else Edit.KEEP
    return Edit.KEEP if vlan is None or strips else Edit.INSERT


@explained("X550 7.8.4", words.isolation)
def isolation(vlan: Vlan, port: int, tables: Tables) -> bool:
    """Whether a frame that the adapter has placed is in the port's VLAN.

    Not every chip compares VLANs (82575, 82598), and a tag that is stripped shows nothing any more.
    """
    return vlan == tables.vports[port].vlan


@explained("NDIS: vmq-receive-path, 802.1Q 8.6.3", words.look_up)
def _replicate(
    frame: Frame, vlan: Vlan, source: int, tables: Tables, served: tuple[int, ...]
) -> tuple[tuple[int, ...], DropReason | None]:
    """Broadcast and multicast: every port in the VLAN but the one it came from."""
    if filters.is_reserved_group(frame.destination):
        return (), DropReason.RESERVED_MULTICAST
    outside = (WIRE,) if tables.wire else ()
    members = tables.members(vlan)
    if source == WIRE and tables.replicates:  # the silicon has served those with queues of their own
        members = tuple(port for port in members if not tables.vports[port].queues)
    ports = tuple(port for port in (*outside, *members) if port != source and port not in served)
    return ports, None if ports or served else DropReason.PORT_LIST_IS_EMPTY


@explained("NDIS: vmq-receive-path", words.look_up)
def _look_up(
    frame: Frame, vlan: Vlan, source: int, tables: Tables, served: tuple[int, ...]
) -> tuple[tuple[int, ...], DropReason | None]:
    """Unicast: the VM with that address in that VLAN, else the wire, but never back where it came from.

    A VM with a VF gets here what had left the adapter before it had one.
    """
    owner = filters.match(tables.addresses, frame.destination, vlan)
    if owner in served:
        return (), None
    by_vf = filters.match(tables.filters, frame.destination, vlan) in tables.vfs
    if owner is not None and (source == WIRE or owner == source or not by_vf):
        return (owner,), DropReason.PORT_LOOPBACK_FILTER if owner == source else None
    if source != WIRE and tables.wire:
        return (WIRE,), None
    known = any(mac == frame.destination for mac, _ in tables.addresses)
    return (), DropReason.WRONG_VLAN if known else DropReason.PORT_LIST_IS_EMPTY
