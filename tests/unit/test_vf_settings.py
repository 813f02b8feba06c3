"""What the PF decides about a VF holds for the VM on both of its ways."""

import pytest

from tests.unit.builders import GROUP, accept, mac, refuse
from tests.unit.test_mailbox import TWO
from vmdqemu.nic.adapter import SetVf
from vmdqemu.nic.status import Status
from vmdqemu.nic.vf_settings import terms_of

TERMS = terms_of(TWO, 0)


def test_an_address_and_a_vlan_take_the_filters_along() -> None:
    changed = accept(TWO, SetVf(0, TERMS._replace(mac=mac(9), vlan=10, spoof_check=False)))
    assert changed.filters[1].key == (mac(9), 10)
    assert changed.filters[2] == TWO.filters[2]
    assert (changed.vports[1].vlan, changed.vports[255].vlan) == (10, 10)
    assert not changed.vports[1].spoof_check
    assert changed.vfs[0].mac == mac(9)
    assert terms_of(changed, 0) == TERMS._replace(mac=mac(9), vlan=10, spoof_check=False)


@pytest.mark.parametrize(
    "request_",
    [
        SetVf(0, TERMS._replace(mac=mac(2))),
        SetVf(0, TERMS._replace(mac=GROUP)),
        SetVf(0, TERMS._replace(mac=bytes(6))),
        SetVf(0, TERMS._replace(vlan=4095)),
        SetVf(9, TERMS),
        SetVf(0, TERMS, caller="somebody else"),
    ],
    ids=["another VM's address", "a group", "nobody", "reserved VLAN", "no such VF", "foreign"],
)
def test_what_does_not_fit_changes_nothing(request_: SetVf) -> None:
    assert refuse(TWO, request_) is Status.INVALID_PARAMETER


def test_trust_and_rate_are_the_vfs_own() -> None:
    changed = accept(TWO, SetVf(0, TERMS._replace(trusted=True, rate=100.0)))
    assert (changed.vfs[0].trusted, changed.vfs[0].rate) == (True, 100.0)
    assert changed.vports == TWO.vports
