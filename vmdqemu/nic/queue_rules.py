"""Queue rules: how each chip gets from a pool, a traffic class and an entry of its table to a queue.

Theory of operation: the mode register MRQC chooses a layout, and every layout is one sum:

    queue = pool * `pool` + traffic class * `tc` + index * `step`

where the index is a field of the entry that the hash names. How wide the field is, and how many queues a pool
may use (RQPL of the 82599, RSSE of the 82576), bounds the index; a frame without a hash has index 0, not that
of entry 0 (X550 7.1.3.6).

Sources: X550 7.1.3, 82575 SDM p.120-123, 82576 8.26.1, 82598 datasheet p.211-217; igb_main.c and ixgbe_main.c
for how Linux fills the tables.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

from vmdqemu.nic.rss import ALL_TYPES, EX_TYPES, MAX_ENTRIES, HashType, Rss

VPORT_ENTRIES: Final = 64  # of one of the X550's 64 tables (X550 7.1.3)


class Field(NamedTuple):
    """Where the index is in an entry, which is an octet."""

    bits: int = 4
    shifts: tuple[int, ...] = (0,)  # of pool 0, 1 and so on; several pools may share one table in parts

    def read(self, entry: int, pool: int) -> int:
        """The index that an entry holds for a pool."""
        return entry >> self.shifts[pool % len(self.shifts)] & (1 << self.bits) - 1


class Layout(NamedTuple):
    """One setting of MRQC."""

    field: Field | None = None  # None: no RSS
    pool: int = 0
    tc: int = 0
    step: int = 1
    pools: int = 1  # that are told apart
    tcs: int = 1

    def queue(self, pool: int = 0, tc: int = 0, entry: int | None = None, most: int | None = None) -> int:
        """The queue of a frame.

        tc: that of the tag's priority, 0 untagged; entry: the table's; None: the frame has no hash.
        most: queues that RSS may use in the pool, a power of two; None: all.
        """
        index = 0 if entry is None or self.field is None else self.field.read(entry, pool)
        if most is not None:
            index &= most - 1  # masked, not wrapped (X550 7.1.3: RQPL)
        return pool % self.pools * self.pool + tc * self.tc + index * self.step


class QueueRules(NamedTuple):
    """How one model spreads."""

    layouts: Mapping[str, Layout]  # by MRQC's value, where it has one
    hash_types: HashType = ALL_TYPES & ~HashType(sum(EX_TYPES))  # that it can hash by
    table_entries: int = MAX_ENTRIES  # the most
    own_table: bool = False  # each pool has a key and a table; else they share one
    entry_moves: bool = False  # one entry can be moved alone: RSSv2 (NDIS: INDEPENDENT_ENTRY_MOVE)
    blocks: bool = False  # Linux fills the table in blocks, not by turns
    ethertype_filters: int = 0
    syn_filters: int = 0
    tuple_filters: int = 0

    def spread(self, queues: int, types: HashType, entries: int | None = None) -> Rss:
        """An even spread as its driver writes it; entries: None for the most.

        Raises ValueError as `rss.check` does.
        """
        count = self.table_entries if entries is None else entries
        by_turns = Rss.spread(queues, types=types, entries=count)
        if not self.blocks:
            return by_turns
        return by_turns._replace(table=tuple(entry * queues // count for entry in range(count)))


_BITS_1, _BITS_2, _BITS_4 = Field(1), Field(2), Field(4)

# "3" and so on: the values of MRQC 2:0 (82575 SDM p.120-123). Linux puts pool 0's queue in bits 3:2 and pool
# 1's in bits 7:6, both counted over the adapter, where two pools have two queues each (igb_main.c:3985).
_82575 = QueueRules(
    {
        "2": Layout(Field(2, (6,))),
        "3": Layout(pool=1, pools=4),
        "4": Layout(pool=1, pools=4),
        "5": Layout(Field(2, (2, 6)), pools=2),
        "6": Layout(Field(2, (2, 6)), pools=2),
    },
    hash_types=ALL_TYPES,
    blocks=True,
)
# Queue n and n + 8 are a pool's (82576 8.26.1).
_82576 = QueueRules(
    {
        "2": Layout(_BITS_4),
        "3": Layout(pool=1, pools=8),
        "5": Layout(Field(1, (3,)), pool=1, step=8, pools=8),
    },
    hash_types=ALL_TYPES,
    blocks=True,
    ethertype_filters=8,
    syn_filters=1,
    tuple_filters=8,
)
# An entry has two nibbles, and the pool's lowest bit takes one; the queue has two bits of the pool
# (82598 datasheet p.211-217).
_82598 = QueueRules(
    {
        "rss": Layout(_BITS_4),
        "vmdq": Layout(pool=1, pools=16),
        "vmdq + rss": Layout(Field(4, (0, 4)), pool=16, pools=4),
        "dcb": Layout(tc=8, tcs=8),
    }
)
# The values of MRQC 3:0 (ixgbe_type.h; X550 7.1.3).
_82599_LAYOUTS = {
    "0": Layout(),
    "1": Layout(_BITS_4),
    "2": Layout(tc=16, tcs=8),
    "3": Layout(tc=32, tcs=4),
    "4": Layout(_BITS_4, tc=16, tcs=8),
    "5": Layout(_BITS_4, tc=32, tcs=4),
    "8": Layout(pool=2, pools=64),
    "A": Layout(_BITS_2, pool=4, pools=32),
    "B": Layout(_BITS_1, pool=2, pools=64),
    "C": Layout(pool=8, tc=1, pools=16, tcs=8),
    "D": Layout(pool=4, tc=1, pools=32, tcs=4),
}
_82599 = QueueRules(_82599_LAYOUTS, ethertype_filters=8, syn_filters=1, tuple_filters=128)

IDEAL_RULES: Final = QueueRules({}, hash_types=ALL_TYPES, own_table=True, entry_moves=True)
RULES: Final[Mapping[str, QueueRules]] = {
    "82575": _82575,
    "82576": _82576,
    "82598": _82598,
    "82599": _82599,
    "x550": _82599._replace(table_entries=VPORT_ENTRIES, own_table=True),
    "ideal": IDEAL_RULES,
}


def pool_limit(queues: int) -> int:
    """Queues that RSS may use in a pool with that many, as Linux sets RQPL (ixgbe_main.c:5309)."""
    return 4 if queues >= 4 else 2 if queues >= 2 else 1
