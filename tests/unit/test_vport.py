"""VPorts: a table of processors becomes queues and their placement, and is read back as it was asked for."""

from hypothesis import assume, given
from hypothesis import strategies as st

from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_KEY, Rss
from vmdqemu.nic.scaling_entity import Entity
from vmdqemu.nic.vport import VPort, entity, settle

QUEUES = (7, 3, 9, 4)
PROCESSORS = st.integers(0, 5)
PLACEMENTS = st.tuples(*[PROCESSORS] * 4).map(lambda at: dict(zip(QUEUES, at, strict=True)))
TABLES = st.tuples(*[st.integers(0, 3)] * 8)


def vport(table: tuple[int, ...], default: int = 0) -> tuple[VPort, Rss]:
    rss = Rss(DEFAULT_KEY, ALL_TYPES, table, default)
    return VPort("vm", 4, None, True, rss, QUEUES), rss


def test_a_fresh_vport_is_its_table_seen_through_the_placement() -> None:
    seen = entity(*vport((0, 1, 2, 3), default=2), dict(zip(QUEUES, (5, 5, 0, 1), strict=True)))
    assert seen == Entity(True, primary=5, default=0, entries=(5, 5, 0, 1), queues=4)


@given(TABLES, st.integers(0, 3), PLACEMENTS, st.tuples(*[PROCESSORS] * 8), PROCESSORS, st.booleans())
def test_every_legal_table_of_processors_finds_its_queues(
    table: tuple[int, ...],
    default: int,
    placement: dict[int, int],
    entries: tuple[int, ...],
    processor: int,
    enabled: bool,
) -> None:
    before, rss = vport(table, default)
    wanted = Entity(enabled, primary=1, default=processor, entries=entries, queues=4)
    assume(len(wanted.processors) <= 4)
    after, moved = settle(before, rss, wanted, placement)
    assert after.rss is not None
    assert entity(after, after.rss, {**placement, **moved}) == wanted
    assert set(moved) <= set(QUEUES)
    assert all(placement[queue] != target for queue, target in moved.items())


@given(TABLES, PLACEMENTS, st.integers(0, 7), PROCESSORS)
def test_an_entry_that_nobody_moved_changes_its_queue_only_to_set_one_free(
    table: tuple[int, ...], placement: dict[int, int], entry: int, processor: int
) -> None:
    before, rss = vport(table)
    now = entity(before, rss, placement)
    wanted = now.pointed(entry, processor)
    assume(len(wanted.processors) <= 4)
    after, _ = settle(before, rss, wanted, placement)
    assert after.rss is not None
    others = [at for at in range(8) if at != entry and after.rss.table[at] != table[at]]
    spare = set(range(4)) - {*table, rss.default}
    known = processor in [placement[QUEUES[queue]] for queue in {*table, rss.default}]
    assert not others or not (spare or known)


def test_rss_that_is_off_leaves_the_first_queue_on_the_primary_processor() -> None:
    before, rss = vport((0, 1, 2, 3, 0, 1, 2, 3))
    placement = dict(zip(QUEUES, (0, 1, 2, 3), strict=True))
    wanted = entity(before, rss, placement)._replace(enabled=False, primary=3)
    after, moved = settle(before, rss, wanted, placement)
    assert moved == {QUEUES[0]: 3}
    assert (after.spread, before.spread) == (None, rss)
