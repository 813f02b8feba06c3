"""A frame in short form, as one would say it: `tcp,10.0.0.9:1000->10.0.0.1:80,vlan=5`.

    frame = kind { "," part } [ "/" frame ]     behind the stroke: the frame inside of a tunnel
    kind  = "tcp" | "udp" | "icmp" | "arp" | "ether" | "vxlan" | "nvgre"
    part  = end "->" end | key "=" value        ether has no ends
    end   = address [ ":" port ]                tcp and udp have ports; IPv6 addresses stand in brackets
    key   = "src" | "dst"                       MAC addresses
          | "vlan"                              a tag's VID; several tags from the outermost
          | "length"                            octets of the frame without FCS
          | "type"                              of ether: its EtherType, with 0x in hex
          | "vni" | "vsid"                      of vxlan and of nvgre: the virtual network

What is left out is None, and somebody else's to find (`neighbours`). `read` and `spelled` are each other's
inverse.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Final, NamedTuple

from vmdqemu.nic.frame import format_mac, parse_mac

Address = IPv4Address | IPv6Address


class Kind(StrEnum):
    """What a frame carries."""

    TCP = "tcp"
    UDP = "udp"
    ICMP = "icmp"
    ARP = "arp"
    ETHER = "ether"
    VXLAN = "vxlan"
    NVGRE = "nvgre"


class Shape(NamedTuple):
    """What the short form of a kind must have, and what it may have."""

    ends: bool = True
    ports: bool = False
    keys: tuple[str, ...] = ()  # besides COMMON_KEYS
    carries: bool = False  # another frame


SHAPES: Final[Mapping[Kind, Shape]] = {
    Kind.TCP: Shape(ports=True),
    Kind.UDP: Shape(ports=True),
    Kind.ICMP: Shape(),
    Kind.ARP: Shape(),
    Kind.ETHER: Shape(ends=False, keys=("type",)),
    Kind.VXLAN: Shape(keys=("vni",), carries=True),
    Kind.NVGRE: Shape(keys=("vsid",), carries=True),
}
COMMON_KEYS: Final = ("src", "dst", "vlan", "length")
ARROW, STROKE = "->", "/"
_WHOLE = re.compile(r"[0-9]{1,9}|0x[0-9A-Fa-f]{1,8}")


class End(NamedTuple):
    """Where a packet comes from or goes to."""

    address: Address
    port: int | None = None


class ShortForm(NamedTuple):
    """What was said of a frame."""

    kind: Kind
    ends: tuple[End, End] | None = None  # source, destination
    source: bytes | None = None  # MAC address, 6 octets
    destination: bytes | None = None
    vlans: tuple[int, ...] = ()  # outermost first
    length: int | None = None  # None: as short as it may be
    ethertype: int | None = None
    network: int | None = None  # VNI or VSID
    inner: "ShortForm | None" = None


def is_short_form(text: str) -> bool:
    """Whether it begins as one."""
    return text.split(",")[0] in set(Kind)


def read(text: str) -> ShortForm:
    """Read a short form. Raises ValueError, one line that names the cure."""
    outer, stroke, inside = text.partition(STROKE)
    first, *parts = outer.split(",")
    if first not in set(Kind):
        raise ValueError(f"{first!r} is no kind of frame; use one of {', '.join(Kind)}")
    kind = Kind(first)
    shape = SHAPES[kind]
    form = ShortForm(kind)
    for part in parts:
        form = _with_ends(form, part) if ARROW in part else _with_key(form, part)
    if shape.ends and form.ends is None:
        raise ValueError(f"{kind}: from where to where? write it as {example(kind)}")
    if shape.carries != bool(stroke):
        cure = "the frame inside stands behind a /" if shape.carries else "only vxlan and nvgre carry another"
        raise ValueError(f"{kind}: {cure}, as in {example(Kind.VXLAN)}")
    return form._replace(inner=_inner(inside)) if stroke else form


def example(kind: Kind) -> str:
    """One of this kind."""
    shape, ports = SHAPES[kind], (":1000", ":80")
    if not shape.ends:
        return f"{kind},dst=02:00:00:00:00:01"
    ends = ARROW.join(f"10.0.0.{last}{ports[at] * shape.ports}" for at, last in enumerate((9, 1)))
    inside = f"{STROKE}tcp,192.168.0.9:1000->192.168.0.1:80" if shape.carries else ""
    return f"{kind},{ends}{inside}"


def spelled(form: ShortForm) -> str:
    """The short form as text."""
    parts = [form.kind.value]
    if form.ends is not None:
        parts.append(ARROW.join(map(_spelled_end, form.ends)))
    outer = ",".join((*parts, *_spelled_keys(form)))
    return outer if form.inner is None else f"{outer}{STROKE}{spelled(form.inner)}"


def _inner(text: str) -> ShortForm:
    if STROKE in text:
        raise ValueError(f"{text}: a tunnel in a tunnel is more than an adapter looks into; leave one out")
    return read(text)


def _with_ends(form: ShortForm, text: str) -> ShortForm:
    if not SHAPES[form.kind].ends or form.ends is not None:
        too_many = "has no ends" if form.ends is None else "has its ends already"
        raise ValueError(f"{text}: {form.kind} {too_many}; write it as {example(form.kind)}")
    source, _, destination = text.partition(ARROW)
    ends = (_end(source, form.kind), _end(destination, form.kind))
    if ends[0].address.version != ends[1].address.version:
        raise ValueError(f"{text}: IPv4 on one side and IPv6 on the other; use one of them")
    if form.kind is Kind.ARP and ends[0].address.version != 4:
        raise ValueError(f"{text}: ARP asks for IPv4 addresses; write it as {example(form.kind)}")
    return form._replace(ends=ends)


def _end(text: str, kind: Kind) -> End:
    address, port = text, ""
    if SHAPES[kind].ports:
        address, _, port = text.rpartition(":")
    bracketed = address.startswith("[") and address.endswith("]")
    try:
        found = ip_address(address[1:-1] if bracketed else address)
    except ValueError:
        raise ValueError(f"{text!r} is no end of {kind}; write it as {example(kind)}") from None
    if bracketed != (found.version == 6) or getattr(found, "scope_id", None):
        raise ValueError(f"{text!r}: write IPv6 addresses as [fd00::1], and no others in brackets")
    return End(found, _read_port(port) if SHAPES[kind].ports else None)


def _spelled_end(end: End) -> str:
    address = f"[{end.address}]" if end.address.version == 6 else str(end.address)
    return address if end.port is None else f"{address}:{end.port}"


def _with_key(form: ShortForm, part: str) -> ShortForm:
    name, equals, text = part.partition("=")
    allowed = _keys_of(form.kind)
    if part.endswith(ARROW[0]):
        raise ValueError(f"{part}: the shell took the rest; put the frame in quotes")
    if not equals:
        raise ValueError(f"{part!r} is no part of {form.kind}; write it as {example(form.kind)}")
    if name not in allowed:
        raise ValueError(f"{part!r} is nothing that {form.kind} has; use {', '.join(allowed)}")
    key = _KEYS[name]
    value, before = key.read(text), getattr(form, key.field)
    if before is not None and not isinstance(before, tuple):
        raise ValueError(f"{part!r}: {name} is there twice; leave one out")
    changed: dict[str, Any] = {key.field: value if before is None else (*before, value)}
    return form._replace(**changed)


def _spelled_keys(form: ShortForm) -> Iterator[str]:
    for name in _keys_of(form.kind):
        key = _KEYS[name]
        value = getattr(form, key.field)
        values = value if isinstance(value, tuple) else () if value is None else (value,)
        yield from (f"{name}={key.show(each)}" for each in values)


def _keys_of(kind: Kind) -> tuple[str, ...]:
    return (*COMMON_KEYS, *SHAPES[kind].keys)


def _whole(name: str, most: int) -> Callable[[str], int]:
    """A reader of whole numbers."""

    def read_number(text: str) -> int:
        number = int(text, 16 if text.startswith("0x") else 10) if _WHOLE.fullmatch(text) else -1
        if not 0 <= number <= most:
            raise ValueError(f"{name}: {text!r} cannot be; use 0 to {most}")
        return number

    return read_number


class _Key(NamedTuple):
    field: str  # of ShortForm; a tuple may have the key several times
    read: Callable[[str], Any]
    show: Callable[[Any], str] = str


_read_port: Final = _whole("port", 0xFFFF)
_KEYS: Final[Mapping[str, _Key]] = {
    "src": _Key("source", parse_mac, format_mac),
    "dst": _Key("destination", parse_mac, format_mac),
    "vlan": _Key("vlans", _whole("vlan", 0xFFF)),
    "length": _Key("length", _whole("length", 0xFFFF)),
    "type": _Key("ethertype", _whole("type", 0xFFFF), "{:#06x}".format),
    "vni": _Key("network", _whole("vni", 0xFFFFFF)),
    "vsid": _Key("network", _whole("vsid", 0xFFFFFF)),
}
