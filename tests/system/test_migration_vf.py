"""L1 with a VF: it is taken before the VM goes, and granted again where the VM has come to."""

from collections.abc import Iterator

import pytest

from tests.system.migrating import (
    ADAPTER,
    OTHER,
    OUT,
    VM,
    VMS,
    WIRE,
    Echo,
    Numbered,
    Pair,
    ping,
    two_labs,
    vms,
)
from tests.system.vf_lab import owners
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

WITH_VF = VMS.replace(f'address = "{VM}/24"', f'address = "{VM}/24", iov = true') + ADAPTER + WIRE


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with two_labs(tmp_path_factory.mktemp("vf-migration"), WITH_VF, OTHER) as pair:
        yield pair


def test_a_vm_with_a_vf_moves_under_numbered_datagrams_and_a_connection(pair: Pair, full: bool) -> None:
    ping(OUT, VM)
    numbered, echo = Numbered(pair.one.ns("vm2")), Echo(pair.one.ns("vm2"))
    try:
        for _ in range(100 if full else 3):
            assert (owners(pair.one), owners(pair.other)) == (["vm2"], [])
            done = pair.go()
            assert [done["steps"][0]["name"], done["steps"][-1]["name"]] == ["remove-vf", "grant-vf"]
            assert (owners(pair.one), owners(pair.other)) == ([], ["vm2"])
            pair.come_back()
    finally:
        arrivals, answered = numbered.stop(), echo.stop()
    assert (arrivals.lost, arrivals.doubled) == (0, 0)
    assert answered > 10
    pair.assert_laws()


def test_a_vm_that_is_refused_has_its_vf_again(pair: Pair) -> None:
    pair.other.call("vm.add", tables='[[vm]]\nname = "vm2"\n')
    try:
        with pytest.raises(VmdqemuError, match="vm2 is in lab"):
            pair.go()
        assert (vms(pair.one), owners(pair.one)) == (["vm1", "vm2"], ["vm2"])
        ping(OUT, VM)
    finally:
        pair.other.call("vm.remove", vm="vm2")
