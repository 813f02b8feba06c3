"""The packet filter: which frames that no filter placed reach the default queue."""

import json

import pytest

from tests.unit.builders import GROUP, STRANGER, mac
from vmdqemu.nic.frame import BROADCAST
from vmdqemu.nic.packet_filter import (
    PROMISCUOUS,
    PacketFilter,
    PacketType,
    from_json,
    to_json,
)

OWN = mac(1)
T = PacketType


@pytest.mark.parametrize(
    ("types", "accepted"),
    [
        (T.PROMISCUOUS, {STRANGER, OWN, GROUP, BROADCAST}),
        (T.DIRECTED, {OWN}),
        (T.BROADCAST, {BROADCAST}),
        (T.ALL_MULTICAST, {GROUP, BROADCAST}),
        (T.MULTICAST, {GROUP}),
        (T.DIRECTED | T.BROADCAST, {OWN, BROADCAST}),
        (T(0), set()),
    ],
)
def test_each_type_accepts_its_frames(types: PacketType, accepted: set[bytes]) -> None:
    """NDIS: oid-gen-current-packet-filter."""
    strict = PacketFilter(types, OWN, frozenset({GROUP}))
    seen = {mac for mac in (STRANGER, OWN, GROUP, BROADCAST) if strict.accepts(mac)}
    assert seen == accepted
    assert from_json(json.loads(json.dumps(to_json(strict)))) == strict


def test_a_group_that_is_not_in_the_list_is_not_accepted() -> None:
    assert not PacketFilter(T.MULTICAST, OWN).accepts(GROUP)
    assert PROMISCUOUS.accepts(GROUP)
