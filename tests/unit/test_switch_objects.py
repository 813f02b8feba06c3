"""Queue pairs and pools: what VPorts a switch has room for."""

import pytest

from tests.unit.builders import SMALL, Vm, accept, adapter, mac, refuse
from vmdqemu.nic.adapter import Adapter, AllocateVf, CreateVPort, Status
from vmdqemu.nic.modes import VMMQ, VMQ
from vmdqemu.nic.switch_objects import NicSwitch, SwitchRules

PUBLISHED = SMALL._replace(rx_queues=128, vports=64, queue_pairs=4)  # and one pair of the default VPort


@pytest.mark.parametrize(("vports", "pairs", "used"), [(63, 2, 127), (31, 4, 125)])
def test_the_published_example_fits(vports: int, pairs: int, used: int) -> None:
    """N10. NDIS: symmetric-and-asymmetric-assignment-of-queue-pairs."""
    full = adapter(*[Vm(queue_pairs=pairs)] * vports, model=PUBLISHED._replace(filters=64), mode=VMMQ)
    assert full.rx_queues == used
    assert refuse(full, CreateVPort("one more", 4)) is Status.RESOURCES


def test_a_symmetric_adapter_gives_all_vports_the_same_number() -> None:
    model = SMALL._replace(switch_rules=SwitchRules(vfs=1, asymmetric=False))
    two = accept(Adapter(model, VMMQ, mtu=1500, wire=True), CreateVPort("vm1", 2))
    assert refuse(two, CreateVPort("vm2", 1)) is Status.INVALID_PARAMETER
    assert accept(two, CreateVPort("vm2", 2)).rx_queues == 5


@pytest.mark.parametrize(("single", "most"), [(True, 3), (False, 1)])
def test_where_vfs_have_vports_set_aside_the_pf_gets_fewer(single: bool, most: int) -> None:
    """N11."""
    model = SMALL._replace(switch_rules=SwitchRules(vfs=2, single_pool=single))
    built = Adapter(model, VMQ, mtu=1500, wire=True, switch=NicSwitch(vfs=2))
    full = accept(built, *(CreateVPort(f"vm{number}") for number in range(most)))
    assert refuse(full, CreateVPort("one more")) is Status.RESOURCES
    with_vf = accept(full, AllocateVf("vm", mac(9)))
    late = CreateVPort("vm", function=0)
    if single:
        assert refuse(with_vf, late) is Status.RESOURCES
    else:
        assert accept(with_vf, late).vfs
