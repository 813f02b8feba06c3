"""What vRSS needs (row D13 of the Microsoft rules; how far it spreads is in test_dynamic_vmq)."""

import pytest

from tests.unit.builders import OUTSIDE, Vm, mac, packet, parsed, tables
from vmdqemu.host.decide import decide, sorted_into
from vmdqemu.host.vrss import NoVrss, obstacle, place
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.modes import OFF, VMMQ, VMQ, Mode
from vmdqemu.nic.packet import PROTOCOL_UDP


@pytest.mark.parametrize(
    ("has_queue", "channels", "vf", "expected"),
    [
        (True, 2, False, None),
        (True, 8, False, None),
        (False, 2, False, NoVrss.QUEUE),
        (True, 1, False, NoVrss.CHANNELS),
        (True, 2, True, NoVrss.VF),
        (False, 1, True, NoVrss.VF),
    ],
)
def test_d13_vrss_needs_a_queue_two_channels_and_no_vf(
    has_queue: bool, channels: int, vf: bool, expected: NoVrss | None
) -> None:
    assert obstacle(has_queue, channels, vf) is expected


def test_every_reason_names_its_cure() -> None:
    assert all("; " in reason.value for reason in NoVrss)


def test_channels_go_round_the_set_from_the_processor_of_the_queue_on() -> None:
    vms = (Vm(queue_pairs=3, vrss=True), Vm(), Vm(queue_pairs=2), Vm(vrss=True))
    registers = tables(*vms, mode=VMQ)
    assert place(registers, {1: 4, 2: 0, 3: 0, 4: 0}, (0, 2, 4)) == {(1, 0): 4, (1, 1): 0, (1, 2): 2}
    assert place(registers, {1: 7, 2: 0, 3: 0, 4: 0}, (0, 2, 4))[1, 0] == 0


@pytest.mark.parametrize(("mode", "own_queues"), [(VMMQ, True), (OFF, True), (VMQ, False)])
def test_what_has_no_queue_or_several_is_not_spread(mode: Mode, own_queues: bool) -> None:
    registers = tables(Vm(queue_pairs=2, vrss=True, own_queues=own_queues), mode=mode)
    assert not registers.vports[1].vrss


def test_one_queues_frames_go_to_the_channels_of_their_flows() -> None:
    registers = tables(Vm(queue_pairs=4, vrss=True), mode=VMQ)
    verdicts = []
    for port in range(32):
        kind, payload = packet("192.0.2.1", "192.0.2.2", PROTOCOL_UDP, (port, 9))
        frame = parsed(mac(1), OUTSIDE, ethertype=kind, payload=payload)
        verdicts.append(decide(frame, WIRE, registers))
    assert {placed.queue for verdict in verdicts for placed in verdict.nic.queues} == {1}
    assert {verdict.deliveries[0].channel for verdict in verdicts} == {0, 1, 2, 3}
    assert all(verdict.spread and not verdict.host.lookup for verdict in verdicts)
    assert sorted_into(1, registers) is None
