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
from vmdqemu.nic.modes import Mode, Sort
from vmdqemu.nic.packet_filter import PROMISCUOUS, PacketFilter
from vmdqemu.nic.pools import PortSettings
from vmdqemu.nic.queue_states import QueueState
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.scaling_entity import Entity
from vmdqemu.nic.status import Status
from vmdqemu.nic.switch_objects import NicSwitch, Vf
from vmdqemu.nic.tables import DEFAULT_QUEUE, DEFAULT_VPORT
from vmdqemu.nic.tunnel import VXLAN_PORT
from vmdqemu.nic.vm_queue import VSWITCH, VmQueue
from vmdqemu.nic.vport import PF, DefaultVPort, VPort
from vmdqemu.nic.vport_states import VPortState


class Filter(NamedTuple):
    """A receive filter of a VPort, or of a queue."""

    vport: int
    mac: bytes
    vlan: Vlan
    queue: int | None = None  # a VM queue of that VM, or the default queue; None: the VPort's queues
    owner: str = VSWITCH  # who set it; nobody else clears or moves it
    inside: bool = False  # compared with the frame inside of a tunnel (PACKET_ENCAPSULATION)

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
    local_switch: bool = False  # what VMs send is the adapter's to switch, not the vSwitch's
    loopback: bool = True  # it may stay inside (PFDTXGSWC.LBE)
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
    switch: NicSwitch | None = NicSwitch()  # None: a VM's frames are placed by VM queues, not by VPorts
    vm_queues: Mapping[int, VmQueue] = {}
    vfs: Mapping[int, Vf] = {}
    packet_filter: PacketFilter = PROMISCUOUS
    vlan_filtering: bool = True  # *VMQVlanFiltering
    any_vlan: bool = False  # takes filters that test the MAC address alone (AnyVlanSupported)
    pf: DefaultVPort = DefaultVPort()
    port: PortSettings = PortSettings()

    @property
    def rx_queues(self) -> int:
        """RX queues in use, the default VPort's included."""
        return len(self.queues)

    @property
    def vf_queues(self) -> int:
        """RX queues of VFs, which have them whatever the mode of the PF is."""
        return sum(vport.queue_pairs for vport in self.vports.values() if vport.function is not PF)

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
            *sorted(self.running),
        )

    def vport(self, number: int) -> VPort | None:
        """A VPort by its number, the default one too."""
        return self.default_vport if number == DEFAULT_VPORT else self.vports.get(number)

    def vport_on(self, vf: int) -> int | None:
        """The number of the VPort that is on a VF."""
        return next((number for number, vport in self.vports.items() if vport.function == vf), None)

    @property
    def default_vport(self) -> VPort:
        """The VPort of everything that no filter matches, and of native RSS."""
        queues, rss = self.default_queues, self.default_rss
        if rss is None and len(queues) > 1:
            rss = self.model.queue_rules.spread(len(queues), self.model.hash_types)
        pf = self.pf
        return VPort(pf.name, len(queues), None, False, rss, queues, self.default_scaling, pool=pf.pool)

    @property
    def running(self) -> Mapping[int, VmQueue]:
        """The VM queues that frames are placed in."""
        if self.mode.sort is not Sort.FILTERS:
            return {}
        return {
            number: queue for number, queue in self.vm_queues.items() if queue.state is QueueState.RUNNING
        }

    def queues_of(self, number: int) -> tuple[int, ...]:
        """A VM's RX queues: those of its VPort, or its VM queue if that runs."""
        running = (queue for queue, held in sorted(self.running.items()) if held.vport == number)
        return self.vports[number].queues or tuple(running)

    def in_effect(self, held: Filter) -> bool:
        """Whether frames that pass a filter are placed by it: not one of a queue that does not run yet."""
        if held.vport == DEFAULT_VPORT:
            return True
        if held.queue is not None:
            return held.queue in self.running
        return self.vports[held.vport].state is VPortState.ACTIVATED

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
    number: int = 0  # of the VPort, filter, queue or VF made
    entries: tuple[Status, ...] = ()  # of each element of a batch
    placement: Mapping[int, int] = {}  # RX queues that go to another processor
    why: str = ""  # what of the model forbids it, if there is more to say than the status
    words: tuple[int, ...] = ()  # the PF's answer to a VF


def lowest_free(taken: Mapping[int, object]) -> int:
    """The number of the next VPort or filter: from 1 up, those that were given back first."""
    return next(number for number in range(1, len(taken) + 2) if number not in taken)
