"""The packet filter in effect: what no filter placed is dropped by name, what one placed is not touched."""

import pytest

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, accept, mac, parsed, ported, queued, refuse
from tests.unit.chips import chip
from vmdqemu.host.decide import decide
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.adapter import SetFilter, SetPacketFilter, SetQueueFilter, Status, compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.frame import BROADCAST
from vmdqemu.nic.packet_filter import PacketFilter, PacketType
from vmdqemu.nic.switch import receive
from vmdqemu.nic.tables import DEFAULT_VPORT

STRICT = PacketFilter(PacketType.DIRECTED, OUTSIDE)


@pytest.mark.parametrize(
    ("destination", "drop"),
    [
        (mac(1), None),
        (STRANGER, DropReason.PACKET_FILTER),
        (GROUP, DropReason.PACKET_FILTER),
        (BROADCAST, DropReason.PACKET_FILTER),
    ],
)
def test_strict_it_drops_what_no_filter_placed(destination: bytes, drop: DropReason | None) -> None:
    """F10, F11."""
    seen = compile_tables(accept(queued(None), SetPacketFilter(STRICT)), 1)
    assert decide(parsed(destination, STRANGER), WIRE, seen).drop is drop


def test_a_filter_on_the_default_queue_is_a_match() -> None:
    """F13."""
    strict = accept(ported(None), SetPacketFilter(STRICT))
    frame = parsed(mac(1), STRANGER)
    assert decide(frame, WIRE, compile_tables(strict, 1)).drop is DropReason.PACKET_FILTER
    for caller in ("vswitch", "another driver"):
        open_ = accept(strict, SetQueueFilter(0, mac(1), untagged=True, caller=caller))
        verdict = decide(frame, WIRE, compile_tables(open_, 1))
        assert [delivery.port for delivery in verdict.deliveries] == [1]


def test_on_a_chip_it_stands_before_the_pfs_pool_and_no_other() -> None:
    """What the default pool catches is the PF's by no filter; a copy for a VM passes."""
    strict = accept(chip(), SetPacketFilter(STRICT))
    seen = compile_tables(strict, 1)
    found = [
        ([placed.vport for placed in verdict.queues], verdict.drop)
        for destination in (mac(1), STRANGER, BROADCAST)
        if (verdict := receive(parsed(destination, STRANGER), seen))
    ]
    assert found == [([1], None), ([], DropReason.PACKET_FILTER), ([1, 2], None)]
    open_ = compile_tables(accept(strict, SetFilter(DEFAULT_VPORT, STRANGER)), 1)
    assert [placed.vport for placed in receive(parsed(STRANGER, mac(9)), open_).queues] == [DEFAULT_VPORT]


def test_a_list_holds_groups_and_not_too_many() -> None:
    built = ported(None)
    unicast = STRICT._replace(groups=frozenset({mac(1)}))
    assert refuse(built, SetPacketFilter(unicast)) is Status.INVALID_PARAMETER
    many = frozenset(b"\x01" + number.to_bytes(5, "big") for number in range(33))
    assert refuse(built, SetPacketFilter(STRICT._replace(groups=many))) is Status.RESOURCES
