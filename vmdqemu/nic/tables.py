"""Tables: the registers in effect. Control compiles a whole new value; the data path only reads it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from vmdqemu.nic import packet_filter
from vmdqemu.nic.coalescing import CoalescingFilter, Comparison, Field, FieldTest, Filters
from vmdqemu.nic.filters import FilterKey, Vlan
from vmdqemu.nic.frame import HEADER_OCTETS
from vmdqemu.nic.moderation import Moderation
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.packet_filter import PacketFilter
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
    spoof_check: bool
    queues: tuple[int, ...]  # its RX queues, numbered over the whole adapter; empty: the default VPort's
    channels: int  # its VM's channels
    rss: Rss | None  # spreads over `channels`; None where there is one
    vrss: bool = False  # so the vSwitch spreads what its one queue holds


class Tables(NamedTuple):
    """All that a verdict depends on besides the frame and where it came from."""

    generation: int
    sort: Sort
    lookup: bool  # the host looks up whose a frame is, also of those that a filter could have placed
    copy: bool  # the host copies a VM's frames into its memory; else they are received there
    processors: int | None  # how many may serve the RX queues; None: all that the host has
    lookahead: int  # octets of such a frame that are received into the host's memory all the same
    local_switch: bool  # the adapter switches between its VPorts itself
    wire: bool  # there is an external port
    mtu: int
    tunnels: Tunnels  # those whose inner headers are hashed
    default_queues: tuple[int, ...]  # the default VPort's RX queues, DEFAULT_QUEUE first
    default_rss: Rss | None  # spreads over them; None where there is one
    moderation: Mapping[int, Moderation]  # of each RX queue in use
    coalescing: Filters  # packet coalescing filters of the default queue
    packet_filter: PacketFilter | None  # what reaches the default VPort without a filter; None: everything
    filters: Mapping[FilterKey, int]  # those in effect
    addresses: Mapping[FilterKey, int]  # which VM the vSwitch knows by them
    vports: Mapping[int, VPortTable]  # without the default VPort

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

    def members(self, vlan: Vlan) -> tuple[int, ...]:
        """VPorts in a VLAN, in order. Only one with a filter has traffic (NDIS: virtual-ports--vports-)."""
        return tuple(number for number, vport in self.vports.items() if vport.vlan == vlan and vport.macs)


NO_TABLES = Tables(
    generation=0,
    sort=Sort.NONE,
    lookup=True,
    copy=False,
    processors=None,
    lookahead=HEADER_OCTETS,
    local_switch=False,
    wire=False,
    mtu=0,
    tunnels=NO_TUNNELS,
    default_queues=(DEFAULT_QUEUE,),
    default_rss=None,
    moderation={},
    coalescing={},
    packet_filter=None,
    filters={},
    addresses={},
    vports={},
)


def to_json(tables: Tables) -> dict[str, Any]:
    """The value as JSON types, for a worker."""
    return {
        **tables._asdict(),
        "sort": tables.sort.value,
        "tunnels": tables.tunnels._asdict(),
        "default_rss": _rss_to_json(tables.default_rss),
        "moderation": {str(queue): list(asked) for queue, asked in tables.moderation.items()},
        "coalescing": {
            str(number): [[list(test) for test in held.tests], held.delay]
            for number, held in tables.coalescing.items()
        },
        "packet_filter": tables.packet_filter and packet_filter.to_json(tables.packet_filter),
        "filters": _keys_to_json(tables.filters),
        "addresses": _keys_to_json(tables.addresses),
        "vports": {str(number): _vport_to_json(vport) for number, vport in tables.vports.items()},
    }


def from_json(document: Mapping[str, Any]) -> Tables:
    """The value that `to_json` wrote."""
    return Tables(
        **{
            **document,
            "sort": Sort(document["sort"]),
            "tunnels": Tunnels(**document["tunnels"]),
            "default_queues": tuple(document["default_queues"]),
            "default_rss": _rss_from_json(document["default_rss"]),
            "moderation": {int(queue): Moderation(*asked) for queue, asked in document["moderation"].items()},
            "coalescing": {
                int(number): CoalescingFilter(tuple(map(_test_from_json, tests)), delay)
                for number, (tests, delay) in document["coalescing"].items()
            },
            "packet_filter": document["packet_filter"] and packet_filter.from_json(document["packet_filter"]),
            "filters": _keys_from_json(document["filters"]),
            "addresses": _keys_from_json(document["addresses"]),
            "vports": {int(number): _vport_from_json(row) for number, row in document["vports"].items()},
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
    return {**vport._asdict(), "macs": [mac.hex() for mac in vport.macs], "rss": _rss_to_json(vport.rss)}


def _vport_from_json(row: Mapping[str, Any]) -> VPortTable:
    macs = tuple(bytes.fromhex(mac) for mac in row["macs"])
    return VPortTable(
        **{**row, "macs": macs, "queues": tuple(row["queues"]), "rss": _rss_from_json(row["rss"])}
    )


def _rss_to_json(rss: Rss | None) -> dict[str, Any] | None:
    return rss and {**rss._asdict(), "key": rss.key.hex(), "types": int(rss.types)}


def _rss_from_json(row: Mapping[str, Any] | None) -> Rss | None:
    if row is None:
        return None
    return Rss(bytes.fromhex(row["key"]), HashType(row["types"]), tuple(row["table"]), row["default"])
