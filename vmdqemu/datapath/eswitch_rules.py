"""The eswitch's rules: the silicon's half of decide(), asked about every address and every VLAN there is.

`compile_rules` writes the answers down as bpf/eswitch_rules.h reads them. What it has no rule for is like
nobody's address, or like a VLAN that nobody is in.
"""

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

from vmdqemu.nic import hash_filters, switch
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import ANY_VLAN, RESERVED_GROUP, Vlan
from vmdqemu.nic.frame import BROADCAST, RESERVED_VID, Frame
from vmdqemu.nic.tables import Tables

WIRE, PF, FIRST_VF = range(3)  # ports of the eswitch
MAX_RULES: Final = 16384

# In the order of the program's; 0 is no reason.
REASONS: Final = (
    DropReason.TRUNCATED_TAG,
    DropReason.RESERVED_VID,
    DropReason.OVERSIZE,
    DropReason.SOURCE_MAC_IS_MULTICAST,
    DropReason.QUEUE_DISABLED,
    DropReason.TAG_NOT_ALLOWED,
    DropReason.ANTI_SPOOF_VLAN,
    DropReason.ANTI_SPOOF_MAC,
    DropReason.RESERVED_MULTICAST,
    DropReason.NO_POOL,
    DropReason.VFRE_OFF,
    DropReason.PORT_LOOPBACK_FILTER,
    DropReason.PORT_LIST_IS_EMPTY,
    DropReason.EGRESS_DOWN,
    DropReason.EGRESS_ERROR,
)

KEY = Struct("=BBH6s2x")  # kind, port, VLAN, address
_WAYS = Struct("=QBBB5x")  # VFs, PF, wire, reason
RULE = Struct(f"={_WAYS.size}s{_WAYS.size}sQIHH6s2x")

_TO_ADDRESS, _TO_UNICAST, _TO_GROUP, _SENDER, _SOURCE, _MEMBER, _OWNERS = range(7)
_UNTAGGED, _OTHER_VLAN = 0x1000, 0x1001
_CHECKS_SOURCE, _CHECKS_VLAN, _TAKES_NO_TAG, _INSERTS_TAG = 1, 2, 4, 8
_HEARS_ITSELF, _SILENT, _HASHES, _PRUNES = 16, 32, 64, 128
_HASHED: Final = 1  # in the place of a port

_NO_MAC = bytes(6)
_RESERVED: Final = frozenset(RESERVED_GROUP + bytes([last]) for last in range(0x10))
_A_VF: Final = -1  # as a sender: none of ours, for the program leaves the sender out itself


class _Kind(NamedTuple):
    """Frames that have one answer."""

    key: bytes
    frame: Frame  # one of them
    hashes: int | None = None  # where others differ by their hash: its form


def compile_rules(tables: Tables) -> dict[bytes, bytes]:
    """Each rule by its key; none without VFs."""
    if not tables.vfs:
        return {}
    stripped = _bits(tuple(vf.function for vf in tables.vfs.values() if vf.vport.strips))
    forwarding = {kind.key: _forwarding(kind, tables, stripped) for kind in _kinds(tables)}
    sending = {key: rule for number in tables.vfs for key, rule in _sending(number, tables)}
    return forwarding | sending | dict(_owners(tables))


def _kinds(tables: Tables) -> Iterator[_Kind]:
    known = tables.addresses.keys() | tables.filters.keys() | {(mac, ANY_VLAN) for mac in _RESERVED}
    vlans = {vlan for _, vlan in known} | {None}
    if tables.pooling is not None:  # a chip's VLANs are its pools', not its addresses'
        macs = {*tables.pooling.exact, *(mac for mac, _ in known), BROADCAST}
        known = {(mac, vlan) for mac in macs for vlan in vlans}
    for mac, vlan in known:
        for vid, number in _tags(vlan):
            yield _Kind(KEY.pack(_TO_ADDRESS, 0, number, mac), Frame(0, mac, vlan=vid))
    beginnings = {mac[:4] for mac, _ in known}
    for kind, first in ((_TO_UNICAST, 0xFE), (_TO_GROUP, 0xFF)):
        nobody = next(begin for last in range(256) if (begin := bytes([first, 0, 0, last])) not in beginnings)
        for vid, number in (tag for vlan in vlans for tag in _tags(vlan)):
            yield from _strangers(kind, nobody, vid, number, tables)


def _tags(vlan: Vlan) -> tuple[tuple[int | None, int], ...]:
    """How frames in a VLAN are tagged, and as what the program looks for it."""
    if vlan is None:
        return (None, _UNTAGGED), (0, 0)
    return ((RESERVED_VID, _OTHER_VLAN),) if vlan == ANY_VLAN else ((vlan, vlan),)


def _strangers(kind: int, nobody: bytes, vid: int | None, number: int, tables: Tables) -> Iterator[_Kind]:
    """Addresses that nobody has, those in a chip's hash table apart. nobody: how they begin."""
    form, hashes = 0, frozenset[int]()
    if tables.pooling is not None:
        form = tables.pooling.hash_form
        hashes = tables.pooling.multicast_table if kind == _TO_GROUP else tables.pooling.unicast_table
    missed = next(value for value in range(len(hashes) + 1) if value not in hashes)

    def stranger(value: int) -> Frame:
        return Frame(0, nobody + hash_filters.octets_of(value, form), vlan=vid)

    yield _Kind(KEY.pack(kind, 0, number, _NO_MAC), stranger(missed), form if hashes else None)
    for value in hashes:
        yield _Kind(KEY.pack(kind, _HASHED, number, value.to_bytes(6, "little")), stranger(value))


def _forwarding(kind: _Kind, tables: Tables, stripped: int) -> bytes:
    """What the silicon drops of what comes from the wire decide() drops at the PF, and says why."""
    came = switch.receive(kind.frame, tables)
    from_wire = _WAYS.pack(_bits(came.vfs), bool(came.queues) or came.drop is not None, False, 0)
    sent = switch.forward(kind.frame, _A_VF, kind.frame.vlan, tables)
    on_pf = bool(sent.pools - tables.vfs.keys())
    inside = _WAYS.pack(_bits(tables.functions(sent.pools)), on_pf, sent.wire, _number(sent.drop))
    flags, shift = (0, 0) if kind.hashes is None else (_HASHES, hash_filters.SHIFTS[kind.hashes])
    flags |= _PRUNES * (tables.pooling is not None and tables.pooling.prunes_sources)
    return RULE.pack(from_wire, inside, stripped, tables.max_frame, flags, shift, _NO_MAC)


def _bits(vfs: tuple[int, ...]) -> int:
    return sum(1 << vf for vf in vfs)


def _number(drop: DropReason | None) -> int:
    return 0 if drop is None else 1 + REASONS.index(drop)


def _sending(number: int, tables: Tables) -> Iterator[tuple[bytes, bytes]]:
    """What a VF may send: how it is checked, from which addresses, and in which VLANs."""
    function, vport, _ = tables.vfs[number]
    port = FIRST_VF + function
    flags = _CHECKS_SOURCE * vport.spoof_check | _CHECKS_VLAN * vport.vlan_check
    flags |= _TAKES_NO_TAG * (vport.untagged_only or vport.vlan is not None)
    flags |= _INSERTS_TAG * (vport.vlan is not None) | _SILENT * (not vport.transmit)
    if tables.pooling is not None and number in tables.pooling.own_frames:
        flags |= _HEARS_ITSELF
    to_itself = _WAYS.pack(0, False, False, _number(_drop_of_own(number, tables)))
    tag = vport.priority << 13 | (vport.vlan or 0)
    first = vport.macs[0] if vport.macs else BROADCAST  # which nobody may send from
    rule = RULE.pack(b"", to_itself, 0, tables.max_frame, flags, tag, first)
    yield KEY.pack(_SENDER, port, 0, _NO_MAC), rule
    nothing = bytes(RULE.size)
    for mac in vport.macs:
        yield KEY.pack(_SOURCE, port, 0, mac), nothing
    for vlan in vport.vlans:
        if vlan is not None:
            yield KEY.pack(_MEMBER, port, vlan, _NO_MAC), nothing


def _drop_of_own(number: int, tables: Tables) -> DropReason | None:
    """Why a VF does not get what it sends to itself."""
    vport = tables.vfs[number].vport
    own = Frame(0, vport.macs[0] if vport.macs else _NO_MAC)
    return switch.forward(own, number, vport.vlan, tables).drop


def _owners(tables: Tables) -> Iterator[tuple[bytes, bytes]]:
    """The VFs that do not get back what they sent, by their address."""
    if tables.pooling is None or not tables.pooling.prunes_sources:
        return
    for mac, pools in tables.pooling.exact.items():
        ways = _WAYS.pack(_bits(tables.functions(pools)), False, False, 0)
        yield KEY.pack(_OWNERS, 0, 0, mac), RULE.pack(ways, b"", 0, 0, 0, 0, _NO_MAC)
