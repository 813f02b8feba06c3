"""Adapter models: one row of limits each."""

from typing import NamedTuple

from vmdqemu.nic.moderation import UNITS, Units
from vmdqemu.nic.queue_rules import IDEAL_RULES, QueueRules
from vmdqemu.nic.rss import ALL_TYPES, HashType
from vmdqemu.nic.share import ARBITERS, ArbiterRules
from vmdqemu.nic.statistics import DRIVERS, Driver
from vmdqemu.nic.switch_objects import SwitchRules


class Model(NamedTuple):
    """What an adapter can hold."""

    name: str
    rx_queues: int  # the default VPort's included
    vports: int  # the default VPort included
    filters: int  # (MAC, VLAN) pairs
    queue_pairs: int  # of one VPort
    hash_types: HashType  # that a new VPort starts with
    inner_headers: bool  # hashed, of VXLAN and NVGRE; the 82598 to X550 know neither
    moderation: Units = UNITS["ideal"]
    arbiter: ArbiterRules = ARBITERS["ideal"]
    queue_rules: QueueRules = IDEAL_RULES
    driver: Driver = DRIVERS["ideal"]
    switch_rules: SwitchRules = SwitchRules(vfs=63)


# No chip: the classification procedure of NDIS within what a TAP can carry (256 queues a device).
IDEAL = Model(
    name="ideal",
    rx_queues=256,
    vports=256,
    filters=1024,
    queue_pairs=64,
    hash_types=ALL_TYPES,
    inner_headers=True,
)

MODELS = {model.name: model for model in (IDEAL,)}
