"""Tables: the registers in effect. Control compiles a whole new value; the data path only reads it."""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from vmdqemu.nic import packet_filter, pools
from vmdqemu.nic.coalescing import CoalescingFilter, Comparison, Field, FieldTest, Filters
from vmdqemu.nic.filters import ANY_VLAN, FilterKey, Vlan
from vmdqemu.nic.frame import HEADER_OCTETS
from vmdqemu.nic.moderation import Moderation
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.packet_filter import PacketFilter
from vmdqemu.nic.pool_selection import places_alone
from vmdqemu.nic.pools import Pooling
from vmdqemu.nic.rss import HashType, Rss
from vmdqemu.nic.tunnel import NO_TUNNELS, Tunnels

DEFAULT_VPORT = 0  # on the PF; takes what no filter matches
DEFAULT_QUEUE = 0  # always there, owned by nobody

ETHERNET_HEADER = 14
TAG = 4


class VPortTable(NamedTuple):
    """One VM's VPort as the data path sees it."""

    name: str
    macs: tuple[bytes, ...]
    vlan: Vlan  # port VLAN: inserted on transmit, stripped on delivery
    vlans: frozenset[Vlan]  # it is in; None: it takes untagged frames
    spoof_check: bool
    vlan_check: bool  # VLAN anti-spoof
    untagged_only: bool  # it may send no tag
    priority: int  # of the port VLAN's tag
    strip: bool  # the tags of its frames go
    transmit: bool  # its transmitter is on
    queues: tuple[int, ...]  # its RX queues, numbered over the whole adapter; empty: the default VPort's
    channels: int  # its VM's channels
    rss: Rss | None  # spreads over `channels`; None where there is one
    vrss: bool = False  # so the vSwitch spreads what its one queue holds

    @property
    def strips(self) -> bool:
        """Whether its VM sees no tag."""
        return self.strip or self.vlan is not None


class VfTable(NamedTuple):
    """A VF's VPort. Its frames are switched in the adapter, whatever the mode is."""

    function: int  # the VF's number
    vport: VPortTable
    beside: int | None  # its VM's port on the vSwitch; None: it has none


class Tables(NamedTuple):
    """All that a verdict depends on besides the frame and where it came from."""

    generation: int
    sort: Sort
    lookup: bool  # the host looks up whose a frame is, also of those that a filter could have placed
    copy: bool  # the host copies a VM's frames into its memory; else they are received there
    processors: int | None  # how many may serve the RX queues; None: all that the host has
    lookahead: int  # octets of such a frame that are received into the host's memory all the same
    local_switch: bool  # what VMs send is the adapter's to switch, not the vSwitch's
    loopback: bool  # it may stay inside; else all of it goes to the wire
    wire: bool  # there is an external port
    mtu: int
    tunnels: Tunnels  # those whose inner headers are hashed
    default_queues: tuple[int, ...]  # the default VPort's RX queues, DEFAULT_QUEUE first
    default_rss: Rss | None  # spreads over them; None where there is one
    moderation: Mapping[int, Moderation]  # of each RX queue in use
    coalescing: Filters  # packet coalescing filters of the default queue
    packet_filter: PacketFilter | None  # what reaches the default VPort without a filter; None: everything
    filters: Mapping[FilterKey, int]  # those in effect, those of VFs too
    inside_filters: Mapping[FilterKey, int]  # compared with the frame inside of a tunnel
    addresses: Mapping[FilterKey, int]  # which VM the vSwitch knows by them
    vports: Mapping[int, VPortTable]  # of the PF, without the default VPort
    vfs: Mapping[int, VfTable]  # by VPort
    pooling: Pooling | None  # a chip's registers; None: the filters of NDIS sort
    default_name: str  # of the default VPort

    @property
    def default_copy(self) -> bool:
        """Whether the host copies what the default VPort's queues hold.

        Only a VM's own queue may be in its memory: what is in the others may be anybody's
        (NDIS: security-issues-with-ndis-virtual-machine--vm--shared-memory).
        """
        return self.copy or self.sort is Sort.FILTERS

    @property
    def max_frame(self) -> int:
        """Octets of the largest frame without FCS, tags apart."""
        return self.mtu + ETHERNET_HEADER

    def sorted_filters(self, owner: int) -> set[FilterKey]:
        """Those of a VPort whose frames are all its own, so that nothing else of a frame need be known."""
        held = {key for key, number in self.filters.items() if number == owner and key[1] != ANY_VLAN}
        if self.pooling is None:
            return held
        return {key for key in held if places_alone(*key, owner, self.pooling)}

    @property
    def replicates(self) -> bool:
        """Whether the adapter gives a group's frames to each VPort that is to have them."""
        return self.pooling is not None and self.pooling.replication

    @property
    def common_frame(self) -> int:
        """Octets of the largest frame that every port takes, without FCS: it is too long for nobody."""
        return min((self.max_frame, *self._limits))

    def length_class(self, length: int, tags: int) -> int:
        """How many limits a frame passes: equal classes, equal verdicts."""
        return sum(length > limit for limit in (self.max_frame + TAG * tags, *self._limits))

    @property
    def _limits(self) -> tuple[int, ...]:
        return () if self.pooling is None else tuple(self.pooling.limits.values())

    def queues_of(self, number: int) -> tuple[tuple[int, ...], Rss | None]:
        """A VPort's RX queues, and how it spreads over them."""
        if number == DEFAULT_VPORT:
            return self.default_queues, self.default_rss
        vport = self.vports[number]
        return vport.queues, vport.rss

    def members(self, vlan: Vlan) -> tuple[int, ...]:
        """VPorts of the PF in a VLAN, in order, without those whose VM has a VF that gets its frames.

        Only one with a filter has traffic (NDIS: virtual-ports--vports-).
        """
        bypassed = {vf.beside for vf in self.vfs.values() if vf.vport.macs}
        return tuple(
            number for number, vport in self.vports.items() if vlan in vport.vlans and number not in bypassed
        )

    def functions(self, numbers: Iterable[int]) -> tuple[int, ...]:
        """The VFs that some of these VPorts are on, in order."""
        return tuple(sorted(self.vfs[number].function for number in numbers if number in self.vfs))


NO_TABLES = Tables(
    generation=0,
    sort=Sort.NONE,
    lookup=True,
    copy=False,
    processors=None,
    lookahead=HEADER_OCTETS,
    local_switch=False,
    loopback=True,
    wire=False,
    mtu=0,
    tunnels=NO_TUNNELS,
    default_queues=(DEFAULT_QUEUE,),
    default_rss=None,
    moderation={},
    coalescing={},
    packet_filter=None,
    filters={},
    inside_filters={},
    addresses={},
    vports={},
    vfs={},
    pooling=None,
    default_name="default",
)


def to_json(tables: Tables) -> dict[str, Any]:
    """The value as JSON types, for a worker."""
    return {
        **tables._asdict(),
        "sort": tables.sort.value,
        "tunnels": tables.tunnels._asdict(),
        "default_rss": rss_to_json(tables.default_rss),
        "moderation": {str(queue): list(asked) for queue, asked in tables.moderation.items()},
        "coalescing": {
            str(number): [[list(test) for test in held.tests], held.delay]
            for number, held in tables.coalescing.items()
        },
        "packet_filter": tables.packet_filter and packet_filter.to_json(tables.packet_filter),
        "filters": _keys_to_json(tables.filters),
        "inside_filters": _keys_to_json(tables.inside_filters),
        "addresses": _keys_to_json(tables.addresses),
        "vports": {str(number): _vport_to_json(vport) for number, vport in tables.vports.items()},
        "vfs": {
            str(number): {**vf._asdict(), "vport": _vport_to_json(vf.vport)}
            for number, vf in tables.vfs.items()
        },
        "pooling": tables.pooling and pools.to_json(tables.pooling),
    }


def from_json(document: Mapping[str, Any]) -> Tables:
    """The value that `to_json` wrote."""
    return Tables(
        **{
            **document,
            "sort": Sort(document["sort"]),
            "tunnels": Tunnels(**document["tunnels"]),
            "default_queues": tuple(document["default_queues"]),
            "default_rss": rss_from_json(document["default_rss"]),
            "moderation": {int(queue): Moderation(*asked) for queue, asked in document["moderation"].items()},
            "coalescing": {
                int(number): CoalescingFilter(tuple(map(_test_from_json, tests)), delay)
                for number, (tests, delay) in document["coalescing"].items()
            },
            "packet_filter": document["packet_filter"] and packet_filter.from_json(document["packet_filter"]),
            "filters": _keys_from_json(document["filters"]),
            "inside_filters": _keys_from_json(document["inside_filters"]),
            "addresses": _keys_from_json(document["addresses"]),
            "vports": {int(number): _vport_from_json(row) for number, row in document["vports"].items()},
            "vfs": {
                int(number): VfTable(**{**row, "vport": _vport_from_json(row["vport"])})
                for number, row in document["vfs"].items()
            },
            "pooling": document["pooling"] and pools.from_json(document["pooling"]),
        }
    )


def _keys_to_json(owners: Mapping[FilterKey, int]) -> list[list[Any]]:
    return [[mac.hex(), vlan, vport] for (mac, vlan), vport in owners.items()]


def _keys_from_json(rows: list[list[Any]]) -> Mapping[FilterKey, int]:
    return {(bytes.fromhex(mac), vlan): vport for mac, vlan, vport in rows}


def _test_from_json(row: list[Any]) -> FieldTest:
    field, comparison, value, mask = row
    return FieldTest(Field(field), Comparison(comparison), value, mask)


def _vport_to_json(vport: VPortTable) -> dict[str, Any]:
    return {
        **vport._asdict(),
        "macs": [mac.hex() for mac in vport.macs],
        "vlans": list(vport.vlans),
        "rss": rss_to_json(vport.rss),
    }


def _vport_from_json(row: Mapping[str, Any]) -> VPortTable:
    return VPortTable(
        **{
            **row,
            "macs": tuple(bytes.fromhex(mac) for mac in row["macs"]),
            "vlans": frozenset(row["vlans"]),
            "queues": tuple(row["queues"]),
            "rss": rss_from_json(row["rss"]),
        }
    )


def rss_to_json(rss: Rss | None) -> dict[str, Any] | None:
    """RSS parameters as JSON types."""
    return rss and {**rss._asdict(), "key": rss.key.hex(), "types": int(rss.types)}


def rss_from_json(row: Mapping[str, Any] | None) -> Rss | None:
    """What `rss_to_json` wrote."""
    if row is None:
        return None
    return Rss(bytes.fromhex(row["key"]), HashType(row["types"]), tuple(row["table"]), row["default"])
