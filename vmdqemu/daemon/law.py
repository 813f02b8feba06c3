"""The books: our counters against the kernel's, which are read from the kernel.

At rest every equation holds exactly. A worker that was killed in the middle of a burst had read frames that
it could not book (`lost_in_crash`): how many is known from the kernel, and no more than the bursts that were
cut off. A device that was removed took the kernel's books with it; what a VM that is gone sent and
received stays in the core's.
"""

from typing import NamedTuple

from netns import counters as kernel_counters
from netns.counters import LinkCounters
from netns.namespace import NamespaceMissing
from vmdqemu.daemon.plant import Plant, Port
from vmdqemu.datapath import eswitch_rules
from vmdqemu.datapath.eswitch import Books, Eswitch
from vmdqemu.datapath.shm import Counters, Row
from vmdqemu.datapath.wires import WIRE
from vmdqemu.nic.counters import Check, DropReason
from vmdqemu.nic.disciplines import BUDGET_FRAMES


class PortBooks(NamedTuple):
    """One port's two sets of books."""

    port: Port
    ours: Row
    kernel: LinkCounters | None  # None: the device was removed
    crashes: int  # of workers that served it

    @property
    def totals(self) -> Row:
        """Ours, and those of the labs that the VM was in before: the kernel's go on when a VM moves."""
        return self.port.booked(self.ours)

    @property
    def lost_in_crash(self) -> int:
        """Frames that workers had read and not booked when they died; at rest."""
        if self.kernel is None or self.port.books is None or not self.crashes:
            return 0
        return self.kernel.tx_packets - self.totals["reads"]

    @property
    def drops(self) -> dict[str, int]:
        """Frames read here and dropped, by reason; reasons that never came are left out."""
        totals = self.totals
        return {str(reason): totals[reason] for reason in DropReason if totals[reason]}


def read(plant: Plant, counters: Counters, crashes: int) -> list[PortBooks]:
    """Both sets of books of every port, the wire first."""
    return [
        PortBooks(
            port,
            counters.port(port.number, len(port.tap.fds)),
            _kernel(port.ns, port.ifname),
            crashes + port.crashes,
        )
        for port in plant.all_ports
    ]


def _kernel(ns: str, ifname: str) -> LinkCounters | None:
    try:
        return kernel_counters.read(ns).get(ifname)
    except NamespaceMissing:
        return None


def checks(plant: Plant, books: list[PortBooks], inboxes: Row, closed: Row) -> list[Check]:
    """Every equation of the law, with both sides.

    inboxes: the counters of all of them, added up; closed: the books of VMs that are gone.
    """
    cut_off = books[0].crashes * BUDGET_FRAMES * len(books)
    found = []
    for entry in books:
        if entry.kernel is not None and entry.port.books is not None:
            found += _port_checks(entry, entry.kernel, entry.crashes * BUDGET_FRAMES * len(books))
    rows = [*(entry.ours for entry in books), inboxes, closed]
    arrived = sum(row["reads"] + row["copies"] for row in rows)
    left = sum(row["writes"] + sum(row[reason] for reason in DropReason) for row in rows)
    found.append(Check("core: reads + copies = writes + drops", arrived, left, cut_off))
    if plant.inboxes:
        found.append(Check("inboxes: writes = reads", inboxes["writes"], inboxes["reads"], cut_off))
    return found + _uplink_checks(plant, books, cut_off)


def _port_checks(entry: PortBooks, kernel: LinkCounters, cut_off: int) -> list[Check]:
    name, totals = entry.port.name, entry.totals
    return [
        Check(f"{name}: tx_packets = reads", kernel.tx_packets, totals["reads"], cut_off),
        Check(f"{name}: rx_packets = writes", kernel.rx_packets, totals["writes"], cut_off),
    ]


def _uplink_checks(plant: Plant, books: list[PortBooks], cut_off: int) -> list[Check]:
    """What the eswitch let through against its neighbours' books, in skbs and in wire frames."""
    if plant.uplink is None:
        return []
    ours, kernel = books[0], books[0].kernel
    if kernel is None:
        return []
    outside, pf = plant.uplink.eswitch.books(eswitch_rules.WIRE), plant.uplink.eswitch.books(eswitch_rules.PF)
    ring = kernel.tx_packets + kernel.tx_dropped
    # Without offloads the kernel cuts every superframe up between the eswitch and the ring.
    arrived = pf.left.skbs if plant.config.adapter.offloads else pf.left.wire_frames
    found = [
        Check("pf0: eswitch to pf0 = tx_packets + tx_dropped", arrived, ring),
        Check("pf0: rx_packets = eswitch from pf0", kernel.rx_packets, pf.entered.skbs),
        Check(
            "wire frames: eswitch from pf0 = written",
            pf.entered.wire_frames,
            ours.ours["write_wire"],
            cut_off * 64,
        ),
    ]
    if kernel.tx_dropped == 0 and ours.lost_in_crash == 0:
        found.append(Check("wire frames: eswitch to pf0 = read", pf.left.wire_frames, ours.ours["read_wire"]))
    return [*found, *_wire_checks(plant, outside), *eswitch_checks(plant.uplink.eswitch)]


def _wire_checks(plant: Plant, books: Books) -> list[Check]:
    """A veth counts skbs as the eswitch does. What a NIC counts is its driver's choice."""
    if plant.config.wire is None or plant.config.wire.interface is not None:
        return []
    wire = _kernel(plant.config.nic_namespace, WIRE)
    if wire is None:
        return []
    return [
        Check("wire: rx_packets = eswitch from wire", wire.rx_packets, books.entered.skbs),
        Check("wire: eswitch to wire = tx_packets", books.left.skbs, wire.tx_packets),
    ]


def eswitch_checks(switch: Eswitch) -> list[Check]:
    """What entered the eswitch left it, and is what the VFs' cables carried."""
    every = switch.all_books
    came = sum(port.entered.skbs + port.copies for port in every)
    went = sum(port.left.skbs + sum(port.drops.values()) for port in every)
    found = [Check("eswitch: entered + copies = left + drops", came, went)]
    for vf, cable in sorted(switch.plugged.items()):
        now, before = switch.counters(vf), cable.before
        sides = (
            (cable.near, now.entered.skbs - before.entered.skbs),
            (cable.far, now.left.skbs - before.left.skbs),
        )
        for end, counted in sides:
            if (kernel := _kernel(*end)) is not None:
                found.append(Check(f"VF {vf}: {end.ifname} rx_packets = eswitch", kernel.rx_packets, counted))
    return found
