"""The worked example of pool selection, netns/labs/golden-82599.toml: frames, columns, and where they go.

Odd rows are printed; the even ones follow from the same rules (X550 7.8.3.3, 7.8.3.4).
"""

from pathlib import Path
from typing import NamedTuple

from vmdqemu import config
from vmdqemu.config_adapter import describe
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST
from vmdqemu.nic.tables import Tables

LAB = Path(__file__).parents[2] / "netns/labs/golden-82599.toml"
OUTSIDE = bytes.fromhex("020000000099")
GROUPS = bytes.fromhex("01005e0000")

L2 = DropReason.L2_ADMISSION
VLAN = DropReason.VLAN_ADMISSION
NO_POOL = DropReason.NO_POOL

Fate = tuple[int, ...] | DropReason  # pools, or why there is none


class FromWire(NamedTuple):
    """One row, a fate a column."""

    destination: bytes
    vlan: int | None
    replication: Fate
    no_replication: Fate
    no_default_pool: Fate
    open_port: Fate
    no_vlan_filtering: Fate


class FromPool1(NamedTuple):
    """The pools of one row, and whether the wire gets it, a column each; None: dropped."""

    destination: bytes
    vlan: int | None
    plain: tuple[tuple[int, ...], bool] | None
    own_frames: tuple[tuple[int, ...], bool] | None
    pool2_disabled: tuple[tuple[int, ...], bool] | None


def unicast(last: int) -> bytes:
    """02:00:00:00:00:last."""
    return bytes([2, 0, 0, 0, 0, last])


def group(last: int) -> bytes:
    """01:00:5e:00:00:last."""
    return GROUPS + bytes([last])


# The columns of FromWire and FromPool1 as changes of the lab.
WIRE_COLUMNS = {
    "replication": [],
    "no_replication": ["adapter.replication=false"],
    "no_default_pool": ["adapter.default_pool_disabled=true"],
    "open_port": ["adapter.port_upe=true", "adapter.port_mpe=true"],
    "no_vlan_filtering": ["adapter.vlan_filtering=false"],
}
POOL_COLUMNS = {
    "plain": [],
    "own_frames": ["vm.pool1.own_frames=true"],
    "pool2_disabled": ["vm.pool2.receive=false"],
}

WIRE = {
    1: FromWire(unicast(0x11), None, (1,), (1,), (1,), (1,), (1,)),
    2: FromWire(unicast(0x12), None, (0,), (0,), NO_POOL, (0,), (2,)),
    3: FromWire(unicast(0x11), 100, (1,), (1,), (1,), (1,), (1,)),
    4: FromWire(unicast(0x11), 200, (0,), (0,), NO_POOL, (0,), (1,)),
    5: FromWire(unicast(0x11), 400, VLAN, VLAN, VLAN, VLAN, (1,)),
    6: FromWire(unicast(0x99), None, L2, L2, L2, (0,), L2),
    7: FromWire(unicast(0x55), None, (3,), (3,), (3,), (3,), (3,)),
    8: FromWire(unicast(0x55), 100, (0,), (0,), NO_POOL, (0,), (3,)),
    9: FromWire(BROADCAST, None, (0, 1), (0,), (0, 1), (0, 1), (0, 1, 2)),
    10: FromWire(BROADCAST, 100, (1, 2), (0,), (1, 2), (1, 2), (0, 1, 2)),
    11: FromWire(BROADCAST, 300, (0,), (0,), NO_POOL, (0,), (0, 1, 2)),
    12: FromWire(group(0xFB), None, (0, 1), (0,), (0, 1), (0, 1), (0, 1, 2)),
    13: FromWire(group(0xFB), 100, (1, 2), (0,), (1, 2), (1, 2), (0, 1, 2)),
    14: FromWire(group(0x05), None, (0, 1), (1,), (0, 1), (0, 1), (0, 1, 2)),
    15: FromWire(group(0x77), None, L2, L2, L2, (0,), L2),
}
POOL1 = {
    1: FromPool1(unicast(0x12), 100, ((2,), False), ((2,), False), ((), True)),
    2: FromPool1(unicast(0x12), None, None, None, ((), True)),
    3: FromPool1(unicast(0x99), None, ((), True), ((), True), ((), True)),
    4: FromPool1(unicast(0x55), None, ((3,), True), ((3,), True), ((3,), True)),
    5: FromPool1(BROADCAST, None, ((0,), True), ((0, 1), True), ((0,), True)),
    6: FromPool1(BROADCAST, 100, ((2,), True), ((1, 2), True), ((), True)),
    7: FromPool1(group(0xFB), None, ((0,), True), ((0, 1), True), ((0,), True)),
    8: FromPool1(unicast(0x11), None, None, ((1,), False), None),
    9: FromPool1(BROADCAST, 200, ((), True), ((), True), ((), True)),
    10: FromPool1(unicast(0x10), None, ((0,), False), ((0,), False), ((0,), False)),
}


def tables(*changes: str) -> Tables:
    """The registers of the lab, its keys changed."""
    return compile_tables(describe(config.load(LAB, changes)), generation=1)
