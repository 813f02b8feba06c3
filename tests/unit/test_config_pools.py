"""Pools of a lab file as requests: filters, groups, mirror rules, and who has no queue."""

import pytest

from tests.unit import golden
from tests.unit.test_config_switch import described, vm
from vmdqemu.config import parse
from vmdqemu.config_adapter import describe
from vmdqemu.config_admission import admit
from vmdqemu.config_pools import requests_for_filters
from vmdqemu.errors import LabFileError
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.pools import Mirror, MirrorKind

GROUP = bytes.fromhex("01005e0000fb")


@pytest.mark.parametrize(
    ("keys", "vlans"),
    [
        ("", {None}),
        ("vlan = 7", {7}),
        ("vlans = [7, 8]", {7, 8}),
        ('vlans = [7]\naccept = ["AUPE"]', {None, 7}),
        ('vlans = [7]\naccept = ["BAM"]', {7}),
    ],
)
def test_a_vms_vlans_are_those_of_its_filters(keys: str, vlans: set[int | None]) -> None:
    built = described(vm(keys=keys + '\nextra_macs = ["02:00:00:00:00:08"]'))
    held = built.filters.values()
    assert {filter_.vlan for filter_ in held} == vlans
    assert {filter_.mac[5] for filter_ in held} == {1, 8}


def test_a_group_is_known_with_all_its_pools() -> None:
    groups = 'groups = "01:00:5e:00:00:fb"'
    built = described(f"pf = {{ {groups} }}\n" + vm(1, groups) + vm(2) + vm(3, groups))
    assert built.port.groups == {GROUP: {0, 1, 3}}


def test_a_mirror_rule_names_pools_or_vlans() -> None:
    text = """
    adapter.bridge = "veb"
    mirror = [
      { kind = "pool", to = "vm2", pools = ["default", "vm1"] },
      { kind = "vlan", to = 1, vlans = [7] },
    ]
    """
    assert described(text + vm(1) + vm(2)).port.mirrors == (
        Mirror(MirrorKind.POOL, 2, frozenset({0, 1})),
        Mirror(MirrorKind.VLAN, 1, frozenset({7})),
    )


@pytest.mark.parametrize(("value", "pool"), [("0", 0), ('"default"', 0), ("1", 1), ('"vm2"', 2)])
def test_a_pool_has_a_name_and_a_number(value: str, pool: int) -> None:
    assert described(f"adapter.default_pool = {value}\n" + vm(1) + vm(2)).port.default_pool == pool


def test_without_a_nic_switch_a_chips_pools_are_its_vm_queues() -> None:
    """The worked example: each VM has a VM queue, and the same registers."""
    by_vport, by_queue = (
        compile_tables(describe(parse(golden.LAB.read_text(), "golden", [f"nic_switch={switch}"])), 1)
        for switch in ("true", "false")
    )
    assert by_queue.pooling == by_vport.pooling
    assert by_queue.filters == by_vport.filters
    assert [vport.queues for vport in by_queue.vports.values()] == [(1,), (2,), (3,)]


def test_a_vm_without_a_queue_is_in_the_default_pool_and_its_pool_waits_for_it() -> None:
    """VmqWeight 0: its groups are the PF's, and its address nobody's."""
    keys = 'groups = "01:00:5e:00:00:fb"\nvlans = [7]\nown_frames = true'
    config = parse(
        f'adapter = {{ model = "82599", mode = "vmq" }}\n{vm(1, keys)}vmq_weight = 0\n{vm(2)}', "lab"
    )
    without = describe(config)
    pooling = compile_tables(without, 1).pooling
    assert pooling is not None
    assert pooling.exact[GROUP] == {0}
    assert config.vms[0].mac not in pooling.exact
    assert requests_for_filters(1, [(config.vms[0].mac, 7)], without) == []
    weighted = config.vms[0].model_copy(update={"vmq_weight": 1}), config.vms[1]
    with_queue, refused = admit(without, config.model_copy(update={"vms": weighted}))
    pooling = compile_tables(with_queue, 1).pooling
    assert pooling is not None
    assert refused == {}
    assert pooling.exact[GROUP] == pooling.vlans[7] == pooling.own_frames == {1}


def test_all_pools_of_a_chip_with_one_strip_bit_may_strip() -> None:
    both = vm(1, "strip_vlan = true") + vm(2, "strip_vlan = true")
    assert all(vport.pool.strip for vport in described(both, "82598").vports.values())
    with pytest.raises(LabFileError, match=r"vm\[1\]: NDIS_STATUS_NOT_SUPPORTED: .* of all queues or"):
        described(vm(1, "strip_vlan = true") + vm(2), "82598")
