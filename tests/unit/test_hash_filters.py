"""The 12 bits that a hash filter keeps of an address, in its four forms."""

import pytest

from vmdqemu.nic.hash_filters import FORMS, hash_of, octets_of

# ixgbe_mta_vector, worked out for five addresses
VECTORS = {
    "01005e0000fb": (0xFB0, 0xF60, 0xEC0, 0xB00),
    "333300000001": (0x010, 0x020, 0x040, 0x100),
    "525400120003": (0x030, 0x060, 0x0C0, 0x300),
    "0180c200000e": (0x0E0, 0x1C0, 0x380, 0xE00),
    "020000000055": (0x550, 0xAA0, 0x540, 0x500),
}


@pytest.mark.parametrize("form", range(FORMS))
@pytest.mark.parametrize("address", VECTORS)
def test_the_hash_of_an_address_in_each_form(address: str, form: int) -> None:
    assert hash_of(bytes.fromhex(address), form) == VECTORS[address][form]


def test_only_the_last_two_octets_count_so_collisions_are_easy() -> None:
    assert hash_of(bytes.fromhex("01005e0000fb"), 0) == hash_of(bytes.fromhex("01005e0100fb"), 0)


@pytest.mark.parametrize("form", range(FORMS))
def test_there_is_an_address_for_every_hash(form: int) -> None:
    found = [hash_of(bytes(4) + octets_of(value, form), form) for value in range(1 << 12)]
    assert found == list(range(1 << 12))
