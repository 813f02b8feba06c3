"""A key set on the command line is read as if the lab file said so, with the file's own checks."""

from typing import Any

import pytest

from vmdqemu.config import TABLES, parse, read_toml
from vmdqemu.config_changes import NAMELESS, set_keys
from vmdqemu.config_problems import fields
from vmdqemu.errors import LabFileError, UsageError

RING = "use 64 to 8192 descriptors, a multiple of 8"
LAB = """
vm = [{ name = "vm1" }, { name = "vm2", vlan = 5 }]
adapter.mode = "vmq"
"""


@pytest.mark.parametrize(
    ("change", "reach", "value"),
    [
        ("adapter.mode=vmmq", lambda lab: lab.adapter.mode, "vmmq"),
        ('adapter.mode="off"', lambda lab: lab.adapter.mode, "off"),
        ("adapter.local_switch=true", lambda lab: lab.adapter.local_switch, True),
        ("mode=vmmq", lambda lab: lab.adapter.mode, "vmmq"),  # a key that the top of the file has not
        ("model=82599", lambda lab: lab.adapter.model, "82599"),
        ("mtu = 9000", lambda lab: lab.mtu, 9000),
        ("vm.vm2.queues=4", lambda lab: [vm.queues for vm in lab.vms], [1, 4]),
        ("vm.vm1.mac=02:00:00:00:00:77", lambda lab: lab.vms[0].mac, bytes.fromhex("020000000077")),
        ('vm.vm1.address=["10.0.0.1/24"]', lambda lab: lab.vms[0].addresses, ("10.0.0.1/24",)),
        ("host.speed=0.5", lambda lab: lab.host.speed, 0.5),
        ("wire.vlan=7", lambda lab: lab.wire.vlan, 7),
    ],
)
def test_a_key_has_the_value_that_was_set(change: str, reach: Any, value: object) -> None:
    assert reach(parse(LAB, "lab", [change])) == value


@pytest.mark.parametrize("table", sorted(TABLES.keys() - {NAMELESS}))
def test_every_key_of_every_table_can_be_set(table: str) -> None:
    above = {"": "", "vm": "vm.vm1.", "wire.host": "wire.host.out."}.get(table, f"{table}.")
    for key in fields(TABLES[table]):
        document = read_toml(LAB + '[wire]\nhost = [{ name = "out" }]')
        set_keys(document, [f"{above}{key}=1"], TABLES)
        assert document != read_toml(LAB + '[wire]\nhost = [{ name = "out" }]')


def test_the_last_of_several_changes_counts() -> None:
    assert parse(LAB, "lab", ["mtu=9000", "mtu=1400"]).mtu == 1400


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("vm.vm2.queues=65", "vm[1].queues: 65 is too large; use 1 to 64 channels"),
        ("adapter.ring=100", f"adapter.ring: 100 is not a multiple of 8; {RING}"),
        ("adapter=fast", 'adapter: "fast" is not a table; use an [adapter] table'),
    ],
)
def test_what_may_not_be_is_refused_as_in_the_file(change: str, problem: str) -> None:
    with pytest.raises(LabFileError) as raised:
        parse(LAB, "lab", [change])
    assert str(raised.value) == problem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("vm.vm9.queues=4", 'no "vm9"; use one of vm1, vm2'),
        ("vm.queues=4", "there are several; name one, as in vm.vm1.queues=4"),
        ("mtu", "write KEY=VALUE, such as adapter.mode=vmq or vm.vm1.queues=4"),
        ("=4", "write KEY=VALUE, such as adapter.mode=vmq or vm.vm1.queues=4"),
        ("adapter..mode=vmq", "write KEY=VALUE, such as adapter.mode=vmq or vm.vm1.queues=4"),
        ("adapter.mode.fast=1", "mode is no table"),
        ("replicaton=true", "no such key; did you mean adapter.replication?"),
        ("adapter.replicaton=true", "no such key; did you mean adapter.replication?"),
        ("speed=0.5", "no such key; did you mean host.speed?"),
        ("vm.vm2.quues=4", "no such key; did you mean vm.NAME.queues or adapter.rx_queues?"),
        ("queue.vm2.vlan=4", "no such key; did you mean vm.NAME.vlan or vm.NAME.vlans or wire.vlan?"),
        ("keywords.*VMO=1", "no such key; did you mean keywords.*VMQ?"),
        ("colour=blue", "no such key; vmdqemu validate --schema shows them all"),
    ],
)
def test_a_change_that_names_no_key_is_a_usage_error(change: str, said: str) -> None:
    with pytest.raises(UsageError) as raised:
        parse(LAB, "lab", [change])
    assert str(raised.value) == f"--set {change}: {said}"


def test_a_table_that_is_not_there_is_made() -> None:
    document: dict[str, Any] = {}
    set_keys(document, ["adapter.mode=vmq"], TABLES)
    assert document == {"adapter": {"mode": "vmq"}}
