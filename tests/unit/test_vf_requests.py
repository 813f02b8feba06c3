"""VFs: as many as the switch was made with, each with at most one VPort."""

import pytest

from tests.unit.builders import GROUP, SMALL, accept, mac, refuse
from vmdqemu.nic.adapter import (
    Adapter,
    AllocateVf,
    CreateVPort,
    DeleteVPort,
    FreeVf,
    Request,
    ResetVf,
    SetFilter,
    Status,
    compile_tables,
)
from vmdqemu.nic.modes import VMQ
from vmdqemu.nic.switch_objects import NicSwitch, requestor_id

TWO = Adapter(SMALL, VMQ, mtu=1500, wire=True, switch=NicSwitch(vfs=2))


def test_vfs_are_numbered_from_0_and_their_routing_ids_differ() -> None:
    """N13."""
    both = accept(TWO, AllocateVf("vm1", mac(1)), AllocateVf("vm2", mac(2)))
    assert set(both.vfs) == {0, 1}
    assert requestor_id(0) != requestor_id(1)
    assert refuse(both, AllocateVf("vm3", mac(3))) is Status.RESOURCES
    assert set(accept(both, FreeVf(0), AllocateVf("vm3", mac(3))).vfs) == {0, 1}


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (FreeVf(0), Status.INVALID_PARAMETER),
        (FreeVf(1), Status.INVALID_PARAMETER),
        (FreeVf(1, caller="somebody else"), Status.INVALID_PARAMETER),
        (ResetVf(9), Status.FAILURE),
        (AllocateVf("vm3", GROUP), Status.INVALID_PARAMETER),
        (CreateVPort("vm1", function=0), Status.INVALID_PARAMETER),
        (CreateVPort("vm9", function=9), Status.INVALID_PARAMETER),
    ],
    ids=["attached", "unknown", "foreign", "reset of none", "group address", "second VPort", "no such VF"],
)
def test_a_wrong_request_is_refused(request_: Request, status: Status) -> None:
    """N4, N14, N15."""
    attached = accept(TWO, AllocateVf("vm1", mac(1)), CreateVPort("vm1", function=0))
    if request_ == FreeVf(1, caller="somebody else"):
        attached = accept(attached, AllocateVf("vm2", mac(2)))
    assert refuse(attached, request_) is status


def test_without_vfs_there_are_none() -> None:
    assert refuse(TWO._replace(switch=NicSwitch()), AllocateVf("vm1", mac(1))) is Status.NOT_SUPPORTED
    assert refuse(TWO._replace(switch=None), AllocateVf("vm1", mac(1))) is Status.NOT_SUPPORTED


def test_a_vf_is_free_again_once_its_vport_is_deleted() -> None:
    attached = accept(TWO, AllocateVf("vm1", mac(1)), CreateVPort("vm1", function=0))
    assert accept(attached, DeleteVPort(3), FreeVf(0)).vfs == {}


def test_the_vport_of_a_vf_without_a_port_beside_it_is_unknown_to_the_host() -> None:
    made = accept(TWO, AllocateVf("vm1", mac(1)), CreateVPort("vm1", function=0), SetFilter(3, mac(1)))
    seen = compile_tables(made, 1)
    assert (seen.vports, seen.addresses) == ({}, {})
    assert seen.filters == {(mac(1), None): 3}
    assert (seen.vfs[3].function, seen.vfs[3].beside) == (0, None)
