"""What a single key of a lab file may hold: one annotated type for each kind of value.

A type's `description` completes the sentence "use ...": it is the cure in a problem's line, and what an
editor shows from the JSON Schema. Our own validators raise ValueError with fault and cure in one line.
"""

import hashlib
from ipaddress import ip_interface
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    WithJsonSchema,
)

from vmdqemu.config_problems import shown
from vmdqemu.host import keywords
from vmdqemu.nic import moderation
from vmdqemu.nic.frame import HEADER_OCTETS, format_mac, is_multicast, parse_mac
from vmdqemu.nic.rss import HashType
from vmdqemu.nic.rss_reading import KEY_CURE, TYPES_CURE, read_key, read_types

MAC_EXAMPLE = '"02:00:00:00:00:01"'
MOST_VMS = 64  # the 82599 sorts into 64 pools at most (ixgbe_type.h, MRQC)
MAC_OCTETS = 6
MOST_CHANNELS = 64  # of one VM
ADDRESS_CURE = 'use one such as "10.0.0.1/24" or "fd00::1/64"'


class Table(BaseModel):
    """A table of the lab file: every key is known, and nothing is converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def derive_mac(lab: str, name: str) -> bytes:
    """The MAC address (6 octets) of a port that gives none: unicast, local, the same in every run."""
    return b"\x02" + hashlib.blake2b(f"{lab}/{name}".encode(), digest_size=5).digest()


def as_written(value: Any) -> Any:
    """A value as a lab file spells it, which is as JSON does."""
    match value:
        case HashType():
            return [kind.name for kind in value]
        case bytes():
            return format_mac(value) if len(value) == MAC_OCTETS else value.hex()
        case tuple():
            return [as_written(each) for each in value]
    return value


def unicast(value: object) -> bytes:
    """The MAC address of a port. Raises ValueError with the cure."""
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not text; use a MAC address such as {MAC_EXAMPLE}")
    try:
        mac = parse_mac(value)
    except ValueError:
        raise ValueError(f"{shown(value)} is not a MAC address; use one such as {MAC_EXAMPLE}") from None
    if is_multicast(mac):
        raise ValueError(f"{value} is a multicast address; a port needs a unicast one (the first octet even)")
    if not any(mac):
        raise ValueError(f"{value} is nobody's address; use one such as {MAC_EXAMPLE}")
    return mac


def _address(text: str) -> str:
    try:
        interface = ip_interface(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is not an IP address; {ADDRESS_CURE}") from None
    if "/" not in text or "%" in text:
        raise ValueError(f"{shown(text)} is not an address with just its prefix length; {ADDRESS_CURE}")
    address, network = interface.ip, interface.network
    if address.is_multicast or address.is_unspecified or address.is_loopback or address.is_reserved:
        raise ValueError(f"{shown(text)} is not a host's address; {ADDRESS_CURE}")
    ends = network.network_address, network.broadcast_address
    if (
        address.version == 4 and network.prefixlen < 31 and address in ends
    ):  # RFC 3021: a /31 has no such ends
        raise ValueError(f"{shown(text)} is an end of {network} and no host's address; {ADDRESS_CURE}")
    return str(interface)


def _lookahead(octets: int) -> int:
    if octets and not 128 <= octets <= HEADER_OCTETS:
        raise ValueError(f"{octets} octets are no header; use 128 to {HEADER_OCTETS} octets, or 0 for none")
    return octets


def _moderation(value: object) -> int | str:
    try:
        moderation.read(value)
    except ValueError as error:
        raise ValueError(f"{shown(value)} is {error}") from None
    assert isinstance(value, int | str)
    return value


def _keywords(values: object) -> dict[str, int]:
    if not isinstance(values, dict):
        raise ValueError(f"{shown(values)} is not a table; use a [keywords] table")
    keywords.check(values)
    return values


def listed(value: object) -> object:
    """One text is a list of one."""
    return [value] if isinstance(value, str) else value


def _digits(value: object) -> object:
    """A name of digits needs no quotes."""
    return str(value) if type(value) is int and value.bit_length() <= 64 else value


def _rss_key(value: object) -> bytes:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not text; {KEY_CURE}")
    try:
        return read_key(value)
    except ValueError as error:
        raise ValueError(f"{shown(value)} {error}") from None


def _rss_types(value: object) -> HashType:
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"{shown(value)} is not a list of names; {TYPES_CURE}")
    return read_types(value)


LabName = Annotated[
    str,
    Field(
        max_length=11,  # "<name>-nic" then is no longer than a Linux interface name, 15
        pattern="^[a-z0-9][a-z0-9-]*$",
        description='at most 11 of a-z, 0-9 and "-", the first not "-" (unless given, the name of the file)',
    ),
]

# Names become file names and arguments of `ip netns`, which reads a leading "-" as an option.
MachineName = Annotated[
    str,
    Field(
        max_length=15,
        pattern="^[a-zA-Z0-9_][a-zA-Z0-9_-]*$",
        description='at most 15 letters, digits, "_" and "-", the first not "-"',
    ),
]
Prefix = Annotated[
    str,
    Field(
        max_length=16,
        pattern="^([a-zA-Z0-9_][a-zA-Z0-9_-]*)?$",
        description='at most 16 letters, digits, "_" and "-", the first not "-"',
    ),
]
# Linux dev_valid_name(); ip-netns(8)
Interface = Annotated[
    str | None,
    Field(
        max_length=15,
        pattern=r"^[^\s/:.][^\s/:]*$",
        description='at most 15 characters, none of them a space, "/" or ":", as `ip link` shows it',
    ),
]
Namespace = Annotated[
    str | None,
    Field(
        max_length=64,
        pattern="^[A-Za-z0-9_][A-Za-z0-9._-]*$",
        description="the name of a namespace, as `ip netns` shows it",
    ),
]

Mac = Annotated[
    bytes,
    BeforeValidator(unicast),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-fA-F]{2}([:-][0-9a-fA-F]{2}){5}$"}),
    Field(description="a unicast MAC address (unless given, one derived from the names)"),
]
Addresses = Annotated[
    tuple[Annotated[str, AfterValidator(_address)], ...],
    BeforeValidator(listed),
    WithJsonSchema({"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}),
    Field(strict=False, description='"10.0.0.1/24" or a list, ["10.0.0.1/24", "fd00::1/64"]'),
]
# IEEE 802.1Q: 0 marks a frame that has a priority and no VLAN, 4095 is reserved
Vlan = Annotated[int | None, Field(ge=1, le=4094, description="1 to 4094 (IEEE 802.1Q reserves 0 and 4095)")]

Flag = Annotated[bool, Field(description="true or false")]
OptionalFlag = Annotated[bool | None, Field(description="true or false")]
Model = Annotated[
    Literal["82575", "82576", "82598", "82599", "x550", "ideal"],
    BeforeValidator(_digits),
    Field(description='"82575", "82576", "82598", "82599", "x550" or "ideal"'),
]
Mode = Annotated[
    Literal["off", "rss", "vmdq", "vmq", "vmmq", "off-nocopy", "off-nolookup"],
    Field(description='"off", "rss", "vmdq", "vmq" or "vmmq" (or one of "off-nocopy" and "off-nolookup")'),
]
Release = Annotated[
    Literal["2008r2", "2012r2", "2016", "2019"] | None,
    Field(description='"2008r2", "2012r2", "2016" or "2019"'),
]
Sorter = Annotated[Literal["kernel", "software"], Field(description='"kernel" or "software"')]
Arbiter = Annotated[
    Literal["deficit", "round-robin", "weighted"] | None,
    Field(description='"deficit", "round-robin" or "weighted" (unless given, the chip\'s own)'),
]

Keywords = Annotated[
    dict[str, int],
    BeforeValidator(_keywords),
    WithJsonSchema(
        {
            "type": "object",
            "properties": {name: {"type": "integer", "minimum": 0} for name in keywords.DEFAULTS},
            "additionalProperties": False,
        }
    ),
    Field(description='a [keywords] table, such as "*VMQ" = 1'),
]
Moderation = Annotated[
    int | str,
    PlainValidator(_moderation),
    WithJsonSchema({"anyOf": [{"enum": list(moderation.LEVELS)}, {"type": "integer", "minimum": 0}]}),
    Field(description="whole microseconds, or one of " + ", ".join(moderation.LEVELS)),
]

# X550 7.1.4: a ring's length is a multiple of 8 descriptors; the bounds are DPDK's (ixgbe_rxtx.h)
Ring = Annotated[
    int, Field(ge=64, le=8192, multiple_of=8, description="64 to 8192 descriptors, a multiple of 8")
]
# Below 128 the TCP header of a tagged IPv6 packet may be cut off; with 0 a VM can rewrite what is decided by.
Lookahead = Annotated[
    int, AfterValidator(_lookahead), Field(description=f"128 to {HEADER_OCTETS} octets, or 0 for none")
]
# RFC 791: every host takes 576 octets; 9216 is the most that both igb and ixgbe take
Mtu = Annotated[int, Field(ge=576, le=9216, description="576 to 9216 octets")]
UdpPort = Annotated[int, Field(ge=1, le=65535, description="1 to 65535, a UDP port")]
# NDIS: rss-hashing-functions, rss-hashing-types, rss-configuration
RssKey = Annotated[
    bytes | None,
    BeforeValidator(_rss_key),
    WithJsonSchema({"type": "string", "pattern": "^[0-9a-fA-F]{80}$"}),
    Field(description="40 octets in hex"),
]
RssTypes = Annotated[
    HashType | None,
    BeforeValidator(_rss_types),
    WithJsonSchema({"type": "array", "items": {"enum": [kind.name for kind in HashType]}}),
    Field(description='a list such as ["IPV4", "TCP_IPV4"]'),
]
RssTableSize = Annotated[
    Literal[2, 4, 8, 16, 32, 64, 128] | None, Field(description="a power of two from 2 to 128")
]
Processors = Annotated[int, Field(ge=1, le=64, description="1 to 64 processors")]
Threads = Annotated[int, Field(ge=1, le=8, description="1 to 8 hyper-threads of a core")]
Nodes = Annotated[int, Field(ge=1, le=64, description="1 to 64 NUMA nodes")]
ProcessorNumber = Annotated[int, Field(ge=0, le=63, description="0 to 63, the number of a processor")]
Vfs = Annotated[int | None, Field(ge=0, le=63, description="0 to 63 VFs, no more than the model has")]
LastProcessor = Annotated[int | None, Field(ge=0, le=63, description="0 to 63, the number of a processor")]
Node = Annotated[int | None, Field(ge=0, le=63, description="0 to 63, the number of a NUMA node")]
Profile = Annotated[
    Literal["Closest", "ClosestStatic", "NUMA", "NUMAStatic", "Conservative", "Balanced"],
    Field(description='"Closest", "ClosestStatic", "NUMA", "NUMAStatic", "Conservative" or "Balanced"'),
]
PlacementPolicy = Annotated[Literal["static", "dynamic"], Field(description='"static" or "dynamic"')]
Share = Annotated[float, Field(allow_inf_nan=False, description="a share of a processor, 0 to 1")]
Seconds = Annotated[float, Field(allow_inf_nan=False, description="a number of seconds")]
Moves = Annotated[int, Field(description="a number of moves")]
Times = Annotated[float, Field(allow_inf_nan=False, description="how many times as much, at least 1")]
Queues = Annotated[int, Field(ge=1, le=MOST_CHANNELS, description=f"1 to {MOST_CHANNELS} channels")]
Weight = Annotated[int, Field(ge=1, le=100, description="1 to 100")]
VmqWeight = Annotated[int, Field(ge=0, le=100, description="0 to 100; 0 for no queue of its own")]
VmqOverride = Annotated[
    int, Field(ge=0, le=2, description="0 for the system's default, 1 to have VMQ, 2 to have none")
]
RxQueues = Annotated[int | None, Field(ge=1, le=256, description="1 to 256 queues")]
WireRate = Annotated[
    float | None, Field(gt=0, le=32_000, allow_inf_nan=False, description="Mbit/s above 0, at most 32000")
]
Speed = Annotated[float, Field(ge=0.01, le=1, description="0.01 to 1, the share of a CPU")]
Rate = Annotated[float | None, Field(gt=0, allow_inf_nan=False, description="a number of Mbit/s above 0")]
