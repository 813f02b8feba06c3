"""The silicon's half of a verdict: receive() for a frame from the wire, transmit() for one from a VM.

It ends at RX queues, at the wire, at the vSwitch, or at a named drop; what happens behind an RX queue is
`host.vswitch`. Both functions are the list of the hardware's steps in the hardware's order; the first step
that drops the frame ends it. `take` is how each step is taken (nic.steps).
"""

from typing import NamedTuple

from vmdqemu.nic import filters, rss, words
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import Vlan
from vmdqemu.nic.frame import Frame, is_multicast
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.packet_filter import PacketFilter
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.steps import Take, explained, plainly
from vmdqemu.nic.tables import DEFAULT_VPORT, TAG, Tables, VPortTable


class ToQueue(NamedTuple):
    """One frame placed in an RX queue."""

    vport: int
    queue: int  # numbered over the whole adapter
    relative: int = 0  # counted inside its VPort


class NicVerdict(NamedTuple):
    """What the silicon does with a frame."""

    vlan: Vlan = None  # the VLAN it is in, after port VLAN insertion
    queues: tuple[ToQueue, ...] = ()
    wire: bool = False  # sent out
    vswitch: bool = False  # transmitted, and left to the host's switch
    spread: bool = False  # which queue it is depends on the frame's flow
    hash: rss.Hash | None = None
    drop: DropReason | None = None


def receive(frame: Frame, tables: Tables, take: Take = plainly) -> NicVerdict:
    """A frame from the wire: the RX queue it is placed in.

    Broadcast and multicast match no VM's filter, so they go to the default VPort and the vSwitch replicates
    them (NDIS: vmq-receive-filters).
    """
    drop = take(_admission, frame, tables)
    if drop is not None:
        return NicVerdict(drop=drop)
    vlan = take(_vlan, frame)
    number = take(_filter, frame, vlan, tables)
    if number is None and tables.packet_filter is not None:
        drop = take(_packet_filter, frame, tables.packet_filter)
        if drop is not None:
            return NicVerdict(vlan, drop=drop)
    if not number:
        return _into_vport(frame, vlan, DEFAULT_VPORT, tables.default_queues, tables.default_rss, take)
    vport = tables.vports[number]
    return _into_vport(frame, vlan, number, vport.queues, vport.rss, take)


def transmit(frame: Frame, sender: int, tables: Tables, take: Take = plainly) -> NicVerdict:
    """A frame from the VM of VPort `sender`: checked, put in its VLAN, and switched or left to the host."""
    vport = tables.vports[sender]
    drop = take(_admission, frame, tables)
    drop = drop or take(_tag_check, frame, vport) or take(_spoof_check, frame, vport)
    if drop is not None:
        return NicVerdict(vport.vlan, drop=drop)
    if not take(_local_switch, tables):
        return NicVerdict(vport.vlan, vswitch=True)
    return take(_switching, frame, sender, vport.vlan, tables)


@explained("82576 8.19.37, IEEE 802.1Q 9.6", words.admission)
def _admission(frame: Frame, tables: Tables) -> DropReason | None:
    """What no port lets in. A TAP does not pad, so a frame under 60 octets is no runt."""
    if frame.fault is not None:
        return DropReason(frame.fault.value)
    if frame.length > tables.max_frame + TAG * frame.tags:  # 82576 8.19.37: 4 octets more a tag
        return DropReason.OVERSIZE
    if is_multicast(frame.source):
        return DropReason.SOURCE_MAC_IS_MULTICAST
    return None


@explained("NDIS: vmq-receive-filters", words.vlan)
def _vlan(frame: Frame) -> Vlan:
    """The outermost tag's."""
    return filters.vlan_of(frame.vlan)


@explained("NDIS: vmq-receive-filters", words.filter_hit)
def _filter(frame: Frame, vlan: Vlan, tables: Tables) -> int | None:
    """The VPort whose filter passes the frame, the default one too; None if none does."""
    if tables.sort is not Sort.FILTERS:
        return None
    return filters.match(tables.filters, frame.destination, vlan)


@explained("NDIS: oid-gen-current-packet-filter", words.packet_filter)
def _packet_filter(frame: Frame, accepted: PacketFilter) -> DropReason | None:
    """A frame that no filter placed is for the default VPort if it is accepted."""
    return None if accepted.accepts(frame.destination) else DropReason.PACKET_FILTER


@explained("X550 7.8.4", words.tag_check)
def _tag_check(frame: Frame, vport: VPortTable) -> DropReason | None:
    """X550 7.8.4: a tag in the frame's data and a forced insertion exclude each other.

    Without a port VLAN only a priority tag passes, and none hidden behind it.
    """
    if frame.vlan is None:
        return None
    if vport.vlan is not None:
        return DropReason.TAG_NOT_ALLOWED
    if filters.vlan_of(frame.vlan) is not None or frame.tags > 1:  # VLAN anti-spoof: not a member
        return DropReason.INGRESS_VLAN_FILTER
    return None


@explained("X550 7.8.4", words.spoof_check)
def _spoof_check(frame: Frame, vport: VPortTable) -> DropReason | None:
    """X550 7.8.4: the source must be one of the pool's exact addresses."""
    if vport.spoof_check and frame.source not in vport.macs:
        return DropReason.SPOOF_CHECK
    return None


def _into_vport(
    frame: Frame, vlan: Vlan, number: int, queues: tuple[int, ...], parameters: Rss | None, take: Take
) -> NicVerdict:
    """NDIS: vmmq-send-and-receive-processing. One queue needs no hash."""
    if len(queues) == 1 or parameters is None:
        return NicVerdict(vlan, queues=(take(_queue, number, queues, 0),))
    frame_hash = rss.hash_frame(frame, parameters, take)
    index = take(rss.queue_index, frame_hash, parameters)
    placed = take(_queue, number, queues, index)
    return NicVerdict(vlan, queues=(placed,), spread=True, hash=frame_hash)


@explained("NDIS: vmmq-send-and-receive-processing", words.queue)
def _queue(number: int, queues: tuple[int, ...], index: int) -> ToQueue:
    """A VPort's queue, by its number inside the VPort."""
    return ToQueue(number, queues[index], index)


@explained("X550 7.8.3.4", words.local_switch)
def _local_switch(tables: Tables) -> bool:
    """Whether what a VM sends is switched in the adapter."""
    return tables.local_switch


@explained("X550 7.8.3.4", words.switching)
def _switching(frame: Frame, sender: int, vlan: Vlan, tables: Tables) -> NicVerdict:
    """X550 7.8.3.4: an exact match stays inside, a group address goes both ways, the rest to the wire.

    The sender gets no copy of its own frame. A looped frame is not hashed: queue 0 of the VPort (82576).
    """
    if filters.is_reserved_group(frame.destination):
        return NicVerdict(vlan, drop=DropReason.RESERVED_MULTICAST)
    if is_multicast(frame.destination):
        receivers = tuple(number for number in tables.members(vlan) if number != sender)
        wire = tables.wire
    else:
        owner = filters.match(tables.filters, frame.destination, vlan)
        if owner == sender:
            return NicVerdict(vlan, drop=DropReason.PORT_LOOPBACK_FILTER)
        receivers = () if owner is None else (owner,)
        wire = tables.wire and owner is None
    if not receivers and not wire:
        return NicVerdict(vlan, drop=DropReason.PORT_LIST_IS_EMPTY)
    queues = tuple(ToQueue(number, tables.vports[number].queues[0]) for number in receivers)
    return NicVerdict(vlan, queues=queues, wire=wire)
