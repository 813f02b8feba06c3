"""RSS: the published vectors, the choice of the hash type, and a table that cannot name a queue too many."""

from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import (
    IPv6,
    IPv6ExtHdrFragment,
    IPv6ExtHdrHopByHop,
)
from scapy.layers.l2 import ARP, Dot1Q

from tests.unit.vectors import PUBLISHED, VECTORS, frame_of, packet_of
from vmdqemu.nic import rss
from vmdqemu.nic.frame import parse
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_KEY, DEFAULT_TYPES, Hash, HashType, Rss

TOEPLITZ = [vector[kind] for vector in PUBLISHED for kind in ("ip_only", "tcp", "udp_derived")]
TOEPLITZ += VECTORS["derived_toeplitz"]
INPUT = st.binary(max_size=36)
KEYS = st.binary(min_size=40, max_size=40)


@pytest.mark.parametrize("vector", TOEPLITZ, ids=lambda vector: vector["input_hex"])
def test_toeplitz_gives_the_vectors(vector: dict[str, Any]) -> None:
    data = bytes.fromhex(vector["input_hex"])
    assert rss.toeplitz(DEFAULT_KEY, data) == vector["hash_int"]
    assert rss.hash_with_tables(rss.key_tables(DEFAULT_KEY), data) == vector["hash_int"]


@given(KEYS, INPUT)
def test_the_tables_agree_with_the_definition(key: bytes, data: bytes) -> None:
    assert rss.hash_with_tables(rss.key_tables(key), data) == rss.toeplitz(key, data)


@given(KEYS, st.lists(st.tuples(st.integers(0, 255), st.integers(0, 255)), max_size=36))
def test_toeplitz_is_linear(key: bytes, pairs: list[tuple[int, int]]) -> None:
    left, right = (bytes(octets) for octets in (zip(*pairs, strict=True) if pairs else ((), ())))
    both = bytes(a ^ b for a, b in pairs)
    assert rss.toeplitz(key, both) == rss.toeplitz(key, left) ^ rss.toeplitz(key, right)


@given(KEYS, INPUT)
def test_zeros_hash_to_zero_and_the_first_bit_to_the_first_32_bits_of_the_key(
    key: bytes, data: bytes
) -> None:
    assert rss.toeplitz(key, bytes(len(data))) == 0
    assert rss.toeplitz(key, b"\x80" + bytes(35)) == int.from_bytes(key[:4], "big")


@pytest.mark.parametrize("vector", PUBLISHED, ids=lambda vector: vector["id"])
@pytest.mark.parametrize("kind", ["ip_only", "tcp", "udp_derived"])
@pytest.mark.parametrize("tagged", [False, True])
def test_a_frame_takes_the_queue_of_the_published_hash(
    vector: dict[str, Any], kind: str, tagged: bool
) -> None:
    ports = {"sport": vector["src_port"], "dport": vector["dst_port"]}
    packet = packet_of(vector, {"ip_only": None, "tcp": TCP(**ports), "udp_derived": UDP(**ports)}[kind])
    expected = vector[kind]
    for entries, index in expected["table_index"].items():
        settings = Rss.spread(int(entries), types=ALL_TYPES, entries=int(entries))
        seen = rss.hash_frame(frame_of(Dot1Q(vlan=7, prio=3) / packet if tagged else packet), settings)
        assert seen is not None
        assert (seen.value, seen.type.ndis_name) == (expected["hash_int"], expected["hash_type"])
        assert rss.queue_index(seen, settings) == index


def test_hash_types_have_their_ndis_values_and_names() -> None:
    values = {name: int(value, 16) for name, value in VECTORS["hash_type_flags"].items()}
    assert all(values[kind.ndis_name] == kind for kind in HashType)
    assert (HashType.IPV4 | HashType.UDP_IPV6).ndis_name == "NDIS_HASH_IPV4|NDIS_HASH_UDP_IPV6"
    assert set(ALL_TYPES) == set(HashType)
    assert set(ALL_TYPES & ~DEFAULT_TYPES) == {HashType.UDP_IPV4, HashType.UDP_IPV6, *rss.EX_TYPES}


V4, V6 = IP(src="10.0.0.1", dst="10.0.0.2"), IPv6(src="fd00::1", dst="fd00::2")
SELECTION = {
    "t-1": V4 / TCP(),
    "t-3": V4 / ICMP(),
    "t-5": IP(src="10.0.0.1", dst="10.0.0.2", frag=185) / TCP(),
    "t-7": IP(src="10.0.0.1", dst="10.0.0.2", flags="MF") / TCP(),
    "t-9": V4 / UDP(),
    "t-11": IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption_NOP()] * 4) / TCP(),
    "t-13": V6 / IPv6ExtHdrFragment() / TCP(),
    "t-15": ARP(),
}


@pytest.mark.parametrize("case", VECTORS["hash_type_selection_cases"], ids=lambda case: case["id"])
def test_the_hash_type_is_chosen_as_published(case: dict[str, Any]) -> None:
    enabled = HashType(0)
    for name in case["enabled"]:
        enabled |= HashType[name]
    used = case["hash_type_used"]
    assert rss.hash_type(frame_of(SELECTION[case["id"]]), enabled) == (used and HashType[used])


@pytest.mark.parametrize("ip", [4, 6])
@pytest.mark.parametrize("transport", ["TCP", "UDP"])
def test_the_transport_type_wins_then_ip_then_nothing(ip: int, transport: str) -> None:
    other = {"TCP": "UDP", "UDP": "TCP"}[transport]
    specific, general, wrong = (HashType[name + f"IPV{ip}"] for name in (f"{transport}_", "", f"{other}_"))
    frame = frame_of({4: V4, 6: V6}[ip] / {"TCP": TCP, "UDP": UDP}[transport]())
    plain = ALL_TYPES & ~HashType(sum(rss.EX_TYPES))
    for enabled, used in [
        (plain, specific),
        (specific, specific),
        (plain & ~specific, general),
        (wrong | general, general),
        (wrong, None),
        (plain & ~(specific | general), None),
        (HashType(0), None),
    ]:
        assert rss.hash_type(frame, enabled) == used


def test_a_packet_too_short_for_ports_is_hashed_by_its_addresses() -> None:
    assert rss.hash_type(frame_of(IP(proto=6) / b"\x9c\x40\x13"), ALL_TYPES) == HashType.IPV4


def test_extension_headers_do_not_change_the_hash() -> None:
    settings = Rss.spread(4, types=ALL_TYPES)
    plain, extended = (V6 / TCP(sport=1, dport=2), V6 / IPv6ExtHdrHopByHop() / TCP(sport=1, dport=2))
    assert rss.hash_frame(frame_of(extended), settings) == rss.hash_frame(frame_of(plain), settings)


@given(st.binary(max_size=120), st.sampled_from([b"", b"\x08\x00\x45", b"\x86\xdd\x60"]), st.integers(1, 8))
def test_any_octets_get_a_queue(octets: bytes, start: bytes, queues: int) -> None:
    settings = Rss.spread(queues, types=ALL_TYPES)
    assert (
        0 <= rss.queue_index(rss.hash_frame(parse(bytes(12) + start + octets), settings), settings) < queues
    )


def test_a_frame_without_a_hash_takes_the_default_queue_and_not_the_table() -> None:
    settings = Rss(DEFAULT_KEY, DEFAULT_TYPES, table=(1, 2), default=3)
    assert rss.hash_frame(frame_of(ARP()), settings) is None
    assert rss.queue_index(None, settings) == 3
    assert rss.queue_index(Hash(HashType.IPV4, 0), settings) == 1


@pytest.mark.parametrize("queues", [1, 3, 4, 64])
def test_spread_gives_every_queue_its_share_in_turn(queues: int) -> None:
    settings = Rss.spread(queues)
    assert settings.table == tuple(entry % queues for entry in range(128))
    assert (settings.key, settings.types, settings.default) == (DEFAULT_KEY, DEFAULT_TYPES, 0)


@pytest.mark.parametrize("ip", ["IPV4", "IPV6", "IPV6_EX"])
def test_only_tcp_and_udp_without_ip_is_an_illegal_combination(ip: str) -> None:
    family = [HashType[name + ip] for name in ("", "TCP_", "UDP_")]
    for size in range(4):
        for members in combinations(family, size):
            types = HashType(sum(members))
            if members == tuple(family[1:]):
                with pytest.raises(ValueError, match=rf"^types: .* add NDIS_HASH_{ip}$"):
                    rss.check_hash_types(types)
            else:
                rss.check_hash_types(types)


GOOD = Rss.spread(4)


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (GOOD._replace(key=b""), r"^key: 0 octets; use 40$"),
        (GOOD._replace(key=bytes(39)), r"^key: 39 octets; use 40$"),
        (GOOD._replace(key=bytes(41)), r"^key: 41 octets; use 40$"),
        (GOOD._replace(types=HashType(0x20000)), r"^types: unknown bits 0x20000; use NDIS_HASH_IPV4\|"),
        (GOOD._replace(table=()), r"^table: 0 entries; use a power of two from 2 to 128$"),
        (GOOD._replace(table=(0,)), r"^table: 1 entries; "),
        (GOOD._replace(table=(0,) * 3), r"^table: 3 entries; "),
        (GOOD._replace(table=(0,) * 129), r"^table: 129 entries; "),
        (GOOD._replace(table=(0,) * 256), r"^table: 256 entries; "),
        (GOOD._replace(table=(0, 4)), r"^table\[1\]: queue 4 does not exist; use 0 to 3$"),
        (GOOD._replace(table=(-1, 0)), r"^table\[0\]: queue -1 does not exist; use 0 to 3$"),
        (GOOD._replace(table=(0, 65536)), r"^table\[1\]: queue 65536 does not exist; "),
        (GOOD._replace(default=4), r"^default: queue 4 does not exist; use 0 to 3$"),
    ],
)
def test_a_bad_parameter_is_refused_by_its_name(bad: Rss, message: str) -> None:
    rss.check(GOOD, queues=4)
    with pytest.raises(ValueError, match=message):
        rss.check(bad, queues=4)


@pytest.mark.parametrize(
    ("queues", "entries", "field"),
    [(0, 128, "queues"), (-1, 128, "queues"), (4, 0, "table"), (4, 1 << 60, "table")],
)
def test_spread_refuses_impossible_sizes_before_it_fills_a_table(
    queues: int, entries: int, field: str
) -> None:
    with pytest.raises(ValueError, match=f"^{field}: "):
        Rss.spread(queues, entries=entries)
