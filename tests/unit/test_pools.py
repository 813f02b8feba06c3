"""Registers as JSON: what a worker reads is the very value that control compiled."""

import json

from hypothesis import given
from hypothesis import strategies as st

from vmdqemu.nic.pools import Accept, Mirror, MirrorKind, Pooling, from_json, to_json

MACS = st.binary(min_size=6, max_size=6)
NUMBERS = st.integers(0, 63)
SETS = st.frozensets(NUMBERS, max_size=4)
VIDS = st.integers(0, 4094)
HASHES = st.frozensets(st.integers(0, 0xFFF), max_size=4)
MIRRORS = st.builds(Mirror, st.sampled_from(MirrorKind), NUMBERS, SETS)
POOLINGS = st.builds(
    Pooling,
    unicast=st.booleans(),
    multicast=st.booleans(),
    broadcast=st.booleans(),
    vlan_filtering=st.booleans(),
    admitted_vlans=st.none() | st.frozensets(VIDS, max_size=4),
    exact=st.dictionaries(MACS, SETS, max_size=4),
    hash_form=st.integers(0, 3),
    unicast_table=HASHES,
    multicast_table=HASHES,
    accept=st.dictionaries(st.sampled_from(list(Accept)), SETS),
    has_vlan_step=st.booleans(),
    vlans=st.dictionaries(VIDS, SETS, max_size=4),
    by_vlan=st.booleans(),
    replication=st.booleans(),
    default_pool=st.none() | NUMBERS,
    receive=SETS,
    own_frames=SETS,
    limits=st.dictionaries(NUMBERS, st.integers(60, 16383), max_size=4),
    mirrors=st.lists(MIRRORS, max_size=4).map(tuple),
    disabled_is_no_match=st.booleans(),
    disabled_is_no_local_match=st.booleans(),
    hashes_looped=st.booleans(),
    prunes_sources=st.booleans(),
)


@given(POOLINGS)
def test_a_worker_reads_the_registers_that_control_wrote(seen: Pooling) -> None:
    read = from_json(json.loads(json.dumps(to_json(seen))))
    assert read == seen
    assert [type(value) for value in read] == [type(value) for value in seen]


def test_a_flag_that_no_pool_has_is_no_pools() -> None:
    from tests.unit.chips import registers

    pooling = registers().pooling
    assert pooling is not None
    assert pooling.accepting(Accept.UPE) == frozenset()
