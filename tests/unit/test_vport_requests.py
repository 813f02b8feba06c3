"""VPorts: what is asked for is had, whole, or refused."""

import pytest

from tests.unit.builders import LAB, SMALL, Vm, accept, adapter, mac, refuse, rss, small
from vmdqemu.nic.adapter import (
    Adapter,
    ClearFilter,
    CreateVPort,
    DeleteVPort,
    Request,
    SetFilter,
    SetMode,
    apply,
    compile_tables,
)
from vmdqemu.nic.modes import OFF, VMMQ, VMQ, Mode
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_VPORT

REFUSED: dict[str, tuple[Request, Status]] = {
    "no queue pair": (CreateVPort("vm", 0), Status.INVALID_PARAMETER),
    "more queue pairs than a VPort has": (CreateVPort("vm", 5), Status.INVALID_PARAMETER),
    "port VLAN 0": (CreateVPort("vm", vlan=0), Status.INVALID_PARAMETER),
    "port VLAN 4095": (CreateVPort("vm", vlan=4095), Status.INVALID_PARAMETER),
    "for a port that there is not": (CreateVPort("vm", port=9), Status.INVALID_PARAMETER),
    "for a port that has one": (CreateVPort("vm", port=1), Status.INVALID_PARAMETER),
    "RSS with a queue too many": (CreateVPort("vm", 2, rss=rss(0, 2)), Status.INVALID_PARAMETER),
    "delete the default VPort": (DeleteVPort(DEFAULT_VPORT), Status.INVALID_PARAMETER),
    "delete an unknown VPort": (DeleteVPort(9), Status.INVALID_PARAMETER),
    "delete a VPort with a filter": (DeleteVPort(1), Status.INVALID_PARAMETER),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_names_the_status_and_changes_nothing(case: str) -> None:
    request, status = REFUSED[case]
    assert refuse(small(*LAB), request) is status


@pytest.mark.parametrize(("mode", "queues"), [(OFF, 1), (VMQ, 3), (VMMQ, 6)], ids=str)
def test_queue_pairs_take_the_rx_queues_of_the_mode(mode: Mode, queues: int) -> None:
    assert adapter(Vm(queue_pairs=4), Vm(), mode=mode).rx_queues == queues


def test_numbers_are_the_lowest_free_from_1() -> None:
    before = adapter(Vm(), Vm(), Vm())
    without = accept(before, ClearFilter(2), DeleteVPort(2))
    assert set(without.vports) == set(without.filters) == {1, 3}
    again = apply(without, CreateVPort("again"))
    assert again.number == 2
    assert apply(again.adapter, SetFilter(2, mac(2))).number == 2
    assert apply(before, CreateVPort("next")).number == 4


def test_a_vport_with_several_queue_pairs_starts_spread_over_them() -> None:
    spread = [vport.rss for vport in small(Vm(), Vm(queue_pairs=2), Vm(queue_pairs=3)).vports.values()]
    assert spread == [None, *(Rss.spread(pairs, types=SMALL.hash_types) for pairs in (2, 3))]


def test_a_vport_that_is_only_named_has_one_queue_pair_no_vlan_and_anti_spoof() -> None:
    named = accept(Adapter(SMALL, VMMQ, mtu=1500, wire=True), CreateVPort("vm1")).vports[1]
    assert (named.name, named.queue_pairs, named.vlan, named.spoof_check) == ("vm1", 1, None, True)


def test_a_vport_that_goes_renumbers_no_other_and_leaves_its_queues_to_the_next() -> None:
    before = adapter(Vm(queue_pairs=2), Vm(queue_pairs=2), Vm(), mode=VMMQ)
    without = accept(before, ClearFilter(1), DeleteVPort(1))
    assert {number: vport.queues for number, vport in without.vports.items()} == {2: (3, 4), 3: (5,)}
    again = accept(without, CreateVPort("again", 3))
    assert again.vports[1].queues == (1, 2, 6)
    anew = accept(again, SetMode(VMQ), SetMode(VMMQ))
    assert [vport.queues for _, vport in sorted(anew.vports.items())] == [(1, 2, 3), (4, 5), (6,)]


def test_a_vport_for_a_port_has_its_number_and_leaves_it_when_it_goes() -> None:
    ports = small(Vm(own_queues=False), Vm(), Vm(own_queues=False), mode=VMMQ)
    made = accept(ports, CreateVPort("vm1", 4, port=1), SetFilter(1, mac(1)))
    assert (made.vports[1].queues, list(made.vports)) == ((2, 3, 4, 5), [1, 2, 3])
    assert compile_tables(made, 1).vports[1].macs == (mac(1),)
    assert refuse(made, CreateVPort("vm3", port=3)) is Status.RESOURCES
    assert accept(made, ClearFilter(2), DeleteVPort(1)).vports[1] == ports.vports[1]._replace(
        queue_pairs=4, rss=made.vports[1].rss
    )


def test_a_vport_is_known_by_its_filters_alone_and_a_port_by_its_address() -> None:
    port = small(Vm(own_queues=False))
    assert compile_tables(port, 1).addresses == {(mac(1), None): 1}
    assert compile_tables(accept(port, CreateVPort("vm1", port=1)), 1).addresses == {}
