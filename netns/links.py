"""Links inside namespaces: veth pairs, bridges, addresses, routes.

Theory of operation. Every function enters the namespace, opens a netlink socket there, acts and leaves: about
1 ms. (pyroute2's own way into a namespace forks a child for each socket: 11 ms.) pyroute2 runs an event
loop of its own under each call, so these functions cannot be called where one runs already: use
`asyncio.to_thread`. All of them raise LinkError with the kernel's own reason, and what `namespace.entered`
raises.
"""

import asyncio
import errno
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from ipaddress import ip_address, ip_interface, ip_network
from pathlib import Path
from typing import NamedTuple

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from netns import namespace
from netns.errors import NetnsError
from netns.signals import uninterrupted

_MAC = re.compile(r"([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}")
_BRIDGE_FILTERS = Path("/proc/sys/net/bridge")

IFF_UP, IFF_LOOPBACK = 0x1, 0x8  # include/uapi/linux/if.h
RT_SCOPE_LINK = 253  # include/uapi/linux/rtnetlink.h

_CURES = {
    errno.EACCES: "make the namespace with ipv6=True",
    errno.EADDRNOTAVAIL: "use a unicast MAC",
    errno.EEXIST: "remove what is there, or choose another",
    errno.EHOSTUNREACH: "give a link an address in the gateway's network first, and set it up",
    errno.EINVAL: "ip-link(8) says what is allowed",
    errno.ENETUNREACH: "give a link an address in the gateway's network first, and set it up",
    errno.ENODEV: "`ip netns exec NAMESPACE ip link` lists the links",
    errno.ERANGE: "a link's name has 1 to 15 characters",
}


class LinkError(NetnsError):
    """The kernel refused an operation on a link."""


class LinkMissing(LinkError):
    """No link has this name in this namespace."""


class Link(NamedTuple):
    """How a link is set."""

    up: bool
    loopback: bool
    mtu: int
    master: str | None  # the bridge, bond or other link that it is a port of
    addresses: tuple[str, ...]  # with prefix lengths; not the one that IPv6 makes for the link alone


def veth(
    ns_a: str,
    name_a: str,
    ns_b: str,
    name_b: str,
    *,
    mtu: int,
    mac_a: str | None = None,
    mac_b: str | None = None,
    queues: int = 1,
) -> None:
    """A cable: two ends, each made directly in its namespace, still down.

    MTU in bytes, without the Ethernet header. Without a MAC the kernel draws one. Each end has `queues`
    transmit and receive queues: left to the kernel it would be one per processor, and no two machines would
    have the same lab.
    """
    with namespace.opened(ns_b) as far, _netlink(ns_a, f"veth {name_a!r} to {ns_b!r} {name_b!r}") as netlink:
        near_end = _veth_end(name_a, mtu, mac_a, queues)
        far_end = _veth_end(name_b, mtu, mac_b, queues) | {"net_ns_fd": far}
        netlink.link("add", kind="veth", peer=far_end, **near_end)


def bridge(ns: str, name: str, members: Sequence[str]) -> None:
    """A bridge over links of its namespace, all set up. It forwards frames and filters nothing."""
    with _netlink(ns, f"bridge {name!r} over {', '.join(members)}") as netlink:
        netlink.link("add", kind="bridge", ifname=name)
        try:
            for member in members:
                netlink.link("set", ifname=member, master=_index(netlink, name))
                _set_up(netlink, member)
            _set_up(netlink, name)
            _leave_frames_to_the_bridge()
        except BaseException:
            netlink.link("del", ifname=name)
            raise


def up(ns: str, ifname: str, *, mtu: int | None = None) -> None:
    """Set a link up, with an MTU in bytes if one is given."""
    with _netlink(ns, f"link {ifname!r} up") as netlink:
        if mtu is not None:
            netlink.link("set", ifname=ifname, mtu=mtu)
        _set_up(netlink, ifname)


def enslave(ns: str, ifname: str, bridge: str) -> None:
    """Plug a link into a bridge of its namespace."""
    with _netlink(ns, f"link {ifname!r} into bridge {bridge!r}") as netlink:
        netlink.link("set", ifname=ifname, master=_index(netlink, bridge))


def move(ns: str, ifname: str, to: str) -> None:
    """Take a link to another namespace; there it is down, without addresses and queueing disciplines."""
    with namespace.opened(to) as far, _netlink(ns, f"link {ifname!r} to namespace {to!r}") as netlink:
        netlink.link("set", ifname=ifname, net_ns_fd=far)


def look(ns: str, ifname: str) -> Link:
    """How a link is set. Raises LinkMissing."""
    with _netlink(ns, f"link {ifname!r}") as netlink:
        found = netlink.link("get", ifname=ifname)[0]
        addresses = netlink.get_addr(index=found["index"])
        return Link(
            up=bool(found["flags"] & IFF_UP),
            loopback=bool(found["flags"] & IFF_LOOPBACK),
            mtu=found.get_attr("IFLA_MTU"),
            master=_name(netlink, found.get_attr("IFLA_MASTER")),
            addresses=tuple(
                f"{entry.get_attr('IFA_ADDRESS')}/{entry['prefixlen']}"
                for entry in addresses
                if entry["scope"] != RT_SCOPE_LINK
            ),
        )


def set_mtu(ns: str, ifname: str, mtu: int) -> None:
    """Set a link's MTU, in bytes without the Ethernet header."""
    with _netlink(ns, f"link {ifname!r} MTU {mtu}") as netlink:
        netlink.link("set", ifname=ifname, mtu=mtu)


def set_mac(ns: str, ifname: str, mac: str) -> None:
    """Give a link a unicast MAC, written 02:00:00:00:00:01."""
    with _netlink(ns, f"link {ifname!r} MAC {mac}") as netlink:
        netlink.link("set", ifname=ifname, address=_checked_mac(mac))


def set_tx_queue_length(ns: str, ifname: str, packets: int) -> None:
    """Set how many packets a transmit queue of the link holds.

    A TAP sizes its rings by it and throws away what waits in a ring that shrinks: set it before there is
    traffic.
    """
    with _netlink(ns, f"link {ifname!r} transmit queue length {packets}") as netlink:
        netlink.link("set", ifname=ifname, txqlen=packets)


SHAPER_BURST = 256 * 1024  # a superframe must fit: under 70 KB the kernel would cut every one up
SHAPER_LIMIT = 1024 * 1024


def shape(ns: str, ifname: str, rate: int, *, overhead: int = 0) -> None:
    """Let a link send at most `rate` bits a second; superframes stay whole.

    Frames count without FCS, and each skb `overhead` octets more. pyroute2 cannot say that, so tc(8) does.
    """
    sizes = ("burst", f"{SHAPER_BURST}b", "limit", f"{SHAPER_LIMIT}b", "overhead", str(overhead))
    namespace.run(ns, ["tc", "qdisc", "add", "dev", ifname, "root", "tbf", "rate", f"{rate}bit", *sizes])


def unshape(ns: str, ifname: str) -> None:
    """Let a link send as fast as it can again; no error if it may already."""
    namespace.run(ns, ["tc", "qdisc", "del", "dev", ifname, "root"], check=False)


def receive_on(ns: str, ifname: str, cpu: int) -> None:
    """Have one CPU take in what a link of one queue receives: a flow then keeps its order.

    A veth otherwise receives on whatever CPU its peer sends from. /sys shows the namespace that it was
    mounted in, so a command does it, which has its own.
    """
    words = [f"{(1 << cpu) >> 32 * word & 0xFFFFFFFF:x}" for word in range(cpu // 32, -1, -1)]
    setting = f"/sys/class/net/{ifname}/queues/rx-0/rps_cpus"
    namespace.run(ns, ["sh", "-c", f"echo {','.join(words)} > {setting}"])


def send_no_superframes(ns: str, ifname: str) -> None:
    """Have TCP over a link send frame by frame."""
    with _netlink(ns, f"link {ifname!r} without superframes") as netlink:
        netlink.link("set", ifname=ifname, gso_max_segs=1)


def add_address(ns: str, ifname: str, address: str) -> None:
    """Add an IPv4 or IPv6 address with its prefix length: "10.0.0.1/24", "fd00::1/64"."""
    with _netlink(ns, f"link {ifname!r} address {address}") as netlink:
        interface = ip_interface(address)
        netlink.addr(
            "add",
            index=_index(netlink, ifname),
            address=str(interface.ip),
            prefixlen=interface.network.prefixlen,
        )


def add_route(ns: str, dst: str, via: str) -> None:
    """Route a network ("10.1.0.0/16", or "default") through a gateway of the same address family."""
    with _netlink(ns, f"route {dst} via {via}") as netlink:
        network = dst if dst == "default" else str(ip_network(dst))
        netlink.route("add", dst=network, gateway=str(ip_address(via)))


def remove(ns: str, ifname: str) -> None:
    """Remove a link, and with one end of a veth the other; no error if link or namespace is gone."""
    with suppress(LinkMissing, namespace.NamespaceMissing), _netlink(ns, f"remove {ifname!r}") as netlink:
        netlink.link("del", ifname=ifname)


def index(ns: str, ifname: str) -> int:
    """The link's index, which is unique in its namespace."""
    with _netlink(ns, f"link {ifname!r}") as netlink:
        return _index(netlink, ifname)


@contextmanager
def _netlink(ns: str, doing: str) -> Iterator[IPRoute]:
    """A netlink socket inside the namespace, and the thread with it; a refusal becomes a LinkError.

    pyroute2 has a loop of its own inside, which an exception out of a signal's handler would tear.
    """
    _refuse_event_loop()
    try:
        with uninterrupted(), namespace.entered(ns), IPRoute(groups=0, ext_ack=True) as netlink:
            yield netlink
    except NetlinkError as error:
        number, reason = error.args
        kind = LinkMissing if number == errno.ENODEV else LinkError
        cure = f": {_CURES[number]}" if number in _CURES else ""
        raise kind(f"namespace {ns!r}: {doing}: {reason}{cure}") from None
    except ValueError as error:  # an address that cannot be read
        raise LinkError(f"namespace {ns!r}: {doing}: {error}") from None


def _refuse_event_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError("netns.links blocks and cannot run in an event loop: call it with asyncio.to_thread")


def _name(netlink: IPRoute, index: int | None) -> str | None:
    return None if index is None else str(netlink.link("get", index=index)[0].get_attr("IFLA_IFNAME"))


def _index(netlink: IPRoute, ifname: str) -> int:
    return int(netlink.link("get", ifname=ifname)[0]["index"])


def _set_up(netlink: IPRoute, ifname: str) -> None:
    netlink.link("set", ifname=ifname, state="up")
    # The kernel takes up to 1 s to act on a new carrier; asked for the link it acts first (since Linux 6.8).
    netlink.link("get", ifname=ifname)


def _veth_end(name: str, mtu: int, mac: str | None, queues: int) -> dict[str, str | int]:
    end: dict[str, str | int] = {"ifname": name, "mtu": mtu, "num_tx_queues": queues, "num_rx_queues": queues}
    return end if mac is None else end | {"address": _checked_mac(mac)}


def _checked_mac(mac: str) -> str:
    if not _MAC.fullmatch(mac):
        raise ValueError(f"{mac!r} is not a MAC: write six pairs of hexadecimal digits, 02:00:00:00:00:01")
    return mac


def _leave_frames_to_the_bridge() -> None:
    # These are on by default: the kernel's IP filter then sees bridged frames, and eats some without a count.
    for name in ("iptables", "ip6tables", "arptables"):
        setting = _BRIDGE_FILTERS / f"bridge-nf-call-{name}"
        if setting.exists():
            setting.write_text("0")
