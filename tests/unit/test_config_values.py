"""What a single key may hold, up to its bounds; what it may not hold is told in test_config_problems.py."""

from typing import Any

import pytest
from pydantic import TypeAdapter

from vmdqemu import config_values as values
from vmdqemu.nic.modes import MODES

ACCEPTED: list[tuple[Any, list[object]]] = [
    (values.LabName, ["a", "0", "four-vms", "eleven-char"]),
    (values.Prefix, ["", "x-", "A_b-9", "sixteen-letters-"]),
    (values.MachineName, ["1", "vm1", "_", "Web_server-1", "fifteen-letters"]),
    (values.Vlan, [1, 2, 4094]),
    (values.Ring, [64, 72, 4096, 8192]),
    (values.Mtu, [576, 1500, 9216]),
    (values.Queues, [1, 64]),
    (values.Weight, [1, 100]),
    (values.Rate, [0.001, 1.0, 100_000.0]),
    (values.Flag, [True, False]),
    (values.Model, ["ideal"]),
    (values.Mode, list(MODES)),
    (values.Moderation, ["off", "low", "medium", "high", "adaptive", 0, 1, 1000]),
    (values.Arbiter, ["deficit", "round-robin"]),
]


@pytest.mark.parametrize(("kind", "value"), [(kind, value) for kind, held in ACCEPTED for value in held])
def test_a_value_within_its_bounds_is_kept_as_it_is(kind: Any, value: object) -> None:
    assert TypeAdapter(kind).validate_python(value, strict=True) == value


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("02:00:00:00:00:0a", b"\x02\0\0\0\0\x0a"),
        ("02-00-00-00-00-0A", b"\x02\0\0\0\0\x0a"),
        ("52:54:00:12:34:56", b"\x52\x54\0\x12\x34\x56"),
        ("00:00:00:00:00:01", b"\0\0\0\0\0\x01"),
    ],
)
def test_a_mac_address_becomes_six_octets(text: str, octets: bytes) -> None:
    assert TypeAdapter(values.Mac).validate_python(text) == octets


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("10.0.0.1/24", ("10.0.0.1/24",)),
        (["10.0.0.1/24"], ("10.0.0.1/24",)),
        ([], ()),
        ("10.0.0.1/255.255.255.0", ("10.0.0.1/24",)),
        ("FD00:0:0::1/64", ("fd00::1/64",)),
        ("fe80::1/64", ("fe80::1/64",)),
        ("fd00::/64", ("fd00::/64",)),  # IPv6 has no broadcast, and its first address is an anycast one
        (["10.0.0.0/31", "10.0.0.1/31"], ("10.0.0.0/31", "10.0.0.1/31")),  # RFC 3021
        ("10.0.0.0/32", ("10.0.0.0/32",)),
    ],
)
def test_addresses_are_a_tuple_in_normal_form(written: object, kept: tuple[str, ...]) -> None:
    assert TypeAdapter(values.Addresses).validate_python(written) == kept
