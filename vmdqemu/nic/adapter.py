"""The control model. apply(adapter, request) is the only way an adapter's state changes.

A request is an NDIS object identifier's (OID's) worth of change. It is carried out whole or refused with a
status by its NDIS name, and a refused request returns the very same adapter. Each object's requests, and how
they are carried out, stand in a file of their own (`vport_requests` and so on); the value that they change is
in `state`, and `compilation` makes the registers in effect of it.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from vmdqemu.nic import (
    filter_requests,
    mode_requests,
    moderation_requests,
    scaling_requests,
    share_requests,
    vport_requests,
)
from vmdqemu.nic.compilation import compile_tables
from vmdqemu.nic.filter_requests import ClearFilter, MoveFilter, SetCoalescing, SetFilter
from vmdqemu.nic.mode_requests import SetMode
from vmdqemu.nic.moderation_requests import SetModeration
from vmdqemu.nic.rss_requests import MoveEntries, SetRss, SetScaling
from vmdqemu.nic.share_requests import SetShare
from vmdqemu.nic.state import Adapter, Filter, Outcome
from vmdqemu.nic.status import Status
from vmdqemu.nic.vport_requests import CreateVPort, DeleteVPort

__all__ = [  # the control model, whole: `from vmdqemu.nic import adapter as control`
    "CARRIED_OUT_BY",
    "Adapter",
    "ClearFilter",
    "CreateVPort",
    "DeleteVPort",
    "Filter",
    "MoveEntries",
    "MoveFilter",
    "Outcome",
    "Request",
    "SetCoalescing",
    "SetFilter",
    "SetMode",
    "SetModeration",
    "SetRss",
    "SetScaling",
    "SetShare",
    "Status",
    "apply",
    "compile_tables",
]

Request = (
    CreateVPort
    | DeleteVPort
    | SetFilter
    | ClearFilter
    | MoveFilter
    | SetCoalescing
    | SetRss
    | SetScaling
    | MoveEntries
    | SetMode
    | SetModeration
    | SetShare
)

CARRIED_OUT_BY: Final[Mapping[type[Request], Callable[[Adapter, Any], Outcome]]] = {
    CreateVPort: vport_requests.create_vport,
    DeleteVPort: vport_requests.delete_vport,
    SetFilter: filter_requests.set_filter,
    ClearFilter: filter_requests.clear_filter,
    MoveFilter: filter_requests.move_filter,
    SetCoalescing: filter_requests.set_coalescing,
    SetRss: scaling_requests.set_rss,
    SetScaling: scaling_requests.set_scaling,
    MoveEntries: scaling_requests.move_entries,
    SetMode: mode_requests.set_mode,
    SetModeration: moderation_requests.set_moderation,
    SetShare: share_requests.set_share,
}


def apply(adapter: Adapter, request: Request) -> Outcome:
    """Carry out one request, or refuse it and leave the adapter as it was."""
    return CARRIED_OUT_BY[type(request)](adapter, request)
