"""What a single key of a chip's switch may hold: addresses, VLANs, pools and flags."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from vmdqemu.config_problems import shown
from vmdqemu.config_values import MAC_EXAMPLE, listed, unicast
from vmdqemu.nic.frame import is_multicast, parse_mac

GROUP_EXAMPLE = '"01:00:5e:00:00:fb"'


def _group(value: object) -> bytes:
    try:
        mac = parse_mac(value) if isinstance(value, str) else b""
    except ValueError:
        mac = b""
    if not is_multicast(mac):
        raise ValueError(f"{shown(value)} is no group's address; use one such as {GROUP_EXAMPLE}")
    return mac


def _pool_name(value: object) -> str:
    """A name, or a number: 0 is the PF's pool, and the VMs' follow in the file's order."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    if not isinstance(value, str) or not re.fullmatch("[a-zA-Z0-9_][a-zA-Z0-9_-]{0,14}", value):
        raise ValueError(f"{shown(value)} is no pool; use a VM's name, the [pf]'s, or its number")
    return value


_TEXTS = WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]})
Macs = Annotated[
    tuple[Annotated[bytes, BeforeValidator(unicast)], ...],
    BeforeValidator(listed),
    _TEXTS,
    Field(strict=False, description=f"a unicast MAC address or a list of them, [{MAC_EXAMPLE}]"),
]
Groups = Annotated[
    tuple[Annotated[bytes, BeforeValidator(_group)], ...],
    BeforeValidator(listed),
    _TEXTS,
    Field(strict=False, description=f"a group's MAC address or a list of them, [{GROUP_EXAMPLE}]"),
]
# 802.1Q: 4095 is reserved; 0 is a priority tag's, which has a bit in a chip's table like any other
Vids = Annotated[
    tuple[Annotated[int, Field(ge=0, le=4094)], ...] | None,
    Field(strict=False, description="a list of VLANs, 0 to 4094 (unless given, all of them)"),
]
Vlans = Annotated[
    tuple[Annotated[int, Field(ge=1, le=4094)], ...],
    Field(strict=False, description="a list of VLANs, 1 to 4094"),
]
PoolName = Annotated[
    str,
    BeforeValidator(_pool_name),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "integer", "minimum": 0}]}),
    Field(description="a pool's name or number"),
]
PoolNames = Annotated[
    tuple[PoolName, ...],
    WithJsonSchema({"type": "array", "items": {"anyOf": [{"type": "string"}, {"type": "integer"}]}}),
    Field(strict=False, description="a list of pools"),
]
VmdqBy = Annotated[Literal["mac", "vlan"], Field(description='"mac" or "vlan"')]
Bridge = Annotated[
    Literal["veb", "vepa"] | None,
    Field(description='"veb" or "vepa" (without it the vSwitch switches what VMs send)'),
]
HashForm = Annotated[int, Field(ge=0, le=3, description="0 to 3")]
AcceptFlags = Annotated[
    tuple[Literal["AUPE", "BAM", "ROMPE", "ROPE", "MPE", "UPE", "VPE"], ...] | None,
    Field(strict=False, description='a list of "AUPE", "BAM", "ROMPE", "ROPE", "MPE", "UPE" and "VPE"'),
]
MirrorTo = Annotated[
    Literal["pool", "vlan", "uplink", "downlink"],
    Field(description='"pool", "vlan", "uplink" or "downlink"'),
]
FrameLimit = Annotated[
    int | None, Field(ge=64, le=16383, description="64 to 16383 octets, FCS and tags included")
]
Priority = Annotated[int, Field(ge=0, le=7, description="0 to 7")]
