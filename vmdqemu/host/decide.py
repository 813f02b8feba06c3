"""decide(): one frame, one verdict, both halves. Everything faster is memory of this function."""

from typing import NamedTuple

from vmdqemu.host import vswitch, words
from vmdqemu.host.vswitch import WIRE, Delivery, HostVerdict
from vmdqemu.nic import switch
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import Vlan
from vmdqemu.nic.frame import Frame
from vmdqemu.nic.steps import Take, explained, plainly
from vmdqemu.nic.switch import NicVerdict, ToQueue
from vmdqemu.nic.tables import DEFAULT_VPORT, Tables


class Verdict(NamedTuple):
    """What becomes of a frame: the silicon's half and the host's."""

    nic: NicVerdict
    host: HostVerdict = HostVerdict()
    out: NicVerdict | None = None  # what the silicon does with what the host lets out, where there are VFs

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


def decide(
    frame: Frame,
    source: int,
    tables: Tables,
    adapter: Take = plainly,
    host: Take = plainly,
    out: Take = plainly,
) -> Verdict:
    """The verdict on a frame that came in at port `source` (WIRE, or a VPort's number).

    adapter, host: how each half's steps are taken; Steps of `nic.steps` make the verdict explain itself.
    out: those of the adapter again, with what the host lets out.
    """
    if source == WIRE:
        return _behind(switch.receive(frame, tables, adapter), frame, WIRE, tables, host)
    nic = switch.transmit(frame, source, tables, adapter)
    if source in tables.vfs:
        return _behind(nic, frame, WIRE, tables, host)
    verdict = _behind(nic, frame, source, tables, host)
    if not (tables.vfs and any(to.port == WIRE for to in verdict.deliveries)):
        return verdict
    return verdict._replace(out=switch.let_out(frame, nic.vlan, tables, out))


def decide_behind(frame: Frame, source: int, tables: Tables) -> Verdict:
    """The verdict on a frame that was read from a ring of port `source`; of WIRE: from one of the PF's.

    The embedded switch has given the VFs theirs.
    """
    if source == WIRE:
        return _behind(switch.receive_behind(frame, tables), frame, WIRE, tables, plainly)
    return decide(frame, source, tables)


def _behind(nic: NicVerdict, frame: Frame, source: int, tables: Tables, host: Take) -> Verdict:
    """The host's half. source: WIRE for what lies in the PF's queues, a VF's frames too."""
    if nic.drop is not None or (source == WIRE and not nic.queues):
        return Verdict(nic)
    if not host(_left_to_software, nic):
        return Verdict(nic, _without_lookup(frame, nic, source, tables, host))
    if nic.vswitch:
        return Verdict(nic, vswitch.route(frame, nic.vlan, source, tables, host))
    return Verdict(nic, _looked_up_too(frame, nic, source, tables, host))


@explained("NDIS: vmq-receive-path", words.left_to_software)
def _left_to_software(nic: NicVerdict) -> bool:
    """What a VM sends, and what is in the default VPort's queues."""
    return nic.vswitch or any(placed.vport == DEFAULT_VPORT for placed in nic.queues)


def sorted_into(queue: int, tables: Tables) -> Verdict | None:
    """The verdict on every frame that the sorter placed in an RX queue; None where it takes a look at each.

    A VM's own queue holds what passed an exact filter of its VPort. If those are in one VLAN, the VPort, the
    channel and what happens to the tag are the same for all frames (NDIS: vmq-receive-filters). A priority
    tag is of no VLAN, and may be stripped all the same.
    """
    owner = next((number for number, vport in tables.vports.items() if queue in vport.queues), None)
    if tables.lookup or owner is None or tables.vports[owner].vrss:
        return None
    vlans = {vlan for _, vlan in tables.sorted_filters(owner)}
    if len(vlans) != 1 or (vlans == {None} and tables.vports[owner].strips):
        return None
    vlan = vlans.pop()
    nic = NicVerdict(vlan, queues=(ToQueue(owner, queue, tables.vports[owner].queues.index(queue)),))
    return Verdict(nic, _without_lookup(Frame(0, vlan=vlan), nic, WIRE, tables, plainly))


def _without_lookup(frame: Frame, nic: NicVerdict, source: int, tables: Tables, take: Take) -> HostVerdict:
    """The silicon named the VPorts, so no address is looked up.

    Each queue has a channel of its own, unless vRSS spreads the only one over all of them.
    """
    named = [placed for placed in nic.queues if placed.vport != DEFAULT_VPORT]
    seen = [placed for placed in named if _may_see(placed.vport, nic.vlan, tables, take)]
    ways = [(placed.vport, _channel(frame, placed, tables, take)) for placed in seen]
    if source != WIRE and (nic.wire or nic.vfs):
        ways.append((WIRE, 0))
    deliveries = tuple(take(vswitch.delivery, frame, nic.vlan, *way, tables) for way in ways)
    spread = any(tables.vports[placed.vport].vrss for placed in seen)
    return HostVerdict(deliveries=deliveries, spread=spread, drop=None if ways else DropReason.WRONG_VLAN)


def _channel(frame: Frame, placed: ToQueue, tables: Tables, take: Take) -> int:
    by_flow = None
    if tables.vports[placed.vport].vrss:
        by_flow = vswitch.channel(frame, placed.vport, tables, take)
    return placed.relative if by_flow is None else by_flow


def _may_see(port: int, vlan: Vlan, tables: Tables, take: Take) -> bool:
    """The filters of NDIS compare VLANs; a VM that has no port VLAN sees what a chip gives it."""
    if tables.pooling is None or tables.vports[port].vlan is None:
        return True
    return take(vswitch.isolation, vlan, port, tables)


def _looked_up_too(frame: Frame, nic: NicVerdict, source: int, tables: Tables, take: Take) -> HostVerdict:
    """The default VPort has a copy, which the vSwitch takes for a frame from outside.

    It gives it to nobody who has been given one by the silicon.
    """
    if not (nic.wire or nic.vfs or len(nic.queues) > 1):
        return vswitch.route(frame, nic.vlan, WIRE, tables, take)
    named = _without_lookup(frame, nic, source, tables, take)
    served = tuple(to.port for to in named.deliveries)
    found = vswitch.route(frame, nic.vlan, WIRE, tables, take, served)
    deliveries = named.deliveries + found.deliveries
    spread = named.spread or found.spread
    return found._replace(deliveries=deliveries, spread=spread, drop=None if deliveries else found.drop)
