"""A lab file becomes an adapter by requests; what the model cannot hold is refused with its place."""

import pytest

from tests.unit.builders import accept
from vmdqemu.config import parse
from vmdqemu.config_adapter import connect, describe
from vmdqemu.config_admission import take
from vmdqemu.errors import LabFileError
from vmdqemu.nic.adapter import DisconnectPort, compile_tables
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_KEY, HashType, Rss


def lab_file(vms: int, queues: int = 1, mode: str = "vmmq") -> str:
    """A lab of equal VMs."""
    tables = "".join(f'[[vm]]\nname = "vm{number}"\nqueues = {queues}\n' for number in range(1, vms + 1))
    return f'adapter.mode = "{mode}"\n{tables}'


def test_each_vm_has_a_vport_and_a_filter_of_its_own() -> None:
    config = parse(
        """
        mtu = 9000
        adapter = { vxlan_port = 8472 }
        vm = [
          { name = "vm1", mac = "02:00:00:00:00:01", vlan = 10 },
          { name = "vm2", mac = "02:00:00:00:00:02", queues = 4, spoof_check = false },
        ]
        """,
        "lab",
    )
    tables = compile_tables(describe(config), 1)
    assert (tables.mtu, tables.wire, tables.local_switch) == (9000, False, False)
    assert tables.tunnels.vxlan_port == 8472
    assert tables.filters == {(config.vms[0].mac, 10): 1, (config.vms[1].mac, None): 2}
    vm1, vm2 = tables.vports.values()
    assert (vm1.name, vm1.vlan, vm1.spoof_check, vm1.channels, vm1.rss) == ("vm1", 10, True, 1, None)
    assert (vm2.name, vm2.vlan, vm2.spoof_check, vm2.channels) == ("vm2", None, False, 4)
    assert vm2.rss is not None


def test_a_vms_rss_is_what_its_keys_say() -> None:
    config = parse(
        """
        vm = [
          { name = "vm1", queues = 2, rss_types = ["IPV4"], rss_table_size = 4 },
          { name = "vm2", queues = 2, rss_key = "KEY" },
          { name = "vm3", queues = 2, rss_types = [] },
        ]
        """.replace("KEY", "01" * 40),
        "lab",
    )
    first, second, third = (vport.rss for vport in compile_tables(describe(config), 1).vports.values())
    assert first == Rss(DEFAULT_KEY, HashType.IPV4, (0, 1, 0, 1))
    assert second == Rss.spread(2, key=b"\x01" * 40, types=ALL_TYPES)
    assert third == Rss.spread(2, types=HashType(0))


@pytest.mark.parametrize(("mode", "queues"), [("off", 1), ("vmq", 3), ("vmmq", 9)])
def test_the_mode_decides_how_many_rx_queues_there_are(mode: str, queues: int) -> None:
    assert describe(parse(lab_file(2, queues=4, mode=mode), "lab")).rx_queues == queues


@pytest.mark.parametrize(
    ("release", "asked", "shared"),
    [
        ("2008r2", "true", True),
        ("2008r2", "false", False),
        ("2012r2", "true", False),
        ("2019", "true", False),
    ],
)
def test_a_vm_receives_into_its_own_memory_where_the_release_allows_it(
    release: str, asked: str, shared: bool
) -> None:
    text = f'adapter.shared_memory = {asked}\nhost.release = "{release}"\n[[vm]]\nname = "vm1"\n'
    assert describe(parse(text, "lab")).shared_memory == shared


def test_vms_that_come_later_get_the_numbers_that_are_free() -> None:
    before = describe(parse(lab_file(3), "lab"))
    more = parse('vm = [{ name = "a" }, { name = "b", queues = 2 }]', "lab")
    adapter, numbers = connect(accept(take(before, 2), DisconnectPort(2)), more, more.vms)
    assert numbers == (2, 4)
    assert [(number, adapter.vports[number].name) for number in numbers] == [(2, "a"), (4, "b")]
    assert {held.vport for held in adapter.filters.values()} == {1, 2, 3, 4}


def test_a_later_vm_with_an_address_that_has_a_filter_is_refused() -> None:
    config = parse(lab_file(1), "lab")
    with pytest.raises(LabFileError, match=r"^vm\[0\]: NDIS_STATUS_INVALID_PARAMETER: .* filter already$"):
        connect(describe(config), config, config.vms)
