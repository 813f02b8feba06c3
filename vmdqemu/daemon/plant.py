"""The plant: a lab as it was built, before any process serves it.

All netlink work is done here, before the event loop runs (pyroute2 brings a loop of its own). Ports are
numbered: 0 is the wire, a VM's port has its VPort's number.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from netns import links, signals
from netns.lab import Lab, Parts
from vmdqemu.config import LabConfig, VmConfig
from vmdqemu.config_adapter import describe
from vmdqemu.config_values import MOST_CHANNELS, MOST_VMS
from vmdqemu.daemon.runtime import Record
from vmdqemu.datapath import arena, inbox, shm, tap, uplink, wires
from vmdqemu.datapath.inbox import INBOX
from vmdqemu.datapath.tap import Tap
from vmdqemu.datapath.uplink import Uplink
from vmdqemu.datapath.vf_device import VfDevice
from vmdqemu.host.migration import Terms
from vmdqemu.host.processors import BASE_PROCESSOR, Placement, Placing
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.adapter import Adapter, compile_tables
from vmdqemu.nic.frame import format_mac
from vmdqemu.nic.tables import Tables
from vmdqemu.nic.vport import Serving

GUEST_LINK = "eth0"  # a VM's interface, in every mode

RingName = tuple[int, int]  # port, ring


@dataclass(frozen=True, slots=True)
class Port:
    """One port of the adapter and the device behind it."""

    number: int
    name: str  # of the VM, or "wire"
    ns: str
    ifname: str
    tap: Tap
    arena: int | None = None  # file descriptor of the VM's memory
    # What other labs counted that the VM was in; None: one was killed, and its books went with it.
    books: Mapping[str, int] | None = field(default_factory=dict)
    crashes: int = 0  # of workers there

    def booked(self, counts: Mapping[str, int]) -> dict[str, int]:
        """Counts of ours, and those of other labs."""
        others = self.books or {}
        return {name: count + others.get(name, 0) for name, count in counts.items()}

    @property
    def rings(self) -> tuple[RingName, ...]:
        """Its rings."""
        return tuple((self.number, ring) for ring in range(len(self.tap.fds)))


@dataclass(slots=True)
class Plant:
    """Everything that was built for a lab, and the state of its adapter."""

    config: LabConfig
    adapter: Adapter
    tables: Tables
    ports: tuple[Port, ...]  # VMs; the wire's is uplink's
    uplink: Uplink | None
    placing: Placing
    placement: Placement
    inboxes: tuple[int, ...]  # one a processor
    layout: shm.Layout
    counters: int  # file descriptor
    parts: Parts  # the undo of each VM, by name
    vfs: dict[str, VfDevice] = field(default_factory=dict)  # by VM

    def replace(self, port: Port) -> None:
        """Put a port in the place of the one that has its number."""
        self.ports = tuple(port if other.number == port.number else other for other in self.ports)

    @property
    def wire(self) -> Port | None:
        """The external port."""
        if self.uplink is None:
            return None
        return Port(0, "wire", self.config.nic_namespace, uplink.PF, self.uplink.pf)

    @property
    def line(self) -> float | None:
        """What the wire carries each way, in octets a second; None for no limit."""
        return None if self.config.wire is None else _octets_a_second(self.config.wire.rate)

    @property
    def serving(self) -> Serving:
        """The processors that may serve RX queues, and who serves each."""
        return Serving(frozenset(self.placing.processors), self.placement)

    @property
    def ring_fds(self) -> dict[tuple[int, int], int]:
        """Every kernel ring by port and ring, the inboxes too."""
        fds = {port.number: port.tap.fds for port in self.all_ports} | {INBOX: self.inboxes}
        return {(port, ring): fd for port, rings in fds.items() for ring, fd in enumerate(rings)}

    def rings_of(self, processor: int) -> tuple[RingName, ...]:
        """The rings that a processor serves: its share of pf0's, and its inbox."""
        if self.uplink is None:
            return ()
        rings = range(len(self.uplink.pf.fds))
        mine = [(WIRE, ring) for ring in rings if self.placement.get(ring, BASE_PROCESSOR) == processor]
        return (*mine, (INBOX, processor))

    @property
    def namespaces(self) -> tuple[str, ...]:
        """Every namespace of the lab; a VM that came from another one keeps the name that it had there."""
        of_vms = {self.config.namespace(vm) for vm in self.config.vms}
        others = (name for name in namespaces(self.config) if name not in of_vms)
        return (*others, *(port.ns for port in self.ports))

    @property
    def all_ports(self) -> tuple[Port, ...]:
        """The wire, if there is one, and the VMs."""
        return self.ports if self.wire is None else (self.wire, *self.ports)


def record(config: LabConfig, pid: int, file: str) -> Record:
    """What this lab is about to make and to borrow. Raises NetnsError for a NIC that cannot be lent."""
    loan = None if config.wire is None else wires.loan(config, config.wire)
    return Record(config.name, pid, file, namespaces(config), loan)


def namespaces(config: LabConfig) -> tuple[str, ...]:
    """Every namespace of a lab."""
    wire = config.wire
    nic = () if wire is None else (config.nic_namespace,)
    ext = () if wire is None or wire.leads_away else (config.ext_namespace,)
    machines = map(config.namespace, config.machines)
    return tuple(dict.fromkeys((*nic, *ext, *machines)))  # a host that is alone outside lives in `ext`


def terms(config: LabConfig) -> Terms:
    """What a lab's VMs rely on."""
    return Terms(config.name, config.wire is not None, config.mtu, config.adapter.offloads)


def build(config: LabConfig, lab: Lab) -> Plant:
    """Build a lab; every undo goes to `lab`. Raises LabFileError, Missing, LinkError.

    A signal that waits is heeded between two VMs: KeyboardInterrupt.
    """
    adapter = describe(config)
    tables = compile_tables(adapter, generation=1)
    external = uplink.make(config, config.wire, tables, lab) if config.wire else None
    placing = config.host.placing
    inboxes = _make_inboxes(config.host.processors, lab) if external else ()
    layout = _layout(adapter, len(inboxes), config)
    counters = shm.create(layout)
    lab.push(tap.close, (counters,))
    parts = Parts(lab)
    ports: list[Port] = []
    for number, vm in enumerate(config.vms, start=1):
        signals.heed()
        ports.append(build_vm(number, vm, config, parts.add(vm.name)))
    placement = placing.place(tables)
    return Plant(
        config, adapter, tables, tuple(ports), external, placing, placement, inboxes, layout, counters, parts
    )


def _make_inboxes(processors: int, lab: Lab) -> tuple[int, ...]:
    made = tuple(inbox.make() for _ in range(processors))
    lab.push(tap.close, made)
    return made


def _layout(adapter: Adapter, inboxes: int, config: LabConfig) -> shm.Layout:
    """Room for every VM that may come; memory that nobody writes to takes no place."""
    queues = adapter.model.rx_queues
    rings = (queues, *[MOST_CHANNELS] * MOST_VMS)
    return shm.Layout(1 + config.host.processors, rings, queues, inboxes)


def build_vm(number: int, vm: VmConfig, config: LabConfig, lab: Lab) -> Port:
    """A namespace with a TAP in it; every undo goes to `lab`. Raises NetnsError, Missing."""
    ns = config.namespace(vm)
    lab.namespace(ns, ipv6=vm.ipv6)
    device = tap.open_tap(
        ns, GUEST_LINK, rings=vm.queues, ring=config.adapter.ring, offloads=config.adapter.offloads
    )
    lab.push(tap.close, device.fds)
    memory = arena.create(1 + config.host.processors)
    lab.push(tap.close, (memory,))
    links.set_mac(ns, GUEST_LINK, format_mac(vm.mac))
    links.up(ns, GUEST_LINK, mtu=config.mtu)
    for address in vm.addresses:
        links.add_address(ns, GUEST_LINK, address)
    return Port(number, vm.name, ns, GUEST_LINK, device, memory)


def _octets_a_second(mbit: float | None) -> float | None:
    return None if mbit is None else mbit * 1e6 / 8
