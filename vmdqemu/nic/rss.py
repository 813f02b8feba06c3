"""Receive side scaling: from a frame to a hash, and from the hash to a queue of its VPort.

Theory of operation: `hash_type` chooses which header fields are hashed, Toeplitz hashes them with the key,
and the low bits of the hash index the indirection table. A frame without a hash does not use the table: it
goes to the default queue (X550 7.1.3.6). A flow stays on one queue as long as key, types and table stay.

The _EX types hash a mobile node by its home address: IPv6 packets with a home address option or a routing
header of type 2 are theirs, the others the plain types'; each set stands in where the other has no type that
fits.

In a tunnel that the adapter looks into, the inner packet's TCP or UDP flow is hashed. Where it has none, or
that type is not enabled, the outer addresses are, without ports.

Toeplitz stands here twice. `toeplitz` is its definition, which the tests compare with; frames are hashed by
`hash_with_tables`. The hash is linear, hash(a ^ b) = hash(a) ^ hash(b), so the share of each value of each
input octet can be looked up.

Sources: NDIS: rss-hashing-types, rss-hashing-functions, rss-configuration,
supporting-nvgre-in-rss-and-vmq-receive-task-offloads; X550 7.1.3.6.
"""

from enum import IntFlag
from functools import lru_cache
from typing import Final, NamedTuple, Self

from vmdqemu.nic import words
from vmdqemu.nic.frame import Frame
from vmdqemu.nic.packet import NO_PROTOCOL, PROTOCOL_TCP, PROTOCOL_UDP, Packet
from vmdqemu.nic.steps import Take, explained, plainly

KEY_OCTETS: Final = 40  # for every hash type (NDIS: rss-hashing-functions)
MIN_ENTRIES: Final = 2  # of an indirection table: every power of two from here
MAX_ENTRIES: Final = 128  # to here (NDIS: rss-configuration, X550 7.1.3.6)
MAX_CACHED_KEYS: Final = 64  # ours: one for each of 64 VPorts, 0.4 MB each

# The key of the published vectors (NDIS: verifying-the-rss-hash-calculation), and most drivers' default.
DEFAULT_KEY: Final = bytes.fromhex(
    "6d5a56da255b0ec24167253d43a38fb0d0ca2bcbae7b30b477cb2da38030f20c6a42b73bbeac01fa"
)


class HashType(IntFlag):
    """Which header fields are hashed: the NDIS_HASH_* values (NDIS: rss-hashing-types)."""

    IPV4 = 0x100  # addresses, 8 octets
    TCP_IPV4 = 0x200  # addresses and ports, 12 octets
    IPV6 = 0x400  # addresses, 32 octets
    IPV6_EX = 0x800  # home addresses, 32 octets
    TCP_IPV6 = 0x1000  # addresses and ports, 36 octets
    TCP_IPV6_EX = 0x2000  # home addresses and ports, 36 octets
    UDP_IPV4 = 0x4000  # addresses and ports, 12 octets
    UDP_IPV6 = 0x8000  # addresses and ports, 36 octets
    UDP_IPV6_EX = 0x10000  # home addresses and ports, 36 octets

    @property
    def ndis_name(self) -> str:
        """`NDIS_HASH_TCP_IPV4`; several types are joined by `|`."""
        return "|".join(f"NDIS_HASH_{member.name}" for member in self)


class _Family(NamedTuple):
    """One set of hash types that go together."""

    ip: HashType
    tcp: HashType
    udp: HashType


_IPV4 = _Family(HashType.IPV4, HashType.TCP_IPV4, HashType.UDP_IPV4)
_IPV6 = _Family(HashType.IPV6, HashType.TCP_IPV6, HashType.UDP_IPV6)
_IPV6_EX = _Family(HashType.IPV6_EX, HashType.TCP_IPV6_EX, HashType.UDP_IPV6_EX)
_FAMILIES = (_IPV4, _IPV6, _IPV6_EX)
EX_TYPES: Final = frozenset(_IPV6_EX)
WITH_PORTS: Final = frozenset(kind for family in _FAMILIES for kind in (family.tcp, family.udp))
# "The type of data received determines which hash type the NIC uses" (NDIS: rss-hashing-types).
_SETS = {(4, False): (_IPV4,), (6, False): (_IPV6, _IPV6_EX), (6, True): (_IPV6_EX, _IPV6)}

# Linux' choice (ixgbe_setup_mrqc). UDP is off: a fragment is hashed without ports, so a flow with some
# datagrams fragmented would be split over two queues (NDIS: rss-hashing-types).
DEFAULT_TYPES: Final = HashType.IPV4 | HashType.TCP_IPV4 | HashType.IPV6 | HashType.TCP_IPV6
ALL_TYPES: Final = HashType(sum(HashType))

KeyTables = tuple[tuple[int, ...], ...]  # [input octet's position][its value]: its share of the hash


class Hash(NamedTuple):
    """What the adapter reports with a hashed frame."""

    type: HashType  # the one type that was used
    value: int  # 32 bits


class Rss(NamedTuple):
    """The RSS parameters of one VPort. Legal once `check` has passed."""

    key: bytes  # 40 octets
    types: HashType  # enabled
    table: tuple[int, ...]  # the indirection table: queues, counted from 0 inside the VPort
    default: int = 0  # the queue of frames without a hash

    @classmethod
    def spread(
        cls,
        queues: int,
        key: bytes = DEFAULT_KEY,
        types: HashType = DEFAULT_TYPES,
        entries: int = MAX_ENTRIES,
    ) -> Self:
        """Spread evenly over `queues`: entry i names queue i mod `queues`, as ixgbe fills its table.

        Raises ValueError as `check` does.
        """
        _check_sizes(queues, entries)
        rss = cls(key, types, tuple(entry % queues for entry in range(entries)))
        check(rss, queues)
        return rss


def check(rss: Rss, queues: int) -> None:
    """Raise ValueError, naming the field and the cure, if a VPort with `queues` queues cannot take `rss`."""
    _check_sizes(queues, len(rss.table))
    if len(rss.key) != KEY_OCTETS:
        raise ValueError(f"key: {len(rss.key)} octets; use {KEY_OCTETS}")
    check_hash_types(rss.types)
    for index, queue in enumerate(rss.table):
        _check_queue(f"table[{index}]", queue, queues)
    _check_queue("default", rss.default, queues)


def _check_sizes(queues: int, entries: int) -> None:
    if queues < 1:
        raise ValueError(f"queues: {queues}; use at least 1")
    if not MIN_ENTRIES <= entries <= MAX_ENTRIES or entries.bit_count() != 1:
        raise ValueError(f"table: {entries} entries; use a power of two from {MIN_ENTRIES} to {MAX_ENTRIES}")


def _check_queue(field: str, queue: int, queues: int) -> None:
    if not 0 <= queue < queues:
        raise ValueError(f"{field}: queue {queue} does not exist; use 0 to {queues - 1}")


def check_hash_types(types: HashType) -> None:
    """Raise ValueError if the combination is not legal. No type at all is: then nothing is hashed.

    Inside a family every combination is legal but TCP and UDP without IP (NDIS: rss-hashing-types).
    """
    unknown = int(types) & ~int(ALL_TYPES)
    if unknown:
        raise ValueError(f"types: unknown bits {unknown:#x}; use {ALL_TYPES.ndis_name}")
    for ip, tcp, udp in _FAMILIES:
        if types & (ip | tcp | udp) == tcp | udp:
            raise ValueError(f"types: {(tcp | udp).ndis_name} is not legal alone; add {ip.ndis_name}")


def hash_frame(frame: Frame, rss: Rss, take: Take = plainly) -> Hash | None:
    """Hash the frame by the most specific enabled type that fits it; None if none does."""
    chosen = take(hash_type, frame, rss.types)
    if chosen is None:
        return None
    data = take(hash_input, frame, chosen)
    return Hash(chosen, take(hash_value, rss.key, data))


@explained("NDIS: rss-hashing-functions", words.hash_value)
def hash_value(key: bytes, data: bytes) -> int:
    """The Toeplitz hash of `data`, at most 36 octets."""
    return hash_with_tables(key_tables(key), data)


def table_index(value: int, rss: Rss) -> int:
    """The entry of the indirection table that the low bits of a hash name."""
    return value & (len(rss.table) - 1)


@explained("X550 7.1.3.6", words.queue_index)
def queue_index(frame_hash: Hash | None, rss: Rss) -> int:
    """The queue, counted from 0 inside the VPort, of a frame with this hash."""
    if frame_hash is None:
        return rss.default  # the table is not used (X550 7.1.3.6)
    return rss.table[table_index(frame_hash.value, rss)]


@explained("NDIS: rss-hashing-types", words.hash_type)
def hash_type(frame: Frame, enabled: HashType) -> HashType | None:
    """The type that this frame is hashed by, or None.

    A fragment, the first included, has no ports here and so never gets a TCP or UDP type; nor has a packet
    too short for them. One whose extension headers cannot be skipped has no hash (NDIS: rss-hashing-types).
    """
    if frame.protocol == NO_PROTOCOL:
        return None
    if frame.inner is None:
        return choose(frame.ip, bool(frame.home), _transport(frame), enabled)
    inner = choose(frame.inner.ip, bool(frame.inner.home), _transport(frame.inner), enabled)
    return inner if inner in WITH_PORTS else choose(frame.ip, bool(frame.home), NO_PROTOCOL, enabled)


def _transport(packet: Frame | Packet) -> int:
    return packet.protocol if packet.ports else NO_PROTOCOL


@lru_cache
def choose(ip: int, mobile: bool, protocol: int, enabled: HashType) -> HashType | None:
    """TCP or UDP if enabled, else IP if enabled (X550 7.1.3.6). `protocol`: of a packet that has ports."""
    for family in _SETS.get((ip, mobile), ()):
        transport = {PROTOCOL_TCP: family.tcp, PROTOCOL_UDP: family.udp}.get(protocol, family.ip)
        for kind in (transport, family.ip):
            if kind & enabled:
                return kind
    return None


@explained("NDIS: rss-hashing-types", words.hash_input)
def hash_input(frame: Frame, chosen: HashType) -> bytes:
    """The octets hashed for a type: source address, destination address, source port, destination port."""
    hashed = frame if frame.inner is None or chosen not in WITH_PORTS else frame.inner
    home = hashed.home if chosen in EX_TYPES else b""
    addresses = home or hashed.addresses
    return addresses + hashed.ports if chosen in WITH_PORTS else addresses


def toeplitz(key: bytes, data: bytes) -> int:
    """The 32-bit hash, word for word (NDIS: rss-hashing-functions).

    For every 1 bit of the input, its most significant bit first, the left-most 32 bits of the key are xored
    into the result; for every bit, 1 or 0, the key moves left by one.
    """
    register, beyond = int.from_bytes(key, "big"), len(key) * 8 - 32
    result = 0
    for octet in data:
        for bit in range(7, -1, -1):
            if octet >> bit & 1:
                result ^= register >> beyond & 0xFFFFFFFF
            register <<= 1
    return result


def hash_with_tables(tables: KeyTables, data: bytes) -> int:
    """The same hash by look-up. data: at most len(tables) octets; fewer use the first tables."""
    result = 0
    for table, octet in zip(tables, data, strict=False):
        result ^= table[octet]
    return result


@lru_cache(maxsize=MAX_CACHED_KEYS)
def key_tables(key: bytes) -> KeyTables:
    """The shares of input octets under this key: 36 tables of 256 for 40 octets of key."""
    register = int.from_bytes(key, "big")
    # An octet's 8 bits meet 8 + 31 bits of the key; what lies under the last of them is shifted out.
    return tuple(_octet_table(register >> under) for under in range(len(key) * 8 - 39, 0, -8))


def _octet_table(register: int) -> tuple[int, ...]:
    """The shares of one octet's 256 values; its last bit meets the lowest 32 bits of `register`."""
    shares = [0]
    for bit in range(8):  # the least significant first: each bit doubles the table
        window = register >> bit & 0xFFFFFFFF
        shares += [share ^ window for share in shares]
    return tuple(shares)
