"""The NIC switch of a running lab: what its requests may change, while frames come, and what they may not."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.system.frames import Ports, frame, ports
from tests.system.harness import RunningLab, shared
from tests.system.oids import INVALID, SUCCESS, carried, status

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1" }, { name = "vm2" }]
[adapter]
mode = "vmq"
[wire]
"""


lab = shared(LAB)


@pytest.fixture
def there(lab: RunningLab) -> Iterator[Ports]:
    """Both VMs' frames come by their VPorts' queues afterwards, as they did before."""
    with ports(lab) as there:
        yield there
        assert placed(lab, there, "vm1", "vm2") == {1: 1, 2: 1}


def placed(lab: RunningLab, there: Ports, *vms: str) -> dict[int, int]:
    """The queues that a frame from outside to each of these VMs is placed in; every one is delivered."""
    before = Counter(carried(lab))
    sent = {vm: frame(lab.mac(vm), lab.mac("ext"), payload=vm.encode()) for vm in vms}
    assert there.send("ext", *sent.values()) == {vm: [octets] for vm, octets in sent.items()}
    after = Counter(carried(lab))
    after[0] -= 1  # the frame that tells the end is a broadcast
    return dict(after - before)


def nic_switch(lab: RunningLab, oid: str, **params: object) -> str:
    return str(lab.call(f"OID_NIC_SWITCH_{oid}", **params)["status"])


@pytest.mark.usefixtures("there")
def test_there_is_one_switch_and_it_is_made_again_only_as_it_is(lab: RunningLab) -> None:
    """N1."""
    before = lab.call("OID_NIC_SWITCH_CURRENT_CAPABILITIES")
    assert nic_switch(lab, "CREATE_SWITCH") == SUCCESS
    assert nic_switch(lab, "CREATE_SWITCH", vfs=1) == INVALID
    assert nic_switch(lab, "CREATE_SWITCH", switch=1) == INVALID
    assert lab.call("OID_NIC_SWITCH_CURRENT_CAPABILITIES") == before


@pytest.mark.usefixtures("there")
def test_a_switch_that_carries_anything_is_not_deleted(lab: RunningLab) -> None:
    """N2."""
    assert nic_switch(lab, "DELETE_SWITCH") == INVALID
    for number in (1, 2):
        assert status(lab, "CLEAR_FILTER", filter=number) == SUCCESS
    assert nic_switch(lab, "DELETE_SWITCH") == INVALID  # VPorts
    for number in (1, 2):
        mac = lab.mac(f"vm{number}")
        assert status(lab, "SET_FILTER", vport=number, mac=mac) == SUCCESS


@pytest.mark.usefixtures("there")
def test_a_vport_is_activated_for_good(lab: RunningLab) -> None:
    """N5."""
    states = lab.call("OID_NIC_SWITCH_ENUM_VPORTS")["answer"]
    assert [row["VPortState"] for row in states] == ["Activated", "Activated"]
    assert nic_switch(lab, "VPORT_PARAMETERS", vport=1, state="deactivated") == INVALID
    assert nic_switch(lab, "VPORT_PARAMETERS", vport=9, state="activated") == INVALID
    assert nic_switch(lab, "VPORT_PARAMETERS", vport=1, state="activated", caller="another") == INVALID
    assert nic_switch(lab, "VPORT_PARAMETERS", vport=1, state="activated") == SUCCESS
    assert lab.call("OID_NIC_SWITCH_ENUM_VPORTS")["answer"] == states


def test_a_vport_without_a_filter_has_no_traffic_and_with_two_both(lab: RunningLab, there: Ports) -> None:
    """N6, N8."""
    mac, other = lab.mac("vm1"), "02:aa:00:00:00:01"
    sent = frame(mac, lab.mac("ext"))
    renamed = frame(other, lab.mac("ext"))
    assert status(lab, "CLEAR_FILTER", filter=1) == SUCCESS
    assert there.send("ext", sent) == {}
    assert status(lab, "SET_FILTER", vport=1, mac=mac) == SUCCESS
    made = lab.call("OID_RECEIVE_FILTER_SET_FILTER", vport=1, mac=other)
    before = carried(lab)[1]
    assert there.send("ext", sent, renamed) == {"vm1": [sent, renamed]}
    assert carried(lab)[1] == before + 2
    assert status(lab, "CLEAR_FILTER", filter=made["number"]) == SUCCESS
    assert there.send("ext", renamed) == {}
