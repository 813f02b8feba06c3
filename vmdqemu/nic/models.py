"""Adapter models: one row of limits and flags each."""

from typing import Final, NamedTuple

from vmdqemu.nic.moderation import UNITS, Units
from vmdqemu.nic.modes import OFF, OFF_NOCOPY, OFF_NOLOOKUP, RSS, VMDQ, VMMQ, VMQ
from vmdqemu.nic.queue_rules import RULES, QueueRules
from vmdqemu.nic.rss import ALL_TYPES, DEFAULT_TYPES, HashType
from vmdqemu.nic.share import ARBITERS, ArbiterRules
from vmdqemu.nic.statistics import DRIVERS, Driver
from vmdqemu.nic.switch_objects import SwitchRules


class ReceiveRules(NamedTuple):
    """How a chip finds the pools of a frame from the wire (X550 7.8.3.3) and what it can hold for that."""

    exact_addresses: int  # RAL and RAH
    exact_to_many: bool  # a group address may be several pools': a bitmap (MPSAR), no number
    unicast_table: bool  # UTA
    pool_vlans: int  # VLVF; 0: no VLAN step
    by_vlan: bool  # the VLAN alone can pick the pool
    one_pool_a_vlan: bool  # if it does, VLAN to queue, with no more than one
    vlan_limit: str  # where the number of VLANs is said
    replication: bool
    accept_flags: bool  # VMOLR: each pool says what it accepts
    promiscuous_pools: bool  # X540 and later: UPE and VPE
    source_pruning: bool  # X550 only
    disabled_is_no_match: bool  # a disabled pool's address looks unmatched (X550; for others INFER)
    frame_limits: bool  # RLPML of each pool
    mirror_rules: int
    one_strip: bool  # one bit strips for all pools, or for none


class TransmitRules(NamedTuple):
    """What a chip does with a frame that a pool sends (X550 7.8.3.4, 7.8.4)."""

    local_switch: bool
    port_vlan: bool  # VMVIR
    anti_spoof: bool
    hashes_looped: bool  # RSS of what was switched locally (82599: L3L4TXSWEN)
    disabled_is_no_match: bool = True  # of a local address (X550 7.8.3.4; for others INFER)


class Model(NamedTuple):
    """What an adapter can hold."""

    name: str
    rx_queues: int  # the default VPort's included
    vports: int  # the default VPort included: the pools of a chip
    filters: int  # (MAC, VLAN) pairs
    queue_pairs: int  # of one VPort; the host spreads over those that have no RX queue of their own
    hash_types: HashType  # that a new VPort starts with
    inner_headers: bool  # hashed, of VXLAN and NVGRE; the 82598 to X550 know neither
    moderation: Units = UNITS["ideal"]
    arbiter: ArbiterRules = ARBITERS["ideal"]
    queue_rules: QueueRules = RULES["ideal"]
    driver: Driver = DRIVERS["ideal"]
    switch_rules: SwitchRules = SwitchRules(vfs=63)
    pool_queues: int = 64  # RX queues of one VPort
    rss_queues: int = 64  # of native RSS
    modes: frozenset[str] | None = None  # None: all
    rings: tuple[int, int] = (64, 8192)  # descriptors of the smallest and the largest
    receive: ReceiveRules | None = None  # None: the filters of NDIS
    transmit: TransmitRules = TransmitRules(
        local_switch=True, port_vlan=True, anti_spoof=True, hashes_looped=False
    )
    queues_said: str = ""  # the section that counts pools and queues

    @property
    def addresses(self) -> int:
        """MAC addresses that it holds."""
        return self.filters if self.receive is None else self.receive.exact_addresses


_SORTED_BY_CHIP: Final = frozenset(mode.name for mode in (OFF, RSS, VMDQ, VMQ, OFF_NOCOPY, OFF_NOLOOKUP))
_WITH_RSS_IN_VPORTS: Final = _SORTED_BY_CHIP | {VMMQ.name}

# The software-only chips know one pool an address and nothing of groups (intel 82575 SDM 120-123).
_82575_RECEIVE: Final = ReceiveRules(
    exact_addresses=16,
    exact_to_many=False,
    unicast_table=False,
    pool_vlans=0,
    by_vlan=True,
    one_pool_a_vlan=True,
    vlan_limit="",
    replication=False,
    accept_flags=False,
    promiscuous_pools=False,
    source_pruning=False,
    disabled_is_no_match=False,
    frame_limits=False,
    mirror_rules=0,
    one_strip=True,
)
_82599_RECEIVE: Final = ReceiveRules(
    exact_addresses=128,
    exact_to_many=True,
    unicast_table=True,
    pool_vlans=64,
    by_vlan=False,
    one_pool_a_vlan=False,
    vlan_limit="82599 VLVF, ixgbe_type.h",
    replication=True,
    accept_flags=True,
    promiscuous_pools=False,
    source_pruning=False,
    disabled_is_no_match=False,
    frame_limits=False,
    mirror_rules=4,
    one_strip=False,
)

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
I82575 = Model(
    name="82575",
    moderation=UNITS["82575"],
    arbiter=ARBITERS["82575"],
    queue_rules=RULES["82575"],
    driver=DRIVERS["82575"],
    switch_rules=SwitchRules(vfs=0),
    rx_queues=4,
    vports=4,
    filters=1024,
    queue_pairs=64,
    pool_queues=1,
    hash_types=DEFAULT_TYPES,
    inner_headers=False,
    rss_queues=4,
    modes=_SORTED_BY_CHIP,
    rings=(80, 4096),
    receive=_82575_RECEIVE,
    transmit=TransmitRules(local_switch=False, port_vlan=False, anti_spoof=False, hashes_looped=False),
    queues_said="82575 SDM 120-123",
)
I82576 = Model(
    name="82576",
    moderation=UNITS["82576"],
    arbiter=ARBITERS["82576"],
    queue_rules=RULES["82576"],
    driver=DRIVERS["82576"],
    switch_rules=SwitchRules(vfs=7),  # of 8: one pool stays with the PF (igb)
    rx_queues=16,
    vports=8,
    filters=1024,
    queue_pairs=64,
    pool_queues=2,
    hash_types=DEFAULT_TYPES,
    inner_headers=False,
    rss_queues=16,
    modes=_SORTED_BY_CHIP,
    rings=(80, 4096),
    receive=_82599_RECEIVE._replace(
        exact_addresses=24,
        pool_vlans=32,
        by_vlan=True,  # VT_CTL.IGMAC
        vlan_limit="82576 VLVF, e1000_82575.h",
        frame_limits=True,  # 82576 8.19.37
    ),
    transmit=TransmitRules(local_switch=True, port_vlan=True, anti_spoof=True, hashes_looped=False),
    queues_said="82576 8.26.1",
)
I82598 = Model(
    name="82598",
    moderation=UNITS["82598"],
    arbiter=ARBITERS["82598"],
    queue_rules=RULES["82598"],
    driver=DRIVERS["82598"],
    switch_rules=SwitchRules(vfs=0),
    rx_queues=64,
    vports=16,
    filters=1024,
    queue_pairs=64,
    pool_queues=1,
    hash_types=DEFAULT_TYPES,
    inner_headers=False,
    rss_queues=16,
    modes=_SORTED_BY_CHIP,
    receive=_82575_RECEIVE,
    transmit=TransmitRules(local_switch=False, port_vlan=False, anti_spoof=False, hashes_looped=False),
    queues_said="82598 datasheet 211-217",
)
I82599 = Model(
    name="82599",
    moderation=UNITS["82599"],
    arbiter=ARBITERS["82599"],
    queue_rules=RULES["82599"],
    driver=DRIVERS["82599"],
    switch_rules=SwitchRules(vfs=63),  # of 64: likewise (ixgbe_sriov.h)
    rx_queues=128,
    vports=64,
    filters=1024,
    queue_pairs=64,
    pool_queues=4,
    hash_types=DEFAULT_TYPES,
    inner_headers=False,
    rss_queues=16,
    modes=_SORTED_BY_CHIP,
    receive=_82599_RECEIVE,
    transmit=TransmitRules(local_switch=True, port_vlan=True, anti_spoof=True, hashes_looped=True),
    queues_said="82599 MRQC, ixgbe_type.h",
)
X550 = Model(
    name="x550",
    moderation=UNITS["x550"],
    arbiter=ARBITERS["x550"],
    queue_rules=RULES["x550"],
    driver=DRIVERS["x550"],
    switch_rules=SwitchRules(vfs=63),
    rx_queues=128,
    vports=64,
    filters=1024,
    queue_pairs=64,
    pool_queues=4,
    hash_types=DEFAULT_TYPES,
    inner_headers=False,
    rss_queues=64,
    modes=_WITH_RSS_IN_VPORTS,
    receive=_82599_RECEIVE._replace(
        vlan_limit="X550 7.8.3.3.1", promiscuous_pools=True, source_pruning=True, disabled_is_no_match=True
    ),
    transmit=TransmitRules(local_switch=True, port_vlan=True, anti_spoof=True, hashes_looped=True),
    queues_said="X550 7.1.3",
)

MODELS = {model.name: model for model in (I82575, I82576, I82598, I82599, X550, IDEAL)}
