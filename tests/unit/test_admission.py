"""What the port lets in: no pool sees anything else."""

from typing import Any

import pytest

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, mac, parsed
from tests.unit.chips import registers
from vmdqemu.nic import switch
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST
from vmdqemu.nic.models import I82576, I82599, X550, Model

CLOSED = {"unicast": False, "multicast": False, "broadcast": False}
COLLIDING = bytes.fromhex("01005e0100fb")  # with GROUP, in every form: its last two octets


def drop(destination: bytes, vids: tuple[int, ...] = (), **port: Any) -> DropReason | None:
    return switch.receive(parsed(destination, OUTSIDE, vids), registers(**{**CLOSED, **port})).drop


@pytest.mark.parametrize(
    ("destination", "opens"),
    [
        (STRANGER, {"unicast": True}),
        (STRANGER, {"unicast_table": frozenset({STRANGER})}),
        (GROUP, {"multicast": True}),
        (GROUP, {"multicast_table": frozenset({GROUP})}),
        (GROUP, {"multicast_table": frozenset({COLLIDING})}),
        (GROUP, {"groups": {GROUP: frozenset({1})}}),
        (BROADCAST, {"broadcast": True}),
        (BROADCAST, {"multicast": True}),
    ],
)
def test_an_address_gets_in_by_the_registers_of_its_cast(destination: bytes, opens: dict[str, Any]) -> None:
    assert drop(destination) is DropReason.L2_ADMISSION
    assert drop(destination, **opens) is None


@pytest.mark.parametrize(
    ("destination", "other"),
    [
        (STRANGER, {"multicast": True, "broadcast": True, "multicast_table": frozenset({GROUP})}),
        (GROUP, {"unicast": True, "broadcast": True, "unicast_table": frozenset({STRANGER})}),
        (BROADCAST, {"unicast": True, "multicast_table": frozenset({GROUP})}),
    ],
)
def test_the_registers_of_other_casts_let_nothing_in(destination: bytes, other: dict[str, Any]) -> None:
    assert drop(destination, **other) is DropReason.L2_ADMISSION


def test_an_exact_address_is_always_let_in() -> None:
    assert drop(mac(1)) is None


@pytest.mark.parametrize(("form", "last"), [(0, 8), (1, 4), (2, 2), (3, 0)])
def test_each_hash_form_lets_in_what_its_own_bits_say(form: int, last: int) -> None:
    """The forms leave 4, 3, 2 or no bits of the fifth octet out."""
    in_table = frozenset({bytes.fromhex("01005e0000fb")})
    let_in = [
        fifth
        for fifth in (0, 1, 2, 4, 8, 16)
        if drop(bytes.fromhex(f"01005e00{fifth:02x}fb"), hash_form=form, multicast_table=in_table) is None
    ]
    assert let_in == [fifth for fifth in (0, 1, 2, 4, 8, 16) if fifth <= last]


@pytest.mark.parametrize("model", [I82576, I82599, X550], ids=lambda model: model.name)
def test_a_tag_needs_its_bit_in_the_vlan_table_and_a_priority_tag_too(model: Model) -> None:
    table: dict[str, Any] = {"vlans": frozenset({10}), "model": model}
    assert drop(mac(1), (), **table) is None
    assert drop(mac(3), (10,), **table) is None
    assert drop(mac(3), (20,), **table) is DropReason.VLAN_ADMISSION
    assert drop(mac(1), (0,), **table) is DropReason.VLAN_ADMISSION
    assert drop(mac(1), (0,), **{**table, "vlans": frozenset({0})}) is None
    assert drop(mac(3), (20,), vlan_filtering=False, **table) is None


def test_what_the_address_does_not_let_in_is_dropped_for_its_address() -> None:
    assert drop(STRANGER, (20,), vlans=frozenset()) is DropReason.L2_ADMISSION


def test_a_pools_promiscuity_does_not_open_the_port() -> None:
    assert registers(Vm(), **CLOSED).pooling is not None
    assert drop(GROUP) is DropReason.L2_ADMISSION  # although pools 1 to 4 have MPE
