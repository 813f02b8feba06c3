"""The uplink: the adapter's external port, and the wire to the outside (`wires` says what that may be).

    ext: wire0 ===veth=== wire :<lab>-nic --eswitch (eBPF)--> pf0, a TAP

`pf0` carries the adapter's RX rings; the sorter picks one before any of our code runs. What is written into
one of them leaves on the wire.
"""

from typing import Final

from netns import links
from netns.lab import Lab
from vmdqemu.config import LabConfig
from vmdqemu.config_wire import WireConfig
from vmdqemu.datapath import eswitch_rules, tap, wires
from vmdqemu.datapath.eswitch import Direction, Eswitch
from vmdqemu.datapath.sorter import Sorter
from vmdqemu.datapath.tap import Tap
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.tables import Tables

PF: Final = "pf0"


class Uplink:
    """The external port of one lab."""

    def __init__(self, ns: str, pf: Tap, eswitch: Eswitch, sorter: Sorter | None, lab: Lab) -> None:
        """ns: the adapter's; sorter: None where decide() sorts; lab: takes the undo of what is added."""
        self.pf = pf
        self.eswitch = eswitch
        self.sorter = sorter
        self._ns = ns
        self._lab = lab

    def from_wire(self) -> Direction:
        """Frames from the outside."""
        return self.eswitch.books(eswitch_rules.WIRE).entered

    def to_wire(self) -> Direction:
        """Frames that went out."""
        return self.eswitch.books(eswitch_rules.WIRE).left

    def grow(self, rings: int) -> None:
        """Have at least so many rings. None is ever closed."""
        more = tap.add_rings(self._ns, PF, max(0, rings - len(self.pf.fds)))
        if more:
            self._lab.push(tap.close, more)
            self.pf = self.pf._replace(fds=(*self.pf.fds, *more))


def make(config: LabConfig, wire: WireConfig, tables: Tables, lab: Lab) -> Uplink:
    """Build the wire and the uplink; the undo goes to `lab`."""
    nic, near = config.nic_namespace, wires.near_end(wire)
    lab.namespace(nic)
    wires.plug(config, wire, lab)
    adapter = config.adapter
    pf = tap.open_tap(nic, PF, rings=1, ring=adapter.ring, offloads=adapter.offloads, more_to_come=True)
    lab.push(tap.close, pf.fds)
    switch = Eswitch(tables)
    lab.push(switch.close)
    switch.connect(nic, near, PF)
    for ifname in (PF, near):
        links.up(nic, ifname, mtu=config.mtu)
    wires.settle(config, wire, lab)
    sorter = _sort(tables, pf, lab) if config.adapter.sorter == "kernel" else None
    made = Uplink(nic, pf, switch, sorter, lab)
    made.grow(rx_rings(config, tables))
    return made


def rx_rings(config: LabConfig, tables: Tables) -> int:
    """Rings of pf0: one for each RX queue, or one for all where decide() sorts in software.

    With a single queue the kernel never asks the sorter, so there are two at least where it sorts.
    """
    if tables.sort is Sort.NONE or config.adapter.sorter == "software":
        return 1
    queues = (*tables.default_queues, *(queue for vport in tables.vports.values() for queue in vport.queues))
    return max(2, 1 + max(queues))


def _sort(tables: Tables, pf: Tap, lab: Lab) -> Sorter:
    """Attach the sorter, before the second ring: without it the kernel spreads by a hash of its own."""
    sorter = Sorter(tables)
    lab.push(sorter.close)
    sorter.attach(pf.fds[0])
    return sorter
