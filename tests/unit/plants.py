"""Plants that nobody built: what the daemon's books are kept of, with a kernel's counters made up."""

from netns.counters import LinkCounters
from netns.lab import Lab, Parts
from netns.namespace import NamespaceMissing
from vmdqemu.config import LabConfig, parse
from vmdqemu.config_adapter import describe
from vmdqemu.daemon.plant import Plant, Port
from vmdqemu.datapath import shm
from vmdqemu.datapath.tap import WITH_USO, Tap
from vmdqemu.host.processors import Placing
from vmdqemu.nic.adapter import compile_tables

NO_FRAMES = LinkCounters(0, 0, 0, 0, 0, 0, 0, 0)


def plant(text: str, *, processors: int = 0) -> Plant:
    """A lab without a wire; processors: that have an inbox all the same."""
    config: LabConfig = parse(text, "lab")
    adapter = describe(config)
    ports = tuple(
        Port(number, vm.name, vm.name, "eth0", Tap(tuple(range(vm.queues)), WITH_USO))
        for number, vm in enumerate(config.vms, start=1)
    )
    tables = compile_tables(adapter, 1)
    inboxes = tuple(range(processors))
    layout = shm.Layout(2, (0, *(len(port.tap.fds) for port in ports)), adapter.rx_queues, processors)
    placing = Placing((0,))
    placement = placing.place(tables)
    return Plant(config, adapter, tables, ports, None, placing, placement, inboxes, layout, -1, Parts(Lab()))


def counters(plant: Plant) -> shm.Counters:
    """All zero."""
    return shm.Counters(plant.layout, memoryview(bytearray(plant.layout.octets)).cast("Q"))


class Kernel:
    """What netns.counters reads: links of each namespace. One that is not here is missing."""

    def __init__(self, plant: Plant) -> None:
        self.links = {port.ns: {port.ifname: NO_FRAMES} for port in plant.ports}

    def set(self, ns: str, **counts: int) -> None:
        """Change the counters of a namespace's eth0."""
        self.links[ns]["eth0"] = self.links[ns]["eth0"]._replace(**counts)

    def read(self, ns: str) -> dict[str, LinkCounters]:
        """In place of netns.counters.read."""
        if ns not in self.links:
            raise NamespaceMissing(ns)
        return self.links[ns]
