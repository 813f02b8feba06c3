"""The host's findings in words: what a reader of an explanation is told."""

import pytest

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, Vm, mac, parsed, tables
from vmdqemu.host import words
from vmdqemu.host.decide import decide
from vmdqemu.host.vswitch import WIRE, Delivery, Edit
from vmdqemu.nic.frame import Frame
from vmdqemu.nic.modes import OFF, VMQ, Mode
from vmdqemu.nic.steps import Steps

LAB = (Vm(), Vm(), Vm(vlan=10))


def steps(frame: Frame, source: int, mode: Mode) -> list[tuple[str, str]]:
    host = Steps()
    decide(frame, source, tables(*LAB, mode=mode), host=host.take)
    return [(step.name, step.outcome) for step in host.taken]


LOOKED_UP = ("left to software", "the vSwitch looks up who gets it")


@pytest.mark.parametrize(
    ("frame", "source", "mode", "said"),
    [
        (
            parsed(mac(3), OUTSIDE, [10]),
            WIRE,
            VMQ,
            [
                ("left to software", "the adapter named the VPort: no look-up"),
                ("delivery", "to VPort 3 by channel 0, its tag stripped"),
            ],
        ),
        (
            parsed(mac(1), OUTSIDE),
            WIRE,
            OFF,
            [
                LOOKED_UP,
                ("look up", "02:00:00:00:00:01 in no VLAN: VPort 1"),
                ("delivery", "to VPort 1 by channel 0, as it is"),
            ],
        ),
        (
            parsed(GROUP, mac(1)),
            1,
            VMQ,
            [
                LOOKED_UP,
                ("replicate", "01:00:5e:00:00:fb in no VLAN: the wire, VPort 2"),
                ("delivery", "to the wire, as it is"),
                ("delivery", "to VPort 2 by channel 0, as it is"),
            ],
        ),
        (
            parsed(STRANGER, OUTSIDE),
            WIRE,
            VMQ,
            [LOOKED_UP, ("look up", "02:ff:ff:00:00:01 in no VLAN: nobody: drop, port_list_is_empty")],
        ),
    ],
)
def test_what_the_vswitch_found(frame: Frame, source: int, mode: Mode, said: list[tuple[str, str]]) -> None:
    assert steps(frame, source, mode) == said


def test_a_tag_that_is_inserted_is_told() -> None:
    assert words.delivery(Delivery(WIRE, edit=Edit.INSERT)) == "to the wire, a tag inserted"


def test_who_serves_a_queue_is_told() -> None:
    assert words.processor(3, 7, {7: 3}) == "processor 3 serves RX queue 7"
