"""Hash filters: one bit stands for every address with the same 12 bits (MTA for groups, UTA for unicast)."""

from typing import Final

SHIFTS: Final = (4, 3, 2, 0)  # by filter type (MCSTCTRL.MO, RCTL.MO)
FORMS: Final = len(SHIFTS)


def hash_of(mac: bytes, form: int) -> int:
    """The 12 bits of an address: of its last two octets, so collisions are easy (ixgbe_mta_vector)."""
    return (mac[5] << 8 | mac[4]) >> SHIFTS[form] & 0xFFF


def octets_of(value: int, form: int) -> bytes:
    """The last two octets of an address that has these 12 bits."""
    return (value << SHIFTS[form]).to_bytes(2, "little")
