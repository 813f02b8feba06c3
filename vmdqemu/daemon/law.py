"""The books: our counters against the kernel's, which are read from the kernel.

At rest every equation holds exactly. A worker that was killed in the middle of a burst had read frames that
it could not book: how many is known from the kernel (`lost_in_crash`), and what became of them is bounded by
the bursts that were cut off.
"""

from typing import NamedTuple

from netns import counters as kernel_counters
from netns.counters import LinkCounters
from vmdqemu.daemon.plant import Plant, Port
from vmdqemu.datapath.shm import Counters
from vmdqemu.datapath.uplink import WIRE
from vmdqemu.nic.arbiter import BUDGET_FRAMES
from vmdqemu.nic.counters import Check, DropReason


class PortBooks(NamedTuple):
    """One port's two sets of books."""

    port: Port
    ours: dict[str, int]
    kernel: LinkCounters
    lost_in_crash: int

    @property
    def drops(self) -> dict[str, int]:
        """Frames read here and dropped, by reason; reasons that never came are left out."""
        return {str(reason): self.ours[reason] for reason in DropReason if self.ours[reason]}


def read(plant: Plant, counters: Counters, lost: dict[int, int]) -> list[PortBooks]:
    """Both sets of books of every port, the wire first."""
    return [
        PortBooks(
            port,
            counters.port(port.number),
            kernel_counters.read(port.ns)[port.ifname],
            lost.get(port.number, 0),
        )
        for port in plant.all_ports
    ]


def unrecorded_reads(plant: Plant, counters: Counters, numbers: tuple[int, ...]) -> dict[int, int]:
    """Frames that the kernel handed out on ports which nobody reads now, and that nobody booked."""
    ports = [port for port in plant.all_ports if port.number in numbers]
    return {
        port.number: kernel_counters.read(port.ns)[port.ifname].tx_packets
        - counters.port(port.number)["reads"]
        for port in ports
    }


def checks(plant: Plant, books: list[PortBooks], crashes: int) -> list[Check]:
    """Every equation of the law, with both sides."""
    cut_off = crashes * BUDGET_FRAMES * len(books)
    found = []
    for entry in books:
        name = entry.port.name
        reads = entry.ours["reads"] + entry.lost_in_crash
        found.append(Check(f"{name}: tx_packets = reads + lost_in_crash", entry.kernel.tx_packets, reads))
        found.append(
            Check(f"{name}: rx_packets = writes", entry.kernel.rx_packets, entry.ours["writes"], cut_off)
        )
    total = {column: sum(entry.ours[column] for entry in books) for column in ("reads", "copies", "writes")}
    drops = sum(sum(entry.drops.values()) for entry in books)
    arrived, left = total["reads"] + total["copies"], total["writes"] + drops
    found.append(Check("core: reads + copies = writes + drops", arrived, left, cut_off))
    return found + _uplink_checks(plant, books, cut_off)


def _uplink_checks(plant: Plant, books: list[PortBooks], cut_off: int) -> list[Check]:
    """What the eswitch redirected against both of its neighbours, in skbs and in wire frames."""
    if plant.uplink is None:
        return []
    pf = books[0]
    wire = kernel_counters.read(plant.config.nic_namespace)[WIRE]
    inward, outward = plant.uplink.from_wire(), plant.uplink.to_wire()
    ring = pf.kernel.tx_packets + pf.kernel.tx_dropped
    found = [
        Check("wire: rx_packets = eswitch from wire", wire.rx_packets, inward.skbs),
        Check("pf0: eswitch from wire = tx_packets + tx_dropped", inward.skbs, ring),
        Check("pf0: rx_packets = eswitch to wire", pf.kernel.rx_packets, outward.skbs),
        Check("wire: eswitch to wire = tx_packets", outward.skbs, wire.tx_packets),
        Check(
            "wire frames: eswitch to wire = written", outward.wire_frames, pf.ours["write_wire"], cut_off * 64
        ),
    ]
    if pf.kernel.tx_dropped == 0 and pf.lost_in_crash == 0:
        found.append(Check("wire frames: eswitch from wire = read", inward.wire_frames, pf.ours["read_wire"]))
    return found
