"""A VM's port without a VPort: the vSwitch knows it, and its frames come by the default queue."""

from tests.unit.builders import STRANGER, accept, mac, parsed, ported, queued, refuse, small
from vmdqemu.host.decide import decide
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.adapter import ConnectPort, DisconnectPort, SetFilter, SetMode, Status, compile_tables
from vmdqemu.nic.modes import MODES, VMMQ
from vmdqemu.nic.tables import DEFAULT_QUEUE


def test_its_frames_are_looked_up_by_the_vswitch_in_every_mode() -> None:
    for mode in MODES.values():
        seen = compile_tables(ported(None, mode=mode), 1)
        verdict = decide(parsed(mac(1), STRANGER), WIRE, seen)
        assert [delivery.port for delivery in verdict.deliveries] == [1]
        assert verdict.host.lookup
        assert verdict.nic.queues[0].vport == 0


def test_two_ports_share_no_address_in_a_vlan() -> None:
    one = ported(None)
    assert refuse(one, ConnectPort("vm2", mac(1))) is Status.INVALID_PARAMETER
    assert accept(one, ConnectPort("vm2", mac(1), vlan=5)).vports[2].vlan == 5
    assert refuse(one, ConnectPort("vm2", mac(2), vlan=0)) is Status.INVALID_PARAMETER
    assert refuse(one, ConnectPort("vm2", mac(2), channels=0)) is Status.INVALID_PARAMETER
    assert refuse(ported(None, None, None), ConnectPort("vm4", mac(4))) is Status.RESOURCES


def test_a_port_with_a_vm_queue_stays() -> None:
    assert refuse(queued(None), DisconnectPort(1)) is Status.INVALID_PARAMETER
    assert accept(ported(None), DisconnectPort(1)).vports == {}
    assert refuse(ported(None), DisconnectPort(9)) is Status.INVALID_PARAMETER


def test_a_port_beside_vports_has_no_queue_of_its_own_and_no_filter_on_a_vport() -> None:
    """A VM that is given no queue (NDIS: VmqWeight 0)."""
    mixed = accept(small(mode=VMMQ), ConnectPort("vm1", mac(1), channels=2))
    assert mixed.vports[1].queues == ()
    assert accept(mixed, SetMode(MODES["vmq"])).vports[1].queues == ()
    assert refuse(mixed, SetFilter(1, mac(1))) is Status.INVALID_PARAMETER
    assert compile_tables(mixed, 1).default_queues[0] == DEFAULT_QUEUE
