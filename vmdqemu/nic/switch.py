"""The silicon's half of a verdict: receive() for a frame from the wire, transmit() for one from a VM.

It ends at RX queues, at VFs, at the wire, at the vSwitch, or at a named drop; what happens behind an RX queue
is `host.vswitch`. Both functions are the list of the hardware's steps in the hardware's order; the first step
that drops the frame ends it. `take` is how each step is taken (nic.steps).
"""

from collections.abc import Iterable
from typing import NamedTuple

from vmdqemu.nic import filters, pool_selection, pool_switch, rss, vport_switch, words
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import Vlan
from vmdqemu.nic.frame import Frame, is_multicast
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.packet_filter import PacketFilter
from vmdqemu.nic.pool_selection import Chosen
from vmdqemu.nic.pool_switch import Switched
from vmdqemu.nic.pools import NO_POOLS, Pools
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
    vfs: tuple[int, ...] = ()  # that get it, by their own numbers
    wire: bool = False  # sent out
    vswitch: bool = False  # transmitted, and left to the host's switch
    spread: bool = False  # which queue it is depends on the frame's flow
    hash: rss.Hash | None = None
    drop: DropReason | None = None
    priority: int = 0  # of the tag that the port VLAN's insertion makes


def receive(frame: Frame, tables: Tables, take: Take = plainly) -> NicVerdict:
    """A frame from the wire: the RX queues it is placed in, and the VFs that get it.

    By the filters of NDIS a group's frames match no VM, so they go to the default VPort and the vSwitch
    replicates them (NDIS: vmq-receive-filters). A chip may replicate them itself.
    """
    drop = take(_admission, frame, tables)
    if drop is not None:
        return NicVerdict(drop=drop)
    vlan = take(_vlan, frame)
    chosen, drop = _select(frame, vlan, tables, take)
    vfs, chosen = tables.functions(chosen), chosen - tables.vfs.keys()
    if DEFAULT_VPORT in chosen and tables.packet_filter is not None:
        chosen, drop = _gate(chosen, frame, vlan, tables, tables.packet_filter, take)
    if not chosen:
        return NicVerdict(vlan, vfs=vfs, drop=drop)
    return _place(frame, vlan, sorted(chosen), tables, take, vfs=vfs)


def receive_behind(frame: Frame, tables: Tables, take: Take = plainly) -> NicVerdict:
    """A frame that the embedded switch gave to the PF, after it gave each VF its own: its RX queues.

    One that is for VFs alone came before they were there: it goes to the default VPort.
    """
    verdict = receive(frame, tables, take)
    if verdict.vfs and not verdict.queues and verdict.drop is None:
        return _place(frame, verdict.vlan, (DEFAULT_VPORT,), tables, take)
    return verdict._replace(vfs=()) if verdict.vfs else verdict


def transmit(frame: Frame, sender: int, tables: Tables, take: Take = plainly) -> NicVerdict:
    """A frame from the VM of VPort `sender`: checked, put in its VLAN, and switched or left to the host."""
    vf = tables.vfs.get(sender)
    vport = tables.vports[sender] if vf is None else vf.vport
    drop = take(_admission, frame, tables) or take(_transmit_enable, vport)
    drop = drop or take(_tag_check, frame, vport) or take(_spoof_check, frame, vport)
    if drop is not None:
        return NicVerdict(vport.vlan, drop=drop)
    vlan = filters.vlan_of(frame.vlan) if vport.vlan is None else vport.vlan
    if vf is None and not take(_local_switch, tables):
        return NicVerdict(vlan, vswitch=True, priority=vport.priority)
    vid = frame.vlan if vport.vlan is None else vport.vlan
    switched = forward(frame, sender, vid, tables, take)
    return _switched(switched, frame, sender, vlan, tables, take)._replace(priority=vport.priority)


def let_out(frame: Frame, vlan: Vlan, tables: Tables, take: Take = plainly) -> NicVerdict:
    """A frame that the host sends by the PF: a VF has it, or the wire."""
    switched = forward(frame, DEFAULT_VPORT, vlan, tables, take)
    if switched.drop is not None:
        return NicVerdict(vlan, drop=switched.drop)
    vfs = tables.functions(switched.pools)
    return NicVerdict(vlan, vfs=vfs, wire=tables.wire and (switched.wire or not vfs))


def forward(frame: Frame, sender: int, vid: int | None, tables: Tables, take: Take = plainly) -> Switched:
    """The VPorts that get a frame which is switched in the adapter, and whether the wire does.

    sender: a VPort, the default one for what the host sends, or none there is for any VF; vid: of its tag,
    the port VLAN's included.
    """
    if not take(_loopback, tables):
        found = Switched(NO_POOLS, wire=True)
    elif tables.pooling is None:
        found = take(vport_switch.switching, frame, sender, filters.vlan_of(vid), tables)
    else:
        found = pool_switch.from_pool(frame, sender, vid, tables.pooling, take)
    if tables.wire or not found.wire:
        return found
    return Switched(found.pools, False, None if found.pools else DropReason.PORT_LIST_IS_EMPTY)


def _switched(
    switched: Switched, frame: Frame, sender: int, vlan: Vlan, tables: Tables, take: Take
) -> NicVerdict:
    """The queues behind the VPorts. What a VF sends to the PF is placed as if it came from the wire."""
    found = NicVerdict(vlan, drop=switched.drop)
    if on_pf := switched.pools - tables.vfs.keys():
        if sender in tables.vfs:
            found = receive_behind(frame._replace(vlan=vlan), tables, take)
        else:
            hashed = tables.pooling is not None and tables.pooling.hashes_looped
            found = _place(frame, vlan, sorted(on_pf), tables, take, hashed)
    return found._replace(vfs=tables.functions(switched.pools), wire=switched.wire)


def _select(frame: Frame, vlan: Vlan, tables: Tables, take: Take) -> Chosen:
    """The VPorts that a frame from the wire is for: of a chip those that its registers find."""
    if tables.pooling is not None:
        return pool_selection.from_wire(frame, tables.pooling, take)
    number = _match(frame, vlan, tables, take)
    chosen = frozenset({DEFAULT_VPORT if number is None else number})
    if tables.vfs and is_multicast(frame.destination):
        chosen |= take(vport_switch.replication, frame, vlan, tables)
    return chosen, None


def _match(frame: Frame, vlan: Vlan, tables: Tables, take: Take) -> int | None:
    """The VPort whose filter passes the frame, or else the one inside of it."""
    number = take(_filter, frame, vlan, tables)
    if number is None and tables.inside_filters and frame.inside_to:
        number = take(_inside_filter, frame, vlan, tables)
    return number


def _gate(
    chosen: Pools, frame: Frame, vlan: Vlan, tables: Tables, accepted: PacketFilter, take: Take
) -> Chosen:
    """What a filter placed passes; all else is the default VPort's only if it is accepted."""
    drop = None
    if _match(frame, vlan, tables, plainly) is None:
        drop = take(_packet_filter, frame, accepted)
    return chosen if drop is None else chosen - {DEFAULT_VPORT}, drop


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
    owner = filters.match(tables.filters, frame.destination, vlan)
    return owner if tables.sort is Sort.FILTERS or owner in tables.vfs else None


@explained("NDIS: supporting-nvgre-in-rss-and-vmq-receive-task-offloads", words.inside_filter)
def _inside_filter(frame: Frame, vlan: Vlan, tables: Tables) -> int | None:
    """The VPort whose filter passes the frame inside of a tunnel; None if none does."""
    return filters.match(tables.inside_filters, frame.inside_to, vlan)


@explained("NDIS: oid-gen-current-packet-filter", words.packet_filter)
def _packet_filter(frame: Frame, accepted: PacketFilter) -> DropReason | None:
    """A frame that no filter placed is for the default VPort if it is accepted."""
    return None if accepted.accepts(frame.destination) else DropReason.PACKET_FILTER


@explained("82599 PFVFTE", words.transmit_enable)
def _transmit_enable(vport: VPortTable) -> DropReason | None:
    """VFTE: a pool whose transmitter is off is not fetched from, so no frame of a running lab comes here."""
    return None if vport.transmit else DropReason.QUEUE_DISABLED


@explained("X550 7.8.4", words.tag_check)
def _tag_check(frame: Frame, vport: VPortTable) -> DropReason | None:
    """X550 7.8.4: a tag in the frame's data and a forced insertion, or none at all, exclude each other.

    Otherwise VLAN anti-spoof: a tag must be of a VLAN that the VPort is in. A priority tag is of none, and
    then nothing may be hidden behind it.
    """
    if frame.vlan is None:
        return None
    if vport.vlan is not None or vport.untagged_only:
        return DropReason.TAG_NOT_ALLOWED
    if not vport.vlan_check:
        return None
    vlan = filters.vlan_of(frame.vlan)
    if (frame.tags > 1) if vlan is None else (vlan not in vport.vlans):
        return DropReason.ANTI_SPOOF_VLAN
    return None


@explained("X550 7.8.4", words.spoof_check)
def _spoof_check(frame: Frame, vport: VPortTable) -> DropReason | None:
    """X550 7.8.4: the source must be one of the pool's exact addresses."""
    if vport.spoof_check and frame.source not in vport.macs:
        return DropReason.ANTI_SPOOF_MAC
    return None


def _place(
    frame: Frame,
    vlan: Vlan,
    numbers: Iterable[int],
    tables: Tables,
    take: Take,
    hashed: bool = True,
    vfs: tuple[int, ...] = (),
) -> NicVerdict:
    """A copy in a queue of each VPort (NDIS: vmmq-send-and-receive-processing). One queue needs no hash."""
    placed, hashes = [], []
    for number in numbers:
        queues, parameters = tables.queues_of(number)
        index = 0
        if len(queues) > 1 and parameters is not None and hashed:
            hashes.append(rss.hash_frame(frame, parameters, take))
            index = take(rss.queue_index, hashes[-1], parameters)
        placed.append(take(_queue, number, queues, index))
    first = next((found for found in hashes if found is not None), None)
    return NicVerdict(vlan, tuple(placed), vfs=vfs, spread=bool(hashes), hash=first)


@explained("NDIS: vmmq-send-and-receive-processing", words.queue)
def _queue(number: int, queues: tuple[int, ...], index: int) -> ToQueue:
    """A VPort's queue, by its number inside the VPort."""
    return ToQueue(number, queues[index], index)


@explained("X550 7.8.3.4", words.local_switch)
def _local_switch(tables: Tables) -> bool:
    """Whether what a VM sends is switched in the adapter."""
    return tables.local_switch


@explained("X550 7.8.3.4", words.loopback)
def _loopback(tables: Tables) -> bool:
    """Whether a frame may stay inside (PFDTXGSWC.LBE): a VEB's may, a VEPA's may not."""
    return tables.loopback
