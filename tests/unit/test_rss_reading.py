"""RSS parameters as an operator writes them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.nic.rss import DEFAULT_KEY, HashType
from vmdqemu.nic.rss_reading import read_entries, read_key, read_types, show_entries
from vmdqemu.nic.scaling_entity import DEFAULT_PROCESSOR, PRIMARY_PROCESSOR


@pytest.mark.parametrize("text", [DEFAULT_KEY.hex(), DEFAULT_KEY.hex().upper(), DEFAULT_KEY.hex(":")])
def test_a_key_is_read_with_and_without_colons(text: str) -> None:
    assert read_key(text) == DEFAULT_KEY


@pytest.mark.parametrize(
    ("text", "fault"), [("", "has 0 octets"), ("00" * 41, "has 41"), ("xy", "is not hex")]
)
def test_another_key_is_refused(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=f"^{fault}.*; use 40 octets in hex$"):
        read_key(text)


@pytest.mark.parametrize("kind", HashType)
def test_a_hash_type_is_read_by_its_name_and_by_its_ndis_name(kind: HashType) -> None:
    assert read_types([kind.ndis_name]) == read_types([str(kind.name).lower()]) == kind


def test_several_types_are_joined_and_none_hashes_nothing() -> None:
    assert read_types(["IPV4", "tcp_ipv4", "NDIS_HASH_IPV6"]) == (
        HashType.IPV4 | HashType.TCP_IPV4 | HashType.IPV6
    )
    assert read_types([]) == HashType(0)


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["TCP"], "^'TCP' is no hash type; use any of IPV4, TCP_IPV4, "),
        (["TCP_IPV6", "UDP_IPV6"], "^NDIS_HASH_TCP_IPV6|NDIS_HASH_UDP_IPV6 is not legal alone; add "),
    ],
)
def test_unknown_and_illegal_types_are_refused(names: list[str], fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        read_types(names)


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("0", (0,)),
        ("0-3, 7", (0, 1, 2, 3, 7)),
        ("7-7", (7,)),
        ("default", (DEFAULT_PROCESSOR,)),
        ("primary,2", (PRIMARY_PROCESSOR, 2)),
        ("all", (*range(8), DEFAULT_PROCESSOR)),
    ],
)
def test_entries_are_numbers_ranges_and_the_two_others(text: str, entries: tuple[int, ...]) -> None:
    assert read_entries(text, 8) == entries


@pytest.mark.parametrize("text", ["", "8", "0-8", "3-2", "-1", "1-", "a", "0,,1", "all,1", "1 2", "9999"])
def test_what_is_no_entry_of_the_table_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="; use "):
        read_entries(text, 8)


@given(st.sets(st.integers(0, 127) | st.sampled_from([DEFAULT_PROCESSOR, PRIMARY_PROCESSOR]), min_size=1))
def test_entries_that_are_shown_can_be_read(entries: set[int]) -> None:
    assert list(read_entries(show_entries(entries), 128)) == sorted(entries)


def test_successive_entries_are_shown_as_a_range() -> None:
    assert show_entries([40, 3, 2, 1, DEFAULT_PROCESSOR, PRIMARY_PROCESSOR]) == "1-3,40,primary,default"
