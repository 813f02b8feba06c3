"""A lab file becomes an adapter by requests; what the model cannot hold is refused with its place."""

import pytest

from vmdqemu.config import parse
from vmdqemu.config_adapter import describe
from vmdqemu.errors import LabFileError
from vmdqemu.nic.adapter import compile_tables


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


@pytest.mark.parametrize(("mode", "queues"), [("off", 1), ("vmq", 3), ("vmmq", 9)])
def test_the_mode_decides_how_many_rx_queues_there_are(mode: str, queues: int) -> None:
    assert describe(parse(lab_file(2, queues=4, mode=mode), "lab")).rx_queues == queues


def test_what_the_model_cannot_hold_is_refused_vm_by_vm() -> None:
    """255 RX queues besides the default one: three VPorts of 64 fit."""
    with pytest.raises(LabFileError) as caught:
        describe(parse(lab_file(6, queues=64), "lab"))
    cure = "NDIS_STATUS_RESOURCES: more than the model ideal can hold"
    assert caught.value.problems == tuple(f"vm[{index}]: {cure}" for index in (3, 4, 5))
