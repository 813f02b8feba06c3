"""Statistics: what was counted, by the names of each chip's driver and registers.

A chip's byte counters go from the destination address to the FCS, which a TAP's frame has not: 4 octets more
a frame. What its driver counts per queue has no FCS (X550 8.2; igb_ethtool.c, ixgbe_ethtool.c). Names that
nothing here could ever move, such as those of the physical layer, are left out.
"""

from collections.abc import Mapping
from operator import attrgetter, sub
from typing import Final, NamedTuple

FCS_OCTETS: Final = 4


class Traffic(NamedTuple):
    """Good frames in one direction of the wire. Octets are without FCS."""

    frames: int = 0
    octets: int = 0
    multicast: int = 0
    broadcast: int = 0

    @property
    def octets_with_fcs(self) -> int:
        """As the chips count."""
        return self.octets + FCS_OCTETS * self.frames

    @property
    def groups(self) -> int:
        """Multicast and broadcast (82598: MPRC has both, which its driver takes apart)."""
        return self.multicast + self.broadcast


class QueueTraffic(NamedTuple):
    """One queue's wire frames. Octets are without FCS."""

    packets: int = 0
    octets: int = 0
    drops: int = 0


class VfTraffic(NamedTuple):
    """What a VF received and sent. Looped frames came from inside the adapter, or stayed there."""

    received: Traffic = Traffic()
    sent: Traffic = Traffic()
    received_looped: Traffic = Traffic()
    sent_looped: Traffic = Traffic()

    @property
    def received_by_wire(self) -> Traffic:
        """Without the looped ones."""
        return Traffic(*map(sub, self.received, self.received_looped))

    @property
    def sent_by_wire(self) -> Traffic:
        """Without the looped ones."""
        return Traffic(*map(sub, self.sent, self.sent_looped))


class Snapshot(NamedTuple):
    """All that the statistics are made of, at one moment."""

    seen: int = 0  # frames that came on the wire, good or not
    received: Traffic = Traffic()
    sent: Traffic = Traffic()
    too_long: int = 0
    too_short: int = 0
    spoofed: Mapping[int, int] = {}  # frames by the VPort that sent them
    rx: Mapping[int, QueueTraffic] = {}  # by queue
    tx: Mapping[int, QueueTraffic] = {}
    vfs: Mapping[int, VfTraffic] = {}

    def since(self, earlier: "Snapshot") -> "Snapshot":
        """What came on top of an earlier one."""
        return Snapshot(
            self.seen - earlier.seen,
            Traffic(*map(sub, self.received, earlier.received)),
            Traffic(*map(sub, self.sent, earlier.sent)),
            self.too_long - earlier.too_long,
            self.too_short - earlier.too_short,
            {vport: _since(count, earlier.spoofed.get(vport, 0)) for vport, count in self.spoofed.items()},
            {number: _more(queue, earlier.rx.get(number)) for number, queue in self.rx.items()},
            {number: _more(queue, earlier.tx.get(number)) for number, queue in self.tx.items()},
            self.vfs,
        )

    @property
    def wrong_length(self) -> int:
        """Frames that are too short or too long."""
        return self.too_short + self.too_long

    @property
    def all_rx(self) -> QueueTraffic:
        """All RX queues."""
        return _total(self.rx)

    @property
    def all_tx(self) -> QueueTraffic:
        """All transmit queues."""
        return _total(self.tx)

    @property
    def all_spoofed(self) -> int:
        """Spoofed frames, whoever sent them."""
        return sum(self.spoofed.values())

    @property
    def spoofers(self) -> int:
        """A bit for each VPort that sent spoofed frames."""
        return sum(1 << vport for vport, count in self.spoofed.items() if count)


def _since(count: int, earlier: int) -> int:
    """What came on top; all of it if a number was given to another VM, whose counters begin at zero."""
    return count if count < earlier else count - earlier


def _more(queue: QueueTraffic, earlier: QueueTraffic | None) -> QueueTraffic:
    return queue if earlier is None else QueueTraffic(*map(_since, queue, earlier))


def _total(queues: Mapping[int, QueueTraffic]) -> QueueTraffic:
    return QueueTraffic(*(sum(column) for column in zip(*queues.values(), strict=True)))


Names = Mapping[str, str]  # what it is called, and which attribute of a snapshot it is


class Driver(NamedTuple):
    """How a chip's driver, and the chip itself, name what they count."""

    name: str
    statistics: Names
    rx_queue: Names  # attributes of a QueueTraffic
    registers: Names  # all of them go to 0 when they are read
    vf_registers: Names  # attributes of a VfTraffic; none of them does

    def ethtool(self, snapshot: Snapshot) -> dict[str, int]:
        """What `ethtool -S` prints."""
        named = {name: int(attrgetter(what)(snapshot)) for name, what in self.statistics.items()}
        for direction, queues, names in (("tx", snapshot.tx, _QUEUE), ("rx", snapshot.rx, self.rx_queue)):
            for number, queue in sorted(queues.items()):
                for name, what in names.items():
                    named[f"{direction}_queue_{number}_{name}"] = getattr(queue, what)
        return named

    def read(self, now: Snapshot, last: Snapshot) -> dict[str, int]:
        """What the registers say that were read `last` at another moment."""
        more = now.since(last)
        read = {name: int(attrgetter(what)(more)) for name, what in self.registers.items()}
        for vf, traffic in sorted(now.vfs.items()):
            read |= {f"{name}({vf})": attrgetter(what)(traffic) for name, what in self.vf_registers.items()}
        return read


_QUEUE: Final[Names] = {"packets": "packets", "bytes": "octets"}
_IGB: Final[Names] = {
    "rx_packets": "received.frames",
    "tx_packets": "sent.frames",
    "rx_bytes": "received.octets_with_fcs",
    "tx_bytes": "sent.octets_with_fcs",
    "rx_broadcast": "received.broadcast",
    "tx_broadcast": "sent.broadcast",
    "rx_multicast": "received.multicast",
    "tx_multicast": "sent.multicast",
    "multicast": "received.multicast",
    "rx_long_length_errors": "too_long",
    "rx_short_length_errors": "too_short",
    "rx_long_byte_count": "received.octets_with_fcs",
    "rx_errors": "wrong_length",
    "rx_length_errors": "wrong_length",
}
# The first four are netdev's, which this driver adds up from its queues.
_IXGBE: Final[Names] = {
    "rx_packets": "all_rx.packets",
    "tx_packets": "all_tx.packets",
    "rx_bytes": "all_rx.octets",
    "tx_bytes": "all_tx.octets",
    "multicast": "received.multicast",
    "rx_pkts_nic": "received.frames",
    "tx_pkts_nic": "sent.frames",
    "rx_bytes_nic": "received.octets_with_fcs",
    "tx_bytes_nic": "sent.octets_with_fcs",
    "broadcast": "received.broadcast",
    "rx_long_length_errors": "too_long",
    "rx_short_length_errors": "too_short",
    "rx_no_dma_resources": "all_rx.drops",
}
_REGISTERS: Final[Names] = {
    "TPR": "seen",
    "GPRC": "received.frames",
    "GORC": "received.octets_with_fcs",
    "BPRC": "received.broadcast",
    "MPRC": "received.multicast",
    "ROC": "too_long",
    "RUC": "too_short",
    "GPTC": "sent.frames",
    "GOTC": "sent.octets_with_fcs",
    "BPTC": "sent.broadcast",
    "MPTC": "sent.multicast",
}
_IGB_QUEUE: Final = {**_QUEUE, "drops": "drops"}  # RQDPC
# The 82599 counts looped frames with the others (INFER), the 82576 apart (e1000_regs.h 340-348).
_PVF: Final[Names] = {
    "PVFGPRC": "received.frames",
    "PVFGORC": "received.octets_with_fcs",
    "PVFMPRC": "received.multicast",
    "PVFGPTC": "sent.frames",
    "PVFGOTC": "sent.octets_with_fcs",
}
_VF: Final[Names] = {
    "VFGPRC": "received_by_wire.frames",
    "VFGORC": "received_by_wire.octets_with_fcs",
    "VFMPRC": "received_by_wire.multicast",
    "VFGPTC": "sent_by_wire.frames",
    "VFGOTC": "sent_by_wire.octets_with_fcs",
    "PFVFGPRLBC": "received_looped.frames",
    "PFVFGORLBC": "received_looped.octets_with_fcs",
    "PFVFGPTLBC": "sent_looped.frames",
    "PFVFGOTLBC": "sent_looped.octets_with_fcs",
}
_82599: Final = Driver("ixgbe", _IXGBE, _QUEUE, {**_REGISTERS, "SSVPC": "all_spoofed"}, _PVF)

# By adapter model. "ideal" is no chip and has no driver; it speaks as the 82599 does.
DRIVERS: Final[Mapping[str, Driver]] = {
    "82575": Driver("igb", _IGB, _IGB_QUEUE, _REGISTERS, {}),
    "82576": Driver("igb", _IGB, _IGB_QUEUE, {**_REGISTERS, "WVBR": "spoofers"}, _VF),
    "82598": Driver("ixgbe", _IXGBE, _QUEUE, {**_REGISTERS, "MPRC": "received.groups"}, {}),
    "82599": _82599,
    "x550": _82599,
    "ideal": _82599,
}
