"""Each kind of value of a chip's switch: what is read, and the cure of what is not."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from vmdqemu.config_switch_values import FrameLimit, Groups, Macs, PoolName, Priority, Vids, Vlans

GROUP, UNICAST = "01:00:5e:00:00:fb", "02:00:00:00:00:01"


@pytest.mark.parametrize(
    ("kind", "value", "read"),
    [
        (Groups, GROUP, (bytes.fromhex("01005e0000fb"),)),
        (Groups, [GROUP, "ff:ff:ff:ff:ff:ff"], (bytes.fromhex("01005e0000fb"), b"\xff" * 6)),
        (Macs, [UNICAST], (bytes.fromhex("020000000001"),)),
        (PoolName, "vm1", "vm1"),
        (PoolName, 0, "0"),
        (Vids, [0, 4094], (0, 4094)),
        (Vids, None, None),
    ],
)
def test_a_value_is_read(kind: Any, value: object, read: object) -> None:
    assert TypeAdapter(kind).validate_python(value) == read


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Groups, UNICAST, "is no group's address; use one such as"),
        (Groups, [1], "is no group's address"),
        (Macs, GROUP, "is a multicast address"),
        (PoolName, -1, "is no pool; use a VM's name, the [pf]'s, or its number"),
        (PoolName, True, "is no pool"),
        (PoolName, "a b", "is no pool"),
        (Vids, [4095], "less than or equal to 4094"),
        (Vlans, [0], "greater than or equal to 1"),
        (FrameLimit, 63, "greater than or equal to 64"),
        (Priority, 8, "less than or equal to 7"),
    ],
)
def test_any_other_is_refused_with_the_cure(kind: Any, value: object, said: str) -> None:
    with pytest.raises(ValidationError) as raised:
        TypeAdapter(kind).validate_python(value)
    assert said in str(raised.value)
