"""The outside: what is at the far end of the wire.

One host: `ext` is the host, and the wire's end `wire0` is its link. Several: `ext` holds the switch that the
wire leads to, a bridge, and each host has a namespace of its own on a port of it:

    web: eth0 ===veth=== port1 \\
                                bridge -- wire0 ===veth=== wire :<lab>-nic
    db:  eth0 ===veth=== port2 /        `-------- ext --------'

The bridge knows no VLAN. Two programs on a host's own link, which push and pop the tag, make it a member of
one; so tagged and untagged hosts share the wire.
"""

from struct import Struct
from typing import Final

from netns import links
from netns.lab import Lab
from vmdqemu.bpf.loader import BpfObject, Hook
from vmdqemu.config import LabConfig
from vmdqemu.config_wire import OutsideConfig, WireConfig
from vmdqemu.datapath.pacing import pace
from vmdqemu.nic.frame import format_mac

WIRE_END: Final = "wire0"
BRIDGE: Final = "switch"
HOST_LINK: Final = "eth0"  # a host's, where there are several

_VID = Struct("=I")


def make(config: LabConfig, wire: WireConfig, lab: Lab) -> None:
    """Settle every host at the far end of a wire whose near end is up; the undo goes to `lab`.

    `ext` and its WIRE_END are there already.
    """
    ext = config.ext_namespace
    if wire.hosts:
        ports = [_plug_in(number, host, config, lab) for number, host in enumerate(wire.hosts, start=1)]
        lab.bridge(ext, BRIDGE, [WIRE_END, *ports])
    else:
        (host,) = config.outside
        _settle(host, ext, WIRE_END, config)
    if wire.rate is not None:
        tagged = any(host.vlan is not None for host in config.outside)
        pace(ext, WIRE_END, wire.rate, mtu=config.mtu, superframes=config.adapter.offloads, tagged=tagged)


def _plug_in(number: int, host: OutsideConfig, config: LabConfig, lab: Lab) -> str:
    """A namespace for a host and a cable to the switch; the name of the switch's port."""
    ns, port = config.namespace(host), f"port{number}"
    lab.namespace(ns, ipv6=host.ipv6)
    lab.veth(ns, HOST_LINK, config.ext_namespace, port, mtu=config.mtu)
    _settle(host, ns, HOST_LINK, config)
    return port


def _settle(host: OutsideConfig, ns: str, ifname: str, config: LabConfig) -> None:
    """Give a host its link: address, VLAN, up."""
    links.set_mac(ns, ifname, format_mac(host.mac))
    if not config.adapter.offloads:
        links.send_no_superframes(ns, ifname)
    if host.vlan is not None:
        _tag(host.vlan, ns, ifname)
    links.up(ns, ifname)
    for address in host.addresses:
        links.add_address(ns, ifname, address)


def _tag(vlan: int, ns: str, ifname: str) -> None:
    """Make a link an access port of a VLAN; the programs live with the link."""
    with BpfObject("vlan") as edge:
        edge.map("access_vlan").write(0, _VID.pack(vlan))
        edge.attach("push", ns, ifname, Hook.EGRESS)
        edge.attach("pop", ns, ifname, Hook.INGRESS)
