"""Receive filters: one owner a (MAC, VLAN)."""

import pytest

from tests.unit.builders import GROUP, LAB, Vm, accept, adapter, mac, queued, refuse, small
from vmdqemu.nic.adapter import (
    ClearFilter,
    MoveFilter,
    Request,
    SetFilter,
    SetQueueFilter,
    compile_tables,
)
from vmdqemu.nic.models import IDEAL
from vmdqemu.nic.status import Status

REFUSED: dict[str, tuple[Request, Status]] = {
    "filter on an unknown VPort": (SetFilter(9, mac(9)), Status.INVALID_PARAMETER),
    "filter for a group address": (SetFilter(1, GROUP), Status.INVALID_PARAMETER),
    "filter for no address": (SetFilter(1, b""), Status.INVALID_PARAMETER),
    "filter for a short address": (SetFilter(1, mac(9)[:5]), Status.INVALID_PARAMETER),
    "filter for a long address": (SetFilter(1, mac(9) + b"\0"), Status.INVALID_PARAMETER),
    "filter for VLAN 0": (SetFilter(1, mac(9), 0), Status.INVALID_PARAMETER),
    "filter for VLAN 4095": (SetFilter(1, mac(9), 4095), Status.INVALID_PARAMETER),
    "a filter twice": (SetFilter(1, mac(1)), Status.INVALID_PARAMETER),
    "a filter of another VPort": (SetFilter(1, mac(2), 10), Status.INVALID_PARAMETER),
    "clear an unknown filter": (ClearFilter(9), Status.FILE_NOT_FOUND),
    "clear filter 0": (ClearFilter(0), Status.FILE_NOT_FOUND),
    "move an unknown filter": (MoveFilter(9, 1), Status.INVALID_PARAMETER),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_names_the_status_and_changes_nothing(case: str) -> None:
    request, status = REFUSED[case]
    assert refuse(small(*LAB), request) is status


def test_a_vport_moves_to_another_address_without_a_gap() -> None:
    both = accept(adapter(Vm()), SetFilter(1, mac(7)))
    assert compile_tables(both, 1).vports[1].macs == (mac(1), mac(7))
    assert compile_tables(accept(both, ClearFilter(1)), 2).filters == {(mac(7), None): 1}


@pytest.mark.parametrize("vlan", [1, 4094])
def test_the_outermost_vlans_are_legal(vlan: int) -> None:
    assert compile_tables(adapter(Vm(vlan=vlan)), 1).filters == {(mac(1), vlan): 1}


def test_an_address_inside_of_a_tunnel_is_a_filter_of_its_own_where_the_adapter_looks_there() -> None:
    """F18: the vSwitch, which opens no tunnel, knows nobody by it."""
    inside = SetQueueFilter(1, mac(9), untagged=True, inside=True)
    assert refuse(queued(None), inside) is Status.INVALID_PARAMETER
    both = accept(queued(None, model=IDEAL), inside, inside._replace(inside=False))
    assert refuse(both, inside) is Status.INVALID_PARAMETER
    tables = compile_tables(both, 1)
    assert (tables.inside_filters, tables.filters[mac(9), None]) == ({(mac(9), None): 1}, 1)
    alone = compile_tables(accept(queued(None, model=IDEAL), inside), 1)
    assert (mac(9), None) not in {**alone.filters, **alone.addresses}
    assert mac(9) not in alone.vports[1].macs
