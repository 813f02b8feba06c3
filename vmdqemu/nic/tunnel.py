"""Tunnels: where the Ethernet frame inside of a packet begins.

VXLAN is known by its UDP destination port, NVGRE by the key that its GRE header must have. A header that is
neither is none that the adapter knows, and the packet stays what it is on the outside.

Sources: RFC 7348 (VXLAN), RFC 7637 (NVGRE), RFC 2784 and RFC 2890 (GRE, its key and sequence number).
"""

from struct import Struct
from typing import Final, NamedTuple

from vmdqemu.nic.packet import PROTOCOL_GRE, PROTOCOL_UDP, Packet

VXLAN_PORT: Final = 4789  # IANA's (RFC 7348 8)

_UDP_OCTETS = 8
_VXLAN_OCTETS = 8
_VNI_VALID = 0x08  # the I flag; all others are ignored on receipt (RFC 7348 5)
_GRE = Struct("!HH")  # flags and version, EtherType of the payload
_WORD = 4  # GRE's base header, its checksum, key and sequence number have 4 octets each
_CHECKSUM, _KEY, _SEQUENCE = 0x8000, 0x2000, 0x1000
_NOT_ZERO = 0x4C07  # the reserved bits that refuse a packet, and the version (RFC 2784 2.3)
_TRANSPARENT_ETHERNET = 0x6558  # RFC 7637 3.2


class Tunnels(NamedTuple):
    """The tunnels that an adapter looks into (NDIS: ndis_encapsulated_packet_task_offload_v2)."""

    vxlan_port: int | None = None  # UDP destination port; None: VXLAN is UDP like any other
    nvgre: bool = False


NO_TUNNELS: Final = Tunnels()


def inside(octets: bytes, packet: Packet, payload: int, tunnels: Tunnels) -> int | None:
    """Offset of the frame inside of a packet, which may end before it; None: this is no tunnel.

    octets: up to the packet's end, or all that there are; payload: offset of the packet's.
    """
    if packet.protocol == PROTOCOL_GRE and tunnels.nvgre and not packet.fragment:
        return _behind_nvgre(octets, payload)
    to_port = int.from_bytes(packet.ports[2:], "big")
    if packet.protocol == PROTOCOL_UDP and packet.ports and to_port == tunnels.vxlan_port:
        return _behind_vxlan(octets, payload + _UDP_OCTETS)
    return None


def _behind_vxlan(octets: bytes, header: int) -> int | None:
    start = header + _VXLAN_OCTETS
    if start > len(octets) or not octets[header] & _VNI_VALID:
        return None
    return start


def _behind_nvgre(octets: bytes, header: int) -> int | None:
    """Checksum and sequence number are skipped, though RFC 7637 sends neither.

    NDIS: locating-the-transport-header-for-encapsulaged-packets-in-the-receive-path.
    """
    if header + _GRE.size > len(octets):
        return None
    flags, payload = _GRE.unpack_from(octets, header)
    if payload != _TRANSPARENT_ETHERNET or not flags & _KEY or flags & _NOT_ZERO:
        return None
    words = 2 + bool(flags & _CHECKSUM) + bool(flags & _SEQUENCE)
    return header + words * _WORD
