"""The adapter's state: everything that was asked of it, as one value."""

from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

from vmdqemu.nic.coalescing import CoalescingFilter
from vmdqemu.nic.disciplines import Discipline
from vmdqemu.nic.filters import FilterKey, Vlan
from vmdqemu.nic.frame import HEADER_OCTETS
from vmdqemu.nic.models import Model
from vmdqemu.nic.moderation import OFF, Moderation
from vmdqemu.nic.modes import Mode
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.scaling_entity import Entity
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_QUEUE, DEFAULT_VPORT
from vmdqemu.nic.tunnel import VXLAN_PORT
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

    def free_queues(self, count: int) -> tuple[int, ...]:
        """The lowest numbers that nobody has: a VPort that comes or goes renumbers no other."""
        taken = {queue for vport in self.vports.values() for queue in vport.queues}
        first = len(self.default_queues)
        free = (queue for queue in range(first, first + len(taken) + count) if queue not in taken)
        return tuple(islice(free, count))


class Outcome(NamedTuple):
    """What became of a request."""

    adapter: Adapter
    status: Status
    number: int = 0  # of the VPort or filter made
    entries: tuple[Status, ...] = ()  # of each entry that was to be moved
    placement: Mapping[int, int] = {}  # RX queues that go to another processor


def lowest_free(taken: Mapping[int, object]) -> int:
    """The number of the next VPort or filter: from 1 up, those that were given back first."""
    return next(number for number in range(1, len(taken) + 2) if number not in taken)
