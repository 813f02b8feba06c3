"""RSS by OID: what is said is read by name, and what is not said stays."""

from typing import Any, get_args

import pytest

from tests.unit.builders import Vm, adapter
from vmdqemu.daemon.params import Params
from vmdqemu.daemon.scaling_oids import REQUESTS
from vmdqemu.errors import UsageError
from vmdqemu.nic.adapter import Request
from vmdqemu.nic.modes import VMMQ
from vmdqemu.nic.rss import HashType
from vmdqemu.nic.rss_requests import MoveEntries, SetRss, SetScaling
from vmdqemu.nic.scaling_entity import EntryMove, Scale
from vmdqemu.nic.vport import Serving

SERVING = Serving(frozenset({0, 1}), {})
LAB = adapter(Vm(queue_pairs=2), Vm(), mode=VMMQ)
V1, V2 = "OID_GEN_RECEIVE_SCALE_PARAMETERS", "OID_GEN_RECEIVE_SCALE_PARAMETERS_V2"
MOVES = "OID_GEN_RSS_SET_INDIRECTION_TABLE_ENTRIES"


def read(oid: str, **said: Any) -> Request:
    request = REQUESTS[oid](Params(said), LAB, SERVING)
    assert type(request) in get_args(Request)
    return request


def test_what_is_not_said_stays_as_it_is() -> None:
    now = LAB.vports[1].rss
    assert now is not None
    assert read(V1, vport=1) == SetRss(1, now)
    assert read(V2, vport=1) == SetScaling(1, Scale(enabled=True), SERVING)


def test_what_is_said_is_read_by_its_kind() -> None:
    key = "ab" * 40
    one = read(V1, vport=1, key=key, types=["ipv4"], table=[0, 1], default=1)
    assert isinstance(one, SetRss)
    assert one.rss == (bytes.fromhex(key), HashType.IPV4, (0, 1), 1)
    two = read(V2, vport=1, enabled=False, queues=1, entries=8, key=key, types=["ipv4", "tcp_ipv4"])
    types = HashType.IPV4 | HashType.TCP_IPV4
    assert two == SetScaling(1, Scale(False, 1, 8), SERVING, bytes.fromhex(key), types)
    moves = [{"vport": 1, "entry": 0xFFFF, "processor": 1}]
    assert read(MOVES, actor=0, moves=moves) == MoveEntries((EntryMove(1, 0xFFFF, 1),), 0, SERVING)


@pytest.mark.parametrize(
    ("oid", "said", "cure"),
    [
        (V2, {"vport": 9}, "vport: there is no 9; vmdqemu vport list names them"),
        (V1, {"vport": 2}, "vport: 2 has one queue; vmdqemu rss list names those with several"),
        (V2, {"vport": 1, "key": "x"}, "key: 'x' is not hex"),
        (V2, {"vport": 1, "types": ["tcp"]}, "types: 'tcp' is not known; use one of ipv4,"),
        (MOVES, {"actor": 0, "moves": [1]}, r"moves: \[1\] is not a list of objects"),
        (MOVES, {"actor": 0, "moves": [{"vport": 1}]}, "entry: None is not a whole number"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_name(oid: str, said: dict[str, Any], cure: str) -> None:
    with pytest.raises(UsageError, match=cure):
        read(oid, **said)
