"""What the adapter's rules found, in words: one function a rule, called with its finding and its arguments.

The rules themselves are in `switch` and `rss`; this is what the reader of an explanation sees of them.
"""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from vmdqemu.nic.frame import TAG_OCTETS, Frame, format_mac
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.packet import NO_PROTOCOL, PROTOCOL_TCP, PROTOCOL_UDP, Packet

if TYPE_CHECKING:  # `rss`, which `tables` needs, imports this
    from vmdqemu.nic.counters import DropReason
    from vmdqemu.nic.filters import Vlan
    from vmdqemu.nic.packet_filter import PacketFilter
    from vmdqemu.nic.pool_switch import Switched
    from vmdqemu.nic.pools import Pools
    from vmdqemu.nic.rss import Hash, HashType, Rss
    from vmdqemu.nic.switch import ToQueue
    from vmdqemu.nic.tables import Tables, VPortTable

_PROTOCOLS = {PROTOCOL_TCP: "TCP", PROTOCOL_UDP: "UDP"}


def passed(drop: DropReason | None, seen: str) -> str:
    """What a check saw, and the reason if it dropped the frame."""
    return seen if drop is None else f"{seen}: drop, {drop}"


def in_vlan(vlan: Vlan) -> str:
    """A VLAN, or that there is none."""
    return "no VLAN" if vlan is None else f"VLAN {vlan}"


def frame(frame: Frame) -> str:
    """What the headers say."""
    if frame.fault is not None:
        return f"{frame.length} octets, unreadable: {frame.fault}"
    macs = f"{format_mac(frame.source)} > {format_mac(frame.destination)}"
    told = [f"{frame.length} octets", macs, _tag(frame)]
    told.append(_packet(frame) if frame.ip else f"EtherType {frame.ethertype:#06x}")
    if frame.inner is not None:
        told.append(f"inside {_packet(frame.inner) if frame.inner.ip else 'no IP'}")
    return ", ".join(told)


def _tag(frame: Frame) -> str:
    if frame.vlan is None:
        return "untagged"
    more = f" and {frame.tags - 1} more tag" if frame.tags > 1 else ""
    return f"tagged {frame.vlan}{more}"


def _packet(packet: Frame | Packet) -> str:
    words = [f"IPv{packet.ip}"]
    if packet.protocol != NO_PROTOCOL:
        words.append(_PROTOCOLS.get(packet.protocol, f"protocol {packet.protocol}"))
    if packet.fragment:
        words.append("fragment")
    source, destination = _ends(packet.addresses)
    if packet.ports:
        source += f" port {int.from_bytes(packet.ports[:2], 'big')}"
        destination += f" port {int.from_bytes(packet.ports[2:], 'big')}"
    if packet.home:
        destination += ", at home {} > {}".format(*_ends(packet.home))
    return " ".join((*words, source, ">", destination))


def _ends(addresses: bytes) -> tuple[str, str]:
    half = len(addresses) // 2
    return str(ip_address(addresses[:half])), str(ip_address(addresses[half:]))


def admission(drop: DropReason | None, frame: Frame, tables: Tables) -> str:
    """Its length against the port's largest frame."""
    tags = f" and {TAG_OCTETS} a tag" if frame.tags else ""
    return passed(drop, f"{frame.length} octets of at most {tables.max_frame}{tags}")


def vlan(vlan: Vlan, frame: Frame) -> str:
    """From the tag to the VLAN."""
    return f"{_tag(frame)}: {in_vlan(vlan)}"


def inside_filter(number: int | None, frame: Frame, *_: object) -> str:
    """The VPort that the frame inside of a tunnel is for."""
    owner = "the default VPort" if not number else f"VPort {number}"
    return f"{format_mac(frame.inside_to)} inside of the tunnel: {owner}"


def filter_hit(number: int | None, frame: Frame, vlan: Vlan, tables: Tables) -> str:
    """The VPort, or why it is the default one."""
    if tables.sort is not Sort.FILTERS:
        return "the mode does not sort by filters: the default VPort"
    looked_for = f"{format_mac(frame.destination)} in {in_vlan(vlan)}"
    if number is None:
        return f"no filter for {looked_for}: the default VPort"
    if number in tables.vfs:
        return f"{looked_for}: VF {tables.vfs[number].function}, {tables.vfs[number].vport.name}"
    owner = f"VPort {number}, {tables.vports[number].name}" if number else "the default VPort"
    return f"{looked_for}: {owner}"


def packet_filter(drop: DropReason | None, frame: Frame, accepted: PacketFilter) -> str:
    """The destination against what the default VPort accepts."""
    types = ", ".join(str(kind.name).lower() for kind in accepted.types) or "nothing"
    return passed(drop, f"{format_mac(frame.destination)}, and accepted is: {types}")


def transmit_enable(drop: DropReason | None, vport: VPortTable) -> str:
    """Whether it may send."""
    return passed(drop, f"{vport.name}'s transmitter is {'on' if vport.transmit else 'off'}")


def tag_check(drop: DropReason | None, frame: Frame, vport: VPortTable) -> str:
    """The frame's tag against the port VLAN."""
    return passed(drop, f"{_tag(frame)}, and {vport.name} is in {in_vlan(vport.vlan)}")


def spoof_check(drop: DropReason | None, frame: Frame, vport: VPortTable) -> str:
    """The source address against the VPort's."""
    if not vport.spoof_check:
        return f"{vport.name} may send from any address"
    owned = "is" if frame.source in vport.macs else "is not"
    return passed(drop, f"{format_mac(frame.source)} {owned} an address of {vport.name}")


def hash_type(chosen: HashType | None, _: Frame, enabled: HashType) -> str:
    """The type that fits best, of those enabled."""
    if chosen is None:
        return f"none that is enabled fits: {enabled.ndis_name or 'none is enabled'}"
    return chosen.ndis_name


def hash_input(data: bytes, *_: object) -> str:
    """The octets."""
    return data.hex(" ")


def hash_value(value: int, *_: object) -> str:
    """The number."""
    return f"{value:#010x}"


def queue_index(queue: int, frame_hash: Hash | None, rss: Rss) -> str:
    """The entry of the indirection table."""
    if frame_hash is None:
        return f"no hash: queue {queue}, the VPort's default"
    return f"entry {frame_hash.value % len(rss.table)} of {len(rss.table)} names queue {queue} of the VPort"


def queue(placed: ToQueue, number: int, queues: tuple[int, ...], _: int) -> str:
    """The queue's number in the adapter."""
    owner = f"VPort {number}" if number else "the default VPort"
    which = f"number {placed.relative} of the {len(queues)}" if len(queues) > 1 else "the only one"
    return f"RX queue {placed.queue}, {which} of {owner}"


def local_switch(local: bool, _: Tables) -> str:
    """Who switches."""
    return "the adapter switches between its VPorts" if local else "left to the vSwitch"


def loopback(inside: bool, _: Tables) -> str:
    """VEB or VEPA."""
    return "a frame may stay inside" if inside else "every frame goes to the wire"


def replication(found: Pools, _: Frame, vlan: Vlan, tables: Tables) -> str:
    """The VFs that get a copy."""
    return f"in {in_vlan(vlan)}: {', '.join(_ports(found, tables)) or 'no VF'}"


def switching(found: Switched, frame: Frame, _: int, vlan: Vlan, tables: Tables) -> str:
    """Where the adapter's own switch sends a frame."""
    ways = [*_ports(found.pools, tables), *(["the wire"] if found.wire else [])]
    to = ", ".join(ways) or "nobody"
    return passed(found.drop, f"{format_mac(frame.destination)} in {in_vlan(vlan)}: {to}")


def _ports(vports: Pools, tables: Tables) -> list[str]:
    on_pf = sorted(vports - tables.vfs.keys())
    named = [f"VPort {number}" if number else "the default VPort" for number in on_pf]
    return named + [f"VF {vf}" for vf in tables.functions(vports)]
