"""Receive filters: what matches, and which addresses and VLANs are special."""

import pytest

from tests.unit.builders import GROUP, STRANGER, mac
from vmdqemu.nic import filters
from vmdqemu.nic.frame import BROADCAST

FILTERS = {(mac(1), None): 1, (mac(2), 10): 2, (mac(1), 10): 3}


@pytest.mark.parametrize(
    ("destination", "vlan", "owner"),
    [
        (mac(1), None, 1),
        (mac(1), 10, 3),  # the same address in another VLAN is another filter
        (mac(2), 10, 2),
        (mac(2), None, None),
        (mac(2), 20, None),
        (STRANGER, None, None),
    ],
)
def test_a_filter_matches_its_address_in_its_vlan_alone(
    destination: bytes, vlan: int | None, owner: int | None
) -> None:
    assert filters.match(FILTERS, destination, vlan) == owner


@pytest.mark.parametrize(("vid", "vlan"), [(None, None), (0, None), (1, 1), (4094, 4094)])
def test_a_priority_tag_carries_no_vlan(vid: int | None, vlan: int | None) -> None:
    assert filters.vlan_of(vid) == vlan


@pytest.mark.parametrize(
    ("vlan", "legal"), [(None, True), (0, False), (1, True), (4094, True), (4095, False), (-1, False)]
)
def test_a_vlan_is_1_to_4094(vlan: int | None, legal: bool) -> None:
    assert filters.is_vlan(vlan) is legal


@pytest.mark.parametrize("last", range(0x10))
def test_sixteen_group_addresses_stay_on_their_link(last: int) -> None:
    assert filters.is_reserved_group(bytes.fromhex("0180c20000") + bytes([last]))


@pytest.mark.parametrize(
    "destination",
    [bytes.fromhex("0180c2000010"), bytes.fromhex("0180c200ff00"), GROUP, BROADCAST, STRANGER],
    ids=bytes.hex,
)
def test_every_other_address_is_switched(destination: bytes) -> None:
    assert not filters.is_reserved_group(destination)
