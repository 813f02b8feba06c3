"""Queue rules: the published values of every formula, and no pool in another's queues."""

from itertools import product

import pytest

from tests.unit.vectors import PUBLISHED
from vmdqemu.nic.queue_rules import RULES, Layout, pool_limit
from vmdqemu.nic.rss import ALL_TYPES, EX_TYPES

RX_QUEUES = {"82575": 4, "82576": 16, "82598": 64, "82599": 128, "x550": 128}
LAYOUTS = [(model, name) for model in RX_QUEUES for name in RULES[model].layouts]


def layout(model: str, name: str) -> Layout:
    return RULES[model].layouts[name]


@pytest.mark.parametrize(
    ("model", "name", "pool", "tc", "entry", "queue"),
    [
        ("82575", "2", 0, 0, 0b11_000000, 3),
        ("82575", "3", 3, 0, 0xFF, 3),
        ("82575", "5", 0, 0, 0b10_00_01_00, 1),
        ("82575", "5", 1, 0, 0b10_00_01_00, 2),
        ("82576", "2", 0, 0, 0x1D, 13),
        ("82576", "3", 5, 0, 0xFF, 5),
        ("82576", "5", 3, 0, 0x00, 3),
        ("82576", "5", 3, 0, 0x08, 11),
        ("82576", "5", 3, 0, 0x07, 3),
        ("82598", "rss", 0, 0, 0xFC, 12),
        ("82598", "vmdq", 15, 0, 0xFF, 15),
        ("82598", "vmdq + rss", 2, 0, 0xA5, 2 * 16 + 5),
        ("82598", "vmdq + rss", 3, 0, 0xA5, 3 * 16 + 10),
        ("82598", "vmdq + rss", 7, 0, 0xA5, 3 * 16 + 10),  # two bits of the pool
        ("82598", "dcb", 0, 7, None, 56),
        ("82599", "1", 0, 0, 0x7F, 15),
        ("82599", "2", 0, 3, None, 48),
        ("82599", "3", 0, 3, None, 96),
        ("82599", "4", 0, 2, 0x75, 37),
        ("82599", "5", 0, 2, 0x75, 69),
        ("82599", "8", 5, 0, 3, 10),
        ("82599", "B", 5, 0, 3, 11),
        ("82599", "A", 5, 0, 3, 23),
        ("82599", "C", 5, 6, None, 46),
        ("82599", "D", 5, 2, None, 22),
    ],
)
def test_the_formulas_give_the_published_queues(
    model: str, name: str, pool: int, tc: int, entry: int | None, queue: int
) -> None:
    assert layout(model, name).queue(pool, tc, entry) == queue


@pytest.mark.parametrize(("model", "name"), LAYOUTS)
def test_a_pool_and_a_class_have_queues_of_their_own(model: str, name: str) -> None:
    """But where the entry names the queue of the adapter, as two pools of the 82575 do."""
    rules = layout(model, name)
    owned: dict[int, tuple[int, int]] = {}
    for pool, tc, entry in product(range(rules.pools), range(rules.tcs), (None, *range(256))):
        queue = rules.queue(pool, tc, entry)
        assert 0 <= queue < RX_QUEUES[model]
        if (model, name) not in [("82575", "5"), ("82575", "6")]:
            assert owned.setdefault(queue, (pool, tc)) == (pool, tc)


@pytest.mark.parametrize(("most", "queues"), [(1, {20}), (2, {20, 21}), (4, {20, 21, 22, 23})])
def test_rqpl_masks_the_entry_to_the_queues_of_the_pool(most: int, queues: set[int]) -> None:
    assert {layout("82599", "A").queue(5, 0, entry, most) for entry in range(256)} == queues


def test_rsse_off_leaves_a_pool_of_the_82576_its_first_queue() -> None:
    assert {layout("82576", "5").queue(3, 0, entry, most=1) for entry in range(256)} == {3}


@pytest.mark.parametrize(("model", "name"), LAYOUTS)
def test_a_frame_without_a_hash_has_index_0_and_not_the_tables_first_entry(model: str, name: str) -> None:
    rules = layout(model, name)
    for pool in range(rules.pools):
        assert rules.queue(pool, 0, None) == rules.queue(pool, 0, 0)


def test_linux_limits_rss_to_a_power_of_two_of_the_pools_queues() -> None:
    assert [pool_limit(queues) for queues in (1, 2, 3, 4, 8)] == [1, 2, 2, 4, 4]


def test_igb_fills_in_blocks_and_ixgbe_by_turns() -> None:
    """Both are legal, and place differently: the five published TCP indexes over four queues."""
    indexes = [vector["tcp"]["table_index"]["128"] for vector in PUBLISHED[:5]]
    assert indexes == [120, 106, 74, 127, 34]
    for model, queues in (("82576", [3, 3, 2, 3, 1]), ("82599", [0, 2, 2, 3, 2])):
        table = RULES[model].spread(4, ALL_TYPES).table
        assert [table[index] for index in indexes] == queues


def test_the_x550_has_a_table_of_64_entries_for_each_pool() -> None:
    assert len(RULES["x550"].spread(4, ALL_TYPES).table) == 64
    assert RULES["x550"].own_table
    assert not RULES["82599"].own_table
    assert len(RULES["82599"].spread(4, ALL_TYPES, entries=16).table) == 16


def test_only_the_gigabit_chips_know_the_home_address_types() -> None:
    for model in RX_QUEUES:
        assert (set(EX_TYPES) <= set(RULES[model].hash_types)) == (model in ("82575", "82576"))
