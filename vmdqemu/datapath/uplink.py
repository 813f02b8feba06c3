"""The uplink: the adapter's external port, and the wire behind it.

    ext: wire0 ===veth=== wire :<lab>-nic --eswitch (tc eBPF)--> pf0, a TAP

`pf0` carries the adapter's RX rings; what is written into one of them leaves on the wire.
"""

from struct import Struct
from typing import Final, NamedTuple

from netns import links
from netns.lab import Lab
from vmdqemu.bpf.loader import BpfObject, Hook
from vmdqemu.config import LabConfig, WireConfig
from vmdqemu.datapath import tap
from vmdqemu.datapath.tap import Tap
from vmdqemu.nic.frame import format_mac

WIRE: Final = "wire"  # the adapter's end
OUTSIDE: Final = "wire0"  # the outside host's end
PF: Final = "pf0"

_FROM_WIRE, _FROM_PF = 0, 1
_IFINDEX = Struct("=I")
_DIRECTION = Struct("=QQQ")


class Direction(NamedTuple):
    """What the eswitch redirected one way, added up over the processors."""

    skbs: int
    wire_frames: int
    octets: int


class Uplink:
    """The external port of one lab."""

    def __init__(self, pf: Tap, eswitch: BpfObject) -> None:
        self.pf = pf
        self._counted = eswitch.map("counted")

    def from_wire(self) -> Direction:
        """Frames from the outside that went to pf0."""
        return self._direction(_FROM_WIRE)

    def to_wire(self) -> Direction:
        """Frames from pf0 that went out."""
        return self._direction(_FROM_PF)

    def _direction(self, key: int) -> Direction:
        per_cpu = self._counted.read_per_cpu(key, _DIRECTION)
        return Direction(*(sum(column) for column in zip(*per_cpu, strict=True)))


def make(config: LabConfig, wire: WireConfig, lab: Lab) -> Uplink:
    """Build the wire and the uplink; the undo goes to `lab`."""
    nic, ext = config.nic_namespace, config.ext_namespace
    lab.namespace(nic)
    lab.namespace(ext, ipv6=wire.ipv6)
    lab.veth(nic, WIRE, ext, OUTSIDE, mtu=config.mtu, mac_b=format_mac(wire.mac))
    pf = tap.open_tap(nic, PF, rings=1, ring=config.adapter.ring, offloads=config.adapter.offloads)
    lab.push(tap.close, pf.fds)
    eswitch = BpfObject("eswitch")
    lab.push(eswitch.close)
    _connect(eswitch, nic)
    if wire.vlan is not None:
        _tag(wire.vlan, ext)
    for ns, ifname in ((nic, PF), (nic, WIRE), (ext, OUTSIDE)):
        links.up(ns, ifname, mtu=config.mtu)
    for address in wire.addresses:
        links.add_address(ext, OUTSIDE, address)
    return Uplink(pf, eswitch)


def _connect(eswitch: BpfObject, nic: str) -> None:
    """Each direction learns where it ends before it starts."""
    target = eswitch.map("target")
    target.write(_FROM_WIRE, _IFINDEX.pack(links.index(nic, PF)))
    target.write(_FROM_PF, _IFINDEX.pack(links.index(nic, WIRE)))
    eswitch.attach("from_wire", nic, WIRE, Hook.INGRESS)
    eswitch.attach("from_pf", nic, PF, Hook.INGRESS)


def _tag(vlan: int, ext: str) -> None:
    """Make the outside host's port an access port of its VLAN; the programs live with the link."""
    with BpfObject("vlan") as edge:
        edge.map("access_vlan").write(0, _IFINDEX.pack(vlan))
        edge.attach("push", ext, OUTSIDE, Hook.EGRESS)
        edge.attach("pop", ext, OUTSIDE, Hook.INGRESS)
