"""Tables: the registers in effect. Control compiles a whole new value; the data path only reads it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from vmdqemu.nic.filters import FilterKey, Vlan
from vmdqemu.nic.modes import Sort
from vmdqemu.nic.rss import HashType, Rss

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
    queues: tuple[int, ...]  # its RX queues, numbered over the whole adapter; empty: the default queue's
    channels: int  # its VM's channels
    rss: Rss | None  # spreads over `channels`; None where there is one


class Tables(NamedTuple):
    """All that a verdict depends on besides the frame and where it came from."""

    generation: int
    sort: Sort
    local_switch: bool  # the adapter switches between its VPorts itself
    wire: bool  # there is an external port
    mtu: int
    filters: Mapping[FilterKey, int]
    vports: Mapping[int, VPortTable]  # without the default VPort

    @property
    def max_frame(self) -> int:
        """Octets of the largest frame without FCS, tags apart."""
        return self.mtu + ETHERNET_HEADER

    def members(self, vlan: Vlan) -> tuple[int, ...]:
        """VPorts in a VLAN, in order. Only one with a filter has traffic (NDIS: virtual-ports--vports-)."""
        return tuple(number for number, vport in self.vports.items() if vport.vlan == vlan and vport.macs)


NO_TABLES = Tables(0, Sort.HOST, local_switch=False, wire=False, mtu=0, filters={}, vports={})


def to_json(tables: Tables) -> dict[str, Any]:
    """The value as JSON types, for a worker."""
    return {
        **tables._asdict(),
        "sort": tables.sort.value,
        "filters": [[mac.hex(), vlan, vport] for (mac, vlan), vport in tables.filters.items()],
        "vports": {str(number): _vport_to_json(vport) for number, vport in tables.vports.items()},
    }


def from_json(document: Mapping[str, Any]) -> Tables:
    """The value that `to_json` wrote."""
    return Tables(
        **{
            **document,
            "sort": Sort(document["sort"]),
            "filters": {(bytes.fromhex(mac), vlan): vport for mac, vlan, vport in document["filters"]},
            "vports": {int(number): _vport_from_json(row) for number, row in document["vports"].items()},
        }
    )


def _vport_to_json(vport: VPortTable) -> dict[str, Any]:
    rss = vport.rss and {**vport.rss._asdict(), "key": vport.rss.key.hex(), "types": int(vport.rss.types)}
    return {**vport._asdict(), "macs": [mac.hex() for mac in vport.macs], "rss": rss}


def _vport_from_json(row: Mapping[str, Any]) -> VPortTable:
    rss = row["rss"]
    if rss is not None:
        rss = Rss(bytes.fromhex(rss["key"]), HashType(rss["types"]), tuple(rss["table"]), rss["default"])
    macs = tuple(bytes.fromhex(mac) for mac in row["macs"])
    return VPortTable(**{**row, "macs": macs, "queues": tuple(row["queues"]), "rss": rss})
