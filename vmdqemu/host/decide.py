"""decide(): one frame, one verdict, both halves. Everything faster is memory of this function."""

from typing import NamedTuple

from vmdqemu.host import vswitch
from vmdqemu.host.vswitch import WIRE, Delivery, HostVerdict
from vmdqemu.nic import switch
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import Frame
from vmdqemu.nic.switch import NicVerdict
from vmdqemu.nic.tables import DEFAULT_VPORT, Tables


class Verdict(NamedTuple):
    """What becomes of a frame: the silicon's half and the host's."""

    nic: NicVerdict
    host: HostVerdict = HostVerdict()

    @property
    def drop(self) -> DropReason | None:
        """Why it is dropped, by whichever half."""
        return self.nic.drop or self.host.drop

    @property
    def deliveries(self) -> tuple[Delivery, ...]:
        """Every copy that leaves, at most one a port."""
        return self.host.deliveries

    @property
    def spread(self) -> bool:
        """Whether the verdict depends on more of the frame than its MAC addresses and VLAN."""
        return self.nic.spread or self.host.spread


def decide(frame: Frame, source: int, tables: Tables) -> Verdict:
    """The verdict on a frame that came in at port `source` (WIRE, or a VPort's number)."""
    nic = switch.receive(frame, tables) if source == WIRE else switch.transmit(frame, source, tables)
    if nic.drop is not None:
        return Verdict(nic)
    if nic.vswitch or any(placed.vport == DEFAULT_VPORT for placed in nic.queues):
        return Verdict(nic, vswitch.route(frame, nic.vlan, source, tables))
    return Verdict(nic, _without_lookup(frame, nic))


def _without_lookup(frame: Frame, nic: NicVerdict) -> HostVerdict:
    """The silicon named the VPorts: each queue has a channel of its own, and no address is looked up."""
    deliveries = [
        Delivery(placed.vport, placed.relative, vswitch.edit_for(frame, nic.vlan, placed.vport))
        for placed in nic.queues
    ]
    if nic.wire:
        deliveries.append(Delivery(WIRE, edit=vswitch.edit_for(frame, nic.vlan, WIRE)))
    return HostVerdict(deliveries=tuple(deliveries))
