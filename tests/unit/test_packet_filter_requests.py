"""The packet filter in effect: what no filter placed is dropped by name, what one placed is not touched."""

import pytest

from tests.unit.builders import GROUP, OUTSIDE, STRANGER, accept, mac, parsed, ported, queued, refuse
from vmdqemu.host.decide import decide
from vmdqemu.host.vswitch import WIRE
from vmdqemu.nic.adapter import SetPacketFilter, SetQueueFilter, Status, compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.packet_filter import BROADCAST_ADDRESS, PacketFilter, PacketType

STRICT = PacketFilter(PacketType.DIRECTED, OUTSIDE)


@pytest.mark.parametrize(
    ("destination", "drop"),
    [
        (mac(1), None),
        (STRANGER, DropReason.PACKET_FILTER),
        (GROUP, DropReason.PACKET_FILTER),
        (BROADCAST_ADDRESS, DropReason.PACKET_FILTER),
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


def test_a_list_holds_groups_and_not_too_many() -> None:
    built = ported(None)
    unicast = STRICT._replace(groups=frozenset({mac(1)}))
    assert refuse(built, SetPacketFilter(unicast)) is Status.INVALID_PARAMETER
    many = frozenset(b"\x01" + number.to_bytes(5, "big") for number in range(33))
    assert refuse(built, SetPacketFilter(STRICT._replace(groups=many))) is Status.RESOURCES
