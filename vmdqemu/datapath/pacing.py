"""How fast a link may send, in what a cable carries."""

from netns import links
from vmdqemu.nic.arbiter import WIRE_OVERHEAD
from vmdqemu.nic.frame import ETHERNET_OCTETS, TAG_OCTETS


def pace(ns: str, ifname: str, rate: float, *, mtu: int, superframes: bool, tagged: bool) -> None:
    """Let a link send no faster than a cable of `rate` Mbit/s would carry.

    tbf adds an overhead once to a superframe, not to each of its segments: where there are superframes, the
    rate is cut instead, by what a cable carries besides a full frame. Neither counts a tag, which the kernel
    keeps beside the frame or adds on the way: with `tagged` every frame is taken to have one.
    """
    unseen = WIRE_OVERHEAD + (TAG_OCTETS if tagged else 0)
    bits = rate * 1e6
    if superframes:
        full = mtu + ETHERNET_OCTETS
        links.shape(ns, ifname, int(bits * full / (full + unseen)))
    else:
        links.shape(ns, ifname, int(bits), overhead=unseen)
