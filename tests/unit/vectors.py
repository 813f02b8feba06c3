"""The published hash vectors, as packets."""

import json
from pathlib import Path
from typing import Any

from scapy.layers.inet import IP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet

from vmdqemu.nic.frame import Frame, parse
from vmdqemu.nic.tunnel import NO_TUNNELS, Tunnels

VECTORS: dict[str, Any] = json.loads((Path(__file__).parents[1] / "vectors/rss_vectors.json").read_text())
PUBLISHED: list[dict[str, Any]] = VECTORS["published"]


def frame_of(packet: Packet, tunnels: Tunnels = NO_TUNNELS) -> Frame:
    octets = bytes(Ether(src="02:00:00:00:00:0a", dst="02:00:00:00:00:0b") / packet)
    return parse(octets, tunnels=tunnels)


def packet_of(vector: dict[str, Any], transport: Packet | None) -> Packet:
    header = {4: IP, 6: IPv6}[vector["ip_version"]](src=vector["src"], dst=vector["dst"])
    return header if transport is None else header / transport
