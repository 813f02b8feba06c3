"""Where a frame goes that a pool sends: the worked example, and what holds for any registers."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit import golden
from tests.unit.builders import GROUP, STRANGER, Vm, adapter, mac, packet, parsed
from tests.unit.chips import SOFTWARE_ONLY, SWITCHING, register_files, registers
from tests.unit.hostile import frames
from tests.unit.pumping import PLAIN as NO_OFFLOADS
from vmdqemu.nic import switch
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST, is_multicast, parse
from vmdqemu.nic.models import I82599, X550, Model
from vmdqemu.nic.modes import VMMQ, VMQ
from vmdqemu.nic.tables import Tables


@pytest.mark.parametrize("column", golden.POOL_COLUMNS)
@pytest.mark.parametrize("row", golden.POOL1)
def test_the_worked_example_from_pool_1(row: int, column: str) -> None:
    case = golden.POOL1[row]
    vids = [] if case.vlan is None else [case.vlan]
    frame = parsed(case.destination, golden.unicast(0x11), vids)
    seen = switch.transmit(frame, 1, golden.tables(*golden.POOL_COLUMNS[column]))
    pools = tuple(placed.vport for placed in seen.queues)
    expected = getattr(case, column)
    assert (None if seen.drop else (pools, seen.wire)) == expected
    if expected is None:
        assert seen.drop is DropReason.NO_POOL


@pytest.mark.parametrize("row", golden.POOL1)
@pytest.mark.parametrize("change", ["adapter.local_switch=false", "adapter.bridge=vepa"])
def test_without_loopback_every_frame_goes_to_the_wire(row: int, change: str) -> None:
    case = golden.POOL1[row]
    frame = parsed(case.destination, golden.unicast(0x11), [] if case.vlan is None else [case.vlan])
    seen = switch.transmit(frame, 1, golden.tables(change))
    assert (seen.queues, seen.wire, seen.drop) == ((), True, None)


@pytest.mark.parametrize("model", SOFTWARE_ONLY, ids=lambda model: model.name)
def test_a_software_only_chip_sends_everything_out(model: Model) -> None:
    tables = registers(Vm(), Vm(), model=model, loopback=False)
    seen = switch.transmit(parsed(mac(2), mac(1)), 1, tables)
    assert (seen.queues, seen.wire, seen.vswitch) == ((), True, False)


@pytest.mark.parametrize("destination", [BROADCAST, GROUP])
def test_without_replication_a_group_goes_to_the_wire_alone(destination: bytes) -> None:
    """X550 7.8.3.9."""
    tables = registers(Vm(), Vm(), replication=False, groups={GROUP: frozenset({2})})
    seen = switch.transmit(parsed(destination, mac(1)), 1, tables)
    assert (seen.queues, seen.wire) == ((), True)


def test_nothing_that_vms_send_falls_to_the_default_pool() -> None:
    seen = switch.transmit(parsed(STRANGER, mac(1)), 1, registers(Vm(), Vm(), default_pool=2))
    assert (seen.queues, seen.wire) == ((), True)


def test_the_port_vlan_counts_as_the_frames_own_tag() -> None:
    tables = registers(Vm(vlan=10), Vm(vlan=10), Vm(vlan=20), Vm())
    seen = switch.transmit(parsed(BROADCAST, mac(1)), 1, tables)
    assert [placed.vport for placed in seen.queues] == [2]
    assert (seen.vlan, seen.wire) == (10, True)


def test_without_a_wire_what_would_go_there_is_dropped() -> None:
    tables = registers(Vm(), Vm(), wire=False)
    assert switch.transmit(parsed(STRANGER, mac(1)), 1, tables).drop is DropReason.PORT_LIST_IS_EMPTY
    assert switch.transmit(parsed(mac(2), mac(1)), 1, tables).drop is None


@pytest.mark.parametrize("model", SWITCHING, ids=lambda model: model.name)
def test_an_82576_hashes_nothing_that_was_looped(model: Model) -> None:
    asked = adapter(Vm(), Vm(queue_pairs=2), model=model._replace(modes=None), mode=VMMQ, local_switch=True)
    ethertype, payload = packet("192.0.2.1", "192.0.2.2", 6, (1, 2))
    frame = parsed(mac(2), mac(1), ethertype=ethertype, payload=payload)
    seen = switch.transmit(frame, 1, compile_tables(asked, 1))
    assert seen.spread == model.transmit.hashes_looped == (model in (I82599, X550))


@st.composite
def bridges(draw: st.DrawFn) -> Tables:
    """A chip with any registers that switches between three VMs."""
    model = draw(st.sampled_from(SWITCHING))
    vms = [
        Vm(vlan, spoof_check=False) for vlan in draw(st.sampled_from([(None, None, None), (None, 10, 10)]))
    ]
    ways = {"local_switch": True, "loopback": draw(st.integers(0, 3)) > 0}
    built = adapter(*vms, model=model, mode=VMQ, requests=draw(register_files(model, 3)), **ways)
    return compile_tables(built, generation=1)


@settings(max_examples=500)
@given(bridges(), frames().map(lambda frame: parse(frame[len(NO_OFFLOADS) :])), st.integers(1, 3))
def test_what_every_set_of_registers_promises(tables: Tables, frame: Any, sender: int) -> None:
    pooling = tables.pooling
    assert pooling is not None
    seen = switch.transmit(frame, sender, tables)
    found = {placed.vport for placed in seen.queues}
    mirrored = {rule.target for rule in pooling.mirrors}
    assert len(found) == len(seen.queues)
    assert (seen.drop is None) == (seen.wire or bool(found))
    assert found <= pooling.receive
    assert sender not in found or sender in pooling.own_frames | mirrored
    assert seen.drop is not None or seen.wire or not is_multicast(frame.destination)
    assert tables.loopback or not found
