"""Tables: what a worker reads is the very value that control compiled."""

import json

from hypothesis import given
from hypothesis import strategies as st

from tests.unit.builders import Vm, mac, tables
from tests.unit.test_pools import POOLINGS
from vmdqemu.nic.coalescing import CoalescingFilter, Comparison, Field, FieldTest
from vmdqemu.nic.moderation import Moderation
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.packet_filter import PacketFilter, PacketType
from vmdqemu.nic.rss import HashType, Rss
from vmdqemu.nic.tables import Tables, VfTable, VPortTable, from_json, to_json
from vmdqemu.nic.tunnel import Tunnels

VLANS = st.none() | st.integers(1, 4094)
MACS = st.binary(min_size=6, max_size=6)
NUMBERS = st.integers(1, 255)
RSS = st.builds(
    Rss,
    key=st.binary(min_size=40, max_size=40),
    types=st.builds(HashType, st.integers(0, 0xFFFF)),
    table=st.lists(st.integers(0, 63), max_size=128).map(tuple),
    default=st.integers(0, 63),
)
COALESCING = st.builds(
    CoalescingFilter,
    tests=st.lists(
        st.builds(
            FieldTest,
            st.sampled_from(Field),
            st.sampled_from(Comparison),
            st.integers(0, 1 << 48),
            st.integers(0, 1 << 48),
        ),
        max_size=3,
    ).map(tuple),
    delay=st.integers(1, 1000),
)
VPORTS = st.builds(
    VPortTable,
    name=st.text(),
    macs=st.lists(MACS, max_size=3).map(tuple),
    vlan=VLANS,
    vlans=st.frozensets(VLANS, max_size=3),
    spoof_check=st.booleans(),
    vlan_check=st.booleans(),
    untagged_only=st.booleans(),
    priority=st.integers(0, 7),
    strip=st.booleans(),
    transmit=st.booleans(),
    queues=st.lists(NUMBERS, max_size=4).map(tuple),
    channels=st.integers(1, 64),
    rss=st.none() | RSS,
)
VFS = st.builds(VfTable, function=st.integers(0, 63), vport=VPORTS, beside=st.none() | NUMBERS)
PACKET_FILTERS = st.builds(PacketFilter, st.sampled_from(PacketType), MACS, st.frozensets(MACS, max_size=3))
TABLES = st.builds(
    Tables,
    generation=st.integers(0),
    sort=st.sampled_from(Sort),
    lookup=st.booleans(),
    copy=st.booleans(),
    processors=st.none() | st.integers(1, 64),
    lookahead=st.integers(0, 256),
    local_switch=st.booleans(),
    loopback=st.booleans(),
    wire=st.booleans(),
    mtu=st.integers(576, 9216),
    tunnels=st.builds(Tunnels, st.none() | st.integers(1, 65535), st.booleans()),
    default_queues=st.lists(NUMBERS, max_size=4).map(tuple),
    default_rss=st.none() | RSS,
    moderation=st.dictionaries(NUMBERS, st.builds(Moderation, st.integers(0, 1 << 24), st.booleans())),
    coalescing=st.dictionaries(NUMBERS, COALESCING, max_size=3),
    packet_filter=st.none() | PACKET_FILTERS,
    filters=st.dictionaries(st.tuples(MACS, VLANS), NUMBERS, max_size=5),
    inside_filters=st.dictionaries(st.tuples(MACS, VLANS), NUMBERS, max_size=5),
    addresses=st.dictionaries(st.tuples(MACS, VLANS), NUMBERS, max_size=5),
    vports=st.dictionaries(NUMBERS, VPORTS, max_size=4),
    vfs=st.dictionaries(NUMBERS, VFS, max_size=4),
    pooling=st.none() | POOLINGS,
    default_name=st.text(),
)


def shape(value: object) -> object:
    """The value with the type of everything in it: 1 is not True, a list no tuple."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return type(value), [shape(item) for item in value]
    return type(value), value


@given(TABLES)
def test_a_worker_reads_the_value_that_control_wrote(seen: Tables) -> None:
    assert shape(from_json(json.loads(json.dumps(to_json(seen))))) == shape(seen)


def test_the_largest_frame_is_an_mtu_and_an_ethernet_header() -> None:
    assert tables(mtu=1500).max_frame == 1514


def test_the_members_of_a_vlan_have_its_port_vlan_and_a_filter() -> None:
    seen = tables(Vm(vlan=10), Vm(), Vm(vlan=10), Vm(vlan=10, macs=()), Vm(vlan=20, macs=(mac(8), mac(9))))
    assert [seen.members(vlan) for vlan in (None, 10, 20, 30)] == [(2,), (1, 3), (5,), ()]
