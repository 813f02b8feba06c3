"""Registers of a running lab: the keys of the lab file become requests, all of them or none."""

import asyncio
from typing import Any, cast

import pytest

from tests.unit import golden
from tests.unit.plants import plant
from vmdqemu.daemon import reports
from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.plant import Plant
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.daemon.switch_settings import SwitchSettings
from vmdqemu.errors import LabFileError, UsageError, VmdqemuError
from vmdqemu.nic.adapter import Filter, SetFilter, apply
from vmdqemu.nic.pools import Accept

LAB = golden.LAB.read_text().replace("[wire]\n", "")
GROUP = golden.group(0x05)


class Recorder:
    """A supervisor that publishes to nobody."""

    def __init__(self, built: Plant) -> None:
        self.plant = built
        self.published = 0

    async def publish(self) -> None:
        """In place of messages to the workers."""
        self.published += 1


@pytest.fixture
def supervisor() -> Recorder:
    return Recorder(plant(LAB))


def put(supervisor: Recorder, pool: str | None, /, **keys: Any) -> None:
    known = cast(Supervisor, supervisor)
    asyncio.run(SwitchSettings(known, Changer(known)).set(pool, keys))


def test_a_key_of_the_port_is_a_register_of_the_port(supervisor: Recorder) -> None:
    put(supervisor, None, vlan_filtering=False, default_pool="pool2", uta=["02:00:00:00:00:77"])
    port = supervisor.plant.adapter.port
    assert (port.vlan_filtering, port.default_pool, port.unicast) == (False, 2, False)
    assert port.unicast_table == {golden.unicast(0x77)}
    assert port.groups == {GROUP: {1, 2}}
    assert supervisor.plant.config.adapter.vlan_filtering is False
    assert supervisor.published == 1


def test_what_is_not_named_stays_as_it_is(supervisor: Recorder) -> None:
    put(supervisor, None, port_upe=True)
    put(supervisor, None, port_mpe=True)
    assert supervisor.plant.adapter.port.unicast


def test_a_key_of_a_pool_is_a_register_of_the_pool(supervisor: Recorder) -> None:
    put(supervisor, "pool1", receive=False)
    put(supervisor, "pool0", accept=["BAM"])
    adapter = supervisor.plant.adapter
    assert not adapter.vports[1].pool.receive
    assert adapter.vports[1].pool.accept == Accept.BAM | Accept.ROMPE
    assert adapter.pf.pool.accept == Accept.BAM


def test_a_pool_joins_and_leaves_groups(supervisor: Recorder) -> None:
    other = golden.group(0x09)
    put(supervisor, "pool1", groups=["01:00:5e:00:00:09"])
    put(supervisor, "pool0", groups=["01:00:5e:00:00:09"])
    assert supervisor.plant.adapter.port.groups == {GROUP: {2}, other: {0, 1}}
    put(supervisor, "pool2", groups=[])
    assert supervisor.plant.adapter.port.groups == {other: {0, 1}}


def test_vlans_and_addresses_are_filters_and_one_set_by_hand_stays(supervisor: Recorder) -> None:
    built = supervisor.plant
    built.adapter = apply(built.adapter, SetFilter(1, golden.unicast(0x21), 7)).adapter
    put(supervisor, "pool1", vlans=[200], extra_macs="02:00:00:00:00:31")
    held = {filter_.key for filter_ in built.adapter.filters.values() if filter_.vport == 1}
    addresses = golden.unicast(0x11), golden.unicast(0x31)
    assert held == {(golden.unicast(0x21), 7)} | {(mac, vlan) for mac in addresses for vlan in (None, 200)}


def test_without_a_nic_switch_they_are_the_vm_queues() -> None:
    queued = Recorder(plant(LAB.replace("[adapter]", "[adapter]\nnic_switch = false")))
    put(queued, "pool1", vlans=[200])
    held = {filter_.key: filter_.queue for filter_ in queued.plant.adapter.filters.values()}
    assert held[golden.unicast(0x11), 200] == 1
    assert (golden.unicast(0x11), 100) not in held


def test_aupe_comes_and_goes_with_its_filter(supervisor: Recorder) -> None:
    untagged = Filter(1, golden.unicast(0x11), None)
    put(supervisor, "pool1", accept=["BAM"])
    assert untagged not in supervisor.plant.adapter.filters.values()
    put(supervisor, "pool1", accept=["BAM", "AUPE"])
    assert untagged in supervisor.plant.adapter.filters.values()


@pytest.mark.parametrize(
    ("pool", "keys", "error", "said"),
    [
        (None, {"colour": 1}, UsageError, "colour: unknown key"),
        (None, {"hash_form": 4}, UsageError, "hash_form: 4 is too large; use 0 to 3"),
        (None, {"bridge": "vepa"}, UsageError, "bridge: not while the lab runs"),
        (None, {"default_pool": "x"}, LabFileError, 'adapter.default_pool: "x" is no pool'),
        (
            "pool9",
            {"receive": True},
            UsageError,
            "no pool 'pool9'; choose one of: pool0, pool1, ",
        ),
        ("pool1", {"accept": ["UPE"]}, VmdqemuError, "NDIS_STATUS_NOT_SUPPORTED: no pool of the 82599"),
        ("pool1", {"vlans": [5], "longest_frame": 100}, VmdqemuError, "MAXFRS"),
    ],
)
def test_what_is_refused_changes_nothing(
    supervisor: Recorder, pool: str | None, keys: dict[str, Any], error: type[Exception], said: str
) -> None:
    before = supervisor.plant.adapter, supervisor.plant.config
    with pytest.raises(error) as raised:
        put(supervisor, pool, **keys)
    assert said in str(raised.value)
    assert (supervisor.plant.adapter, supervisor.plant.config) == before
    assert supervisor.published == 0


def test_the_keys_are_told_as_the_lab_file_has_them(supervisor: Recorder) -> None:
    told = reports.switch(cast(Supervisor, supervisor))
    assert told["port"]["vfta"] == [100, 200, 300]
    assert told["port"]["uta"] == ["02:00:00:00:00:55"]
    names = [pool["name"] for pool in told["pools"]]
    assert names == ["pool0", "pool1", "pool2", "pool3"]
    assert told["pools"][0]["macs"] == ["02:00:00:00:00:10"]
    assert told["pools"][1]["accept"] == ["AUPE", "BAM", "ROMPE"]
