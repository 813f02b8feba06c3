"""What the wire is. Its near end is a link in the adapter's namespace; where it leads, the lab file says:

    to an outside that is the lab's own     wire ===veth=== wire0 :ext
    to a bridge of the machine              wire ===veth=== <lab>-ext -- br0, with other labs perhaps
    wherever a NIC of the machine leads     eth1

A NIC is moved into the adapter's namespace: there is no other sender on it then, so the law can hold, and the
eswitch can redirect to it. It comes home as it was, after `kill -9` too (`netns.lending`).
"""

import socket
from collections.abc import Mapping
from struct import Struct
from typing import Final

from netns import lending, links, namespace
from netns.errors import NetnsError
from netns.lab import Lab
from netns.loan import Loan
from vmdqemu.config import LabConfig
from vmdqemu.config_wire import WireConfig
from vmdqemu.datapath import outside
from vmdqemu.datapath.pacing import pace

WIRE: Final = "wire"  # the near end, unless that is a NIC

# Packets that the kernel or the NIC merges so that they cannot be sent on, and a filter that knows no VMs
# (ethtool(8)). What GRO merges is a superframe like any other.
WITH_SUPERFRAMES: Final = {"large-receive-offload": False, "rx-gro-list": False, "rx-vlan-filter": False}
WITHOUT_SUPERFRAMES: Final = {**WITH_SUPERFRAMES, "generic-receive-offload": False}

# packet(7)
_SOL_PACKET, _ADD_MEMBERSHIP, _PROMISCUOUS = 263, 1, 1
_MEMBERSHIP = Struct("=iHH8x")


def loan(config: LabConfig, wire: WireConfig) -> Loan | None:
    """The NIC that is to be the wire, as it is at home; None if there is none. Raises NetnsError."""
    if wire.interface is None:
        return None
    return lending.ask(_place(wire), wire.interface, config.nic_namespace, _features(config))


def near_end(wire: WireConfig) -> str:
    """The name of the link in the adapter's namespace."""
    return WIRE if wire.interface is None else wire.interface


def plug(config: LabConfig, wire: WireConfig, lab: Lab) -> None:
    """Bring the near end into the adapter's namespace, still down; the undo goes to `lab`."""
    nic = config.nic_namespace
    if (lent := loan(config, wire)) is not None:
        lab.borrow(lent)
        lab.push(_take_everything(nic, lent.ifname).close)
        return
    if wire.bridge is None:
        lab.namespace(config.ext_namespace, ipv6=wire.ipv6)
    else:
        _require(wire.bridge, _place(wire))
    lab.veth(nic, WIRE, *_far_end(config, wire), mtu=config.mtu)


def settle(config: LabConfig, wire: WireConfig, lab: Lab) -> None:
    """Connect the far end of a wire whose near end is up; the undo goes to `lab`."""
    if wire.interface is not None:
        return
    if wire.bridge is None:
        outside.make(config, wire, lab)
        return
    ns, ifname = _far_end(config, wire)
    links.enslave(ns, ifname, wire.bridge)
    links.up(ns, ifname)
    if wire.rate is not None:
        superframes = config.adapter.offloads
        pace(ns, ifname, wire.rate, mtu=config.mtu, superframes=superframes, tagged=False)


def _require(bridge: str, ns: str) -> None:
    try:
        links.index(ns, bridge)
    except links.LinkMissing:
        cure = f"`ip link add {bridge} type bridge` makes one, `ip link set {bridge} up` sets it up"
        raise NetnsError(f"no bridge {bridge!r} here: {cure}") from None


def _far_end(config: LabConfig, wire: WireConfig) -> tuple[str, str]:
    if wire.bridge is None:
        return config.ext_namespace, outside.WIRE_END
    return _place(wire), f"{config.name}-ext"


def _place(wire: WireConfig) -> str:
    """The namespace of an interface or a bridge that was there before."""
    return namespace.HERE if wire.namespace is None else wire.namespace


def _features(config: LabConfig) -> Mapping[str, bool]:
    return WITH_SUPERFRAMES if config.adapter.offloads else WITHOUT_SUPERFRAMES


def _take_everything(ns: str, ifname: str) -> socket.socket:
    """Have a NIC receive whatever the wire carries, for as long as the socket is open; it reads nothing."""
    with namespace.entered(ns):
        member = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    membership = _MEMBERSHIP.pack(links.index(ns, ifname), _PROMISCUOUS, 0)
    member.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP, membership)
    return member
