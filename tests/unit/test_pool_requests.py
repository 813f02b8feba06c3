"""Requests for a chip's registers: each names what is there, and a VPort that goes leaves its groups."""

from tests.unit.builders import GROUP, accept, ported, refuse
from tests.unit.chips import PLAIN, chip
from vmdqemu.nic.adapter import ClearFilter, DeleteVPort, DisconnectPort, SetPool, SetPort
from vmdqemu.nic.models import I82599
from vmdqemu.nic.pools import NOTHING, PortSettings
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_VPORT

DEAF = PLAIN._replace(accept=NOTHING)


def test_a_pool_is_a_vports_or_the_pfs() -> None:
    asked = accept(chip(), SetPool(DEFAULT_VPORT, DEAF), SetPool(2, DEAF))
    deaf = [pool.accept == NOTHING for pool in (asked.pf.pool, *(asked.vports[n].pool for n in (1, 2)))]
    assert deaf == [True, False, True]
    assert refuse(asked, SetPool(9, DEAF)) is Status.INVALID_PARAMETER


def test_the_port_takes_all_its_registers_at_once() -> None:
    settings = PortSettings(unicast=False, vlans=frozenset({5}))
    assert accept(chip(), SetPort(settings)).port == settings


def test_a_vport_that_goes_leaves_its_groups() -> None:
    before = chip(groups={GROUP: frozenset({1, 2}), GROUP[:5] + b"\x01": frozenset({1})})
    after = accept(before, ClearFilter(1), DeleteVPort(1))
    assert after.port.groups == {GROUP: {2}}


def test_a_port_without_a_vport_does_so_too() -> None:
    groups = PortSettings(groups={GROUP: frozenset({1})})
    asked = accept(ported(None, model=I82599), SetPort(groups), DisconnectPort(1))
    assert asked.port.groups == {}
