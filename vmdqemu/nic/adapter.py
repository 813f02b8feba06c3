"""The control model. apply(adapter, request) is the only way an adapter's state changes.

A request is an NDIS object identifier's (OID's) worth of change. It is carried out whole or refused with a
status by its NDIS name, and a refused request returns the very same adapter.
"""

from collections.abc import Mapping
from itertools import groupby, islice
from typing import NamedTuple

from vmdqemu.nic import rss_requests
from vmdqemu.nic.coalescing import MOST_FILTERS, CoalescingFilter
from vmdqemu.nic.disciplines import Discipline
from vmdqemu.nic.filters import FilterKey, Vlan, is_vlan
from vmdqemu.nic.frame import HEADER_OCTETS, is_multicast
from vmdqemu.nic.models import Model
from vmdqemu.nic.moderation import OFF, Moderation
from vmdqemu.nic.modes import Mode, Sort
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.rss_requests import MoveEntries, Scaled, SetRss, SetScaling
from vmdqemu.nic.scaling_entity import Entity
from vmdqemu.nic.share import Share
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_QUEUE, DEFAULT_VPORT, Tables, VPortTable
from vmdqemu.nic.tunnel import NO_TUNNELS, VXLAN_PORT, Tunnels
from vmdqemu.nic.vport import VPort


class Filter(NamedTuple):
    """A receive filter of a VPort."""

    vport: int
    mac: bytes
    vlan: Vlan

    @property
    def key(self) -> FilterKey:
        """What a frame is compared with."""
        return self.mac, self.vlan


class Adapter(NamedTuple):
    """Everything that was asked of the adapter."""

    model: Model
    mode: Mode
    mtu: int
    wire: bool
    local_switch: bool = False
    arbiter: Discipline = Discipline.DEFICIT
    vxlan_port: int = VXLAN_PORT
    shared_memory: bool = True  # a VM's queue may receive into the VM's memory
    lookahead: int = HEADER_OCTETS  # octets of each frame that it then receives into the host's
    default_queue_pairs: int = 1  # of the default VPort (NDIS: DefaultPFVPort.NumQueuePairs)
    default_rss: Rss | None = None  # of the default VPort; None: an even spread
    default_scaling: Entity | None = None
    moderation: Moderation = OFF  # of a queue that was given none of its own
    vports: Mapping[int, VPort] = {}
    filters: Mapping[int, Filter] = {}
    moderated: Mapping[int, Moderation] = {}  # by RX queue
    coalescing: Mapping[int, CoalescingFilter] = {}  # of the default queue; numbered among the filters

    @property
    def rx_queues(self) -> int:
        """RX queues in use, the default VPort's included."""
        return len(self.queues)

    @property
    def default_queues(self) -> tuple[int, ...]:
        """The default VPort's RX queues, DEFAULT_QUEUE first."""
        return tuple(range(DEFAULT_QUEUE, self.mode.default_queues(self.default_queue_pairs)))

    @property
    def queues(self) -> tuple[int, ...]:
        """Every RX queue in use."""
        return (
            *self.default_queues,
            *(queue for _, vport in sorted(self.vports.items()) for queue in vport.queues),
        )

    def vport(self, number: int) -> VPort | None:
        """A VPort by its number, the default one too."""
        return self.default_vport if number == DEFAULT_VPORT else self.vports.get(number)

    @property
    def default_vport(self) -> VPort:
        """The VPort of everything that no filter matches, and of native RSS."""
        queues, rss = self.default_queues, self.default_rss
        if rss is None and len(queues) > 1:
            rss = self.model.queue_rules.spread(len(queues), self.model.hash_types)
        return VPort("default", len(queues), None, False, rss, queues, self.default_scaling)


class CreateVPort(NamedTuple):
    """OID_NIC_SWITCH_CREATE_VPORT on the PF. NDIS assigns the lowest free number from 1 up."""

    name: str
    queue_pairs: int = 1
    vlan: Vlan = None
    spoof_check: bool = True
    rss: Rss | None = None  # None: an even spread, if it has several queue pairs


class DeleteVPort(NamedTuple):
    """OID_NIC_SWITCH_DELETE_VPORT. Its filters go first."""

    vport: int


class SetFilter(NamedTuple):
    """OID_RECEIVE_FILTER_SET_FILTER on a VPort."""

    vport: int
    mac: bytes
    vlan: Vlan = None


class ClearFilter(NamedTuple):
    """OID_RECEIVE_FILTER_CLEAR_FILTER."""

    filter: int


class SetCoalescing(NamedTuple):
    """OID_RECEIVE_FILTER_SET_FILTER of type PacketCoalescing; filter: 0 for a new one, else which."""

    tests: CoalescingFilter
    filter: int = 0
    queue: int = DEFAULT_QUEUE


class MoveFilter(NamedTuple):
    """OID_RECEIVE_FILTER_MOVE_FILTER: in one step, so that at no instant it has no owner, or two.

    NDIS moves between the default VPort and a VF's; the emulator between any two VMs' VPorts.
    """

    filter: int
    vport: int


class SetShare(NamedTuple):
    """On what terms a VPort's transmit queues are served (RTTDT1C, RTTBCNRC, TXDCTL.PRIORITY)."""

    vport: int
    share: Share


class SetMode(NamedTuple):
    """The emulator's own: what unbinding and binding again with other keywords does, without the loss."""

    mode: Mode


class SetModeration(NamedTuple):
    """How soon after an interrupt the next may follow (EITR; NDIS sets it with a VPort's parameters)."""

    queue: int | None  # None: all queues, and those to come
    moderation: Moderation


Request = (
    CreateVPort
    | DeleteVPort
    | SetFilter
    | ClearFilter
    | MoveFilter
    | SetCoalescing
    | SetRss
    | SetScaling
    | MoveEntries
    | SetMode
    | SetModeration
    | SetShare
)


class Outcome(NamedTuple):
    """What became of a request."""

    adapter: Adapter
    status: Status
    number: int = 0  # of the VPort or filter made
    entries: tuple[Status, ...] = ()  # of each entry that was to be moved
    placement: Mapping[int, int] = {}  # RX queues that go to another processor


def apply(adapter: Adapter, request: Request) -> Outcome:
    """Carry out one request, or refuse it and leave the adapter as it was."""
    match request:
        case CreateVPort():
            return _create_vport(adapter, request)
        case DeleteVPort():
            return _delete_vport(adapter, request)
        case SetFilter():
            return _set_filter(adapter, request)
        case ClearFilter():
            return _clear_filter(adapter, request)
        case SetCoalescing():
            return _set_coalescing(adapter, request)
        case MoveFilter():
            return _move_filter(adapter, request)
        case SetRss():
            return _set_rss(adapter, request)
        case SetShare():
            return _set_share(adapter, request)
        case SetScaling():
            return _set_scaling(adapter, request)
        case MoveEntries():
            return _move_entries(adapter, request)
        case SetMode():
            return _set_mode(adapter, request)
        case SetModeration():
            return _set_moderation(adapter, request)


def _lowest_free(taken: Mapping[int, object]) -> int:
    return next(number for number in range(1, len(taken) + 2) if number not in taken)


def _create_vport(adapter: Adapter, request: CreateVPort) -> Outcome:
    model = adapter.model
    if not 1 <= request.queue_pairs <= model.queue_pairs or not is_vlan(request.vlan):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if request.rss is not None and not rss_requests.is_held(request.rss, request.queue_pairs, model):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    more_queues = adapter.mode.rx_queues(request.queue_pairs)
    full = len(adapter.vports) + 1 == model.vports
    if full or adapter.rx_queues + more_queues > model.rx_queues:
        return Outcome(adapter, Status.RESOURCES)
    number = _lowest_free(adapter.vports)
    spread = request.rss
    if spread is None and request.queue_pairs > 1:
        spread = model.queue_rules.spread(request.queue_pairs, model.hash_types)
    queues = _free_queues(adapter, more_queues)
    vport = VPort(request.name, request.queue_pairs, request.vlan, request.spoof_check, spread, queues=queues)
    return Outcome(adapter._replace(vports={**adapter.vports, number: vport}), Status.SUCCESS, number)


def _without(held: Mapping[int, Moderation], queues: tuple[int, ...]) -> Mapping[int, Moderation]:
    return {queue: moderation for queue, moderation in held.items() if queue not in queues}


def _free_queues(adapter: Adapter, count: int) -> tuple[int, ...]:
    """The lowest numbers that nobody has: a VPort that comes or goes renumbers no other."""
    taken = {queue for vport in adapter.vports.values() for queue in vport.queues}
    first = len(adapter.default_queues)
    free = (queue for queue in range(first, first + len(taken) + count) if queue not in taken)
    return tuple(islice(free, count))


def _delete_vport(adapter: Adapter, request: DeleteVPort) -> Outcome:
    unknown = request.vport not in adapter.vports
    if unknown or any(held.vport == request.vport for held in adapter.filters.values()):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    vports = {number: vport for number, vport in adapter.vports.items() if number != request.vport}
    moderated = _without(adapter.moderated, adapter.vports[request.vport].queues)
    return Outcome(adapter._replace(vports=vports, moderated=moderated), Status.SUCCESS)


def _set_filter(adapter: Adapter, request: SetFilter) -> Outcome:
    """One owner a (MAC, VLAN): X550 7.8.3.3.1 wants at most one pool for a unicast address."""
    made = Filter(request.vport, request.mac, request.vlan)
    whole = len(request.mac) == 6 and not is_multicast(request.mac)
    taken = any(held.key == made.key for held in adapter.filters.values())
    if request.vport not in adapter.vports or not whole or not is_vlan(request.vlan) or taken:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if len(adapter.filters) == adapter.model.filters:
        return Outcome(adapter, Status.RESOURCES)
    number = _lowest_free({**adapter.filters, **adapter.coalescing})
    return Outcome(adapter._replace(filters={**adapter.filters, number: made}), Status.SUCCESS, number)


def _clear_filter(adapter: Adapter, request: ClearFilter) -> Outcome:
    if request.filter not in {*adapter.filters, *adapter.coalescing}:
        return Outcome(adapter, Status.FILE_NOT_FOUND)
    filters = {number: held for number, held in adapter.filters.items() if number != request.filter}
    kept = {number: held for number, held in adapter.coalescing.items() if number != request.filter}
    return Outcome(adapter._replace(filters=filters, coalescing=kept), Status.SUCCESS)


def _set_coalescing(adapter: Adapter, request: SetCoalescing) -> Outcome:
    """NDIS: specifying-a-packet-coalescing-receive-filter. On the default queue alone."""
    unknown = request.filter != 0 and request.filter not in adapter.coalescing
    if unknown or request.queue != DEFAULT_QUEUE or not request.tests.is_sound:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if request.filter == 0 and len(adapter.coalescing) == MOST_FILTERS:
        return Outcome(adapter, Status.RESOURCES)
    number = request.filter or _lowest_free({**adapter.filters, **adapter.coalescing})
    coalescing = {**adapter.coalescing, number: request.tests}
    return Outcome(adapter._replace(coalescing=coalescing), Status.SUCCESS, number)


def _move_filter(adapter: Adapter, request: MoveFilter) -> Outcome:
    held = adapter.filters.get(request.filter)
    if held is None or request.vport not in adapter.vports:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    filters = {**adapter.filters, request.filter: held._replace(vport=request.vport)}
    return Outcome(adapter._replace(filters=filters), Status.SUCCESS, request.filter)


def _set_rss(adapter: Adapter, request: SetRss) -> Outcome:
    vport = adapter.vport(request.vport)
    if vport is None or (request.vport == DEFAULT_VPORT and not vport.is_scaled):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    native = request.vport == DEFAULT_VPORT and adapter.mode.sort is not Sort.FILTERS
    return _scaled(
        adapter, request.vport, rss_requests.set_rss(vport, request, adapter.model, fixed=not native)
    )


def _set_scaling(adapter: Adapter, request: SetScaling) -> Outcome:
    vport = adapter.vport(request.vport)
    if vport is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    return _scaled(adapter, request.vport, rss_requests.set_scaling(vport, request, adapter.model))


def _move_entries(adapter: Adapter, request: MoveEntries) -> Outcome:
    """Group by group; each succeeds or fails by itself and as a whole."""
    status = rss_requests.readable(request)
    if status is not Status.SUCCESS:
        return Outcome(adapter, status)
    entries: list[Status] = []
    placement: dict[int, int] = {}
    for number, group in groupby(request.moves, key=lambda entry: entry.vport):
        moves = tuple(group)
        outcome = _move_group(adapter, number, request._replace(moves=moves).served(placement))
        adapter = outcome.adapter
        entries += [outcome.status] * len(moves)
        placement.update(outcome.placement)
    return Outcome(adapter, Status.SUCCESS, entries=tuple(entries), placement=placement)


def _move_group(adapter: Adapter, number: int, request: MoveEntries) -> Outcome:
    vport = adapter.vport(number)
    if vport is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    return _scaled(adapter, number, rss_requests.move_group(vport, request, adapter.model))


def _scaled(adapter: Adapter, number: int, scaled: Scaled) -> Outcome:
    """The adapter with a VPort whose RSS was to be changed."""
    if scaled.status is not Status.SUCCESS:
        return Outcome(adapter, scaled.status)
    vport = scaled.vport
    if vport.rss is not None and not adapter.model.queue_rules.own_table:
        adapter = _share(adapter, vport.rss)
    if number == DEFAULT_VPORT:
        changed = adapter._replace(default_rss=vport.rss, default_scaling=vport.scaling)
    else:
        changed = adapter._replace(vports={**adapter.vports, number: vport})
    return Outcome(changed, Status.SUCCESS, placement=scaled.placement)


def _share(adapter: Adapter, rss: Rss) -> Adapter:
    """The 82599 has one key and one table for all pools; a pool masks an entry to its queues (X550 7.1.3)."""

    def masked(vport: VPort) -> Rss | None:
        if vport.rss is None:
            return None
        return rss._replace(table=tuple(entry % vport.queue_pairs for entry in rss.table), default=0)

    vports = {number: vport._replace(rss=masked(vport)) for number, vport in adapter.vports.items()}
    return adapter._replace(vports=vports, default_rss=masked(adapter.default_vport))


def _set_share(adapter: Adapter, request: SetShare) -> Outcome:
    """The state has the terms that the chip keeps, such as a rate as its factor has it."""
    vport = adapter.vports.get(request.vport)
    if vport is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    try:
        settled = adapter.model.arbiter.settle(request.share)
    except ValueError:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    vports = {**adapter.vports, request.vport: vport._replace(share=settled)}
    return Outcome(adapter._replace(vports=vports), Status.SUCCESS)


def _set_mode(adapter: Adapter, request: SetMode) -> Outcome:
    """Queues are numbered anew, in VPort order behind the default VPort's; what was set of one is gone."""
    changed = adapter._replace(
        mode=request.mode, vports={}, moderated={}, default_rss=None, default_scaling=None
    )
    for number, vport in sorted(adapter.vports.items()):
        queues = _free_queues(changed, request.mode.rx_queues(vport.queue_pairs))
        again = vport._replace(queues=queues, scaling=None)
        changed = changed._replace(vports={**changed.vports, number: again})
    if changed.rx_queues > adapter.model.rx_queues:
        return Outcome(adapter, Status.RESOURCES)
    return Outcome(changed, Status.SUCCESS)


def _set_moderation(adapter: Adapter, request: SetModeration) -> Outcome:
    try:
        interval = adapter.model.moderation.settle(request.moderation.interval)
    except ValueError:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    settled = request.moderation._replace(interval=interval)
    if request.queue is None:
        return Outcome(adapter._replace(moderation=settled, moderated={}), Status.SUCCESS)
    if request.queue not in adapter.queues:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    moderated = {**adapter.moderated, request.queue: settled}
    return Outcome(adapter._replace(moderated=moderated), Status.SUCCESS)


def compile_tables(adapter: Adapter, generation: int) -> Tables:
    """The registers in effect."""
    filters = sorted(adapter.filters.items())
    vports = {}
    for number, vport in sorted(adapter.vports.items()):
        macs = tuple(held.mac for _, held in filters if held.vport == number)
        vports[number] = VPortTable(
            vport.name, macs, vport.vlan, vport.spoof_check, vport.queues, vport.queue_pairs, vport.spread
        )
    return Tables(
        generation=generation,
        sort=adapter.mode.sort,
        lookup=adapter.mode.lookup,
        copy=adapter.mode.copy or not (adapter.mode.lookup or adapter.shared_memory),
        processors=adapter.mode.processors,
        lookahead=adapter.lookahead,
        local_switch=adapter.local_switch and adapter.mode.sort is Sort.FILTERS,
        wire=adapter.wire,
        mtu=adapter.mtu,
        tunnels=Tunnels(adapter.vxlan_port, nvgre=True) if adapter.model.inner_headers else NO_TUNNELS,
        default_queues=adapter.default_queues,
        default_rss=adapter.default_vport.spread,
        moderation={queue: adapter.moderated.get(queue, adapter.moderation) for queue in adapter.queues},
        coalescing=adapter.coalescing,
        filters={held.key: held.vport for _, held in filters},
        vports=vports,
    )
