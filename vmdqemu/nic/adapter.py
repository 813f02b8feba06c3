"""The control model. apply(adapter, request) is the only way an adapter's state changes.

A request is an NDIS object identifier's (OID's) worth of change. It is carried out whole or refused with a
status by its NDIS name, and a refused request returns the very same adapter. Each object's requests, and how
they are carried out, stand in a file of their own (`vport_requests` and so on); the value that they change is
in `state`, and `compilation` makes the registers in effect of it. What a model cannot hold is refused by
`limits`, whatever the request was.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from vmdqemu.nic import (
    filter_requests,
    limits,
    mailbox,
    mode_requests,
    moderation_requests,
    packet_filter_requests,
    pool_requests,
    port_requests,
    queue_requests,
    scaling_requests,
    share_requests,
    switch_requests,
    vf_requests,
    vf_settings,
    vport_requests,
)
from vmdqemu.nic.compilation import compile_tables
from vmdqemu.nic.filter_requests import ClearFilter, MoveFilter, SetCoalescing, SetFilter, SetQueueFilter
from vmdqemu.nic.mailbox import AskPf
from vmdqemu.nic.mode_requests import SetMode
from vmdqemu.nic.moderation_requests import SetModeration
from vmdqemu.nic.packet_filter_requests import SetPacketFilter
from vmdqemu.nic.pool_requests import SetPool, SetPort
from vmdqemu.nic.port_requests import ConnectPort, DisconnectPort
from vmdqemu.nic.queue_requests import (
    AllocateQueue,
    BuffersReturned,
    CompleteAllocation,
    DmaIdle,
    FreeQueue,
    SetQueueParameters,
)
from vmdqemu.nic.rss_requests import MoveEntries, SetRss, SetScaling
from vmdqemu.nic.share_requests import SetShare
from vmdqemu.nic.state import Adapter, Filter, Outcome
from vmdqemu.nic.status import Status
from vmdqemu.nic.switch_requests import CreateSwitch, DeleteSwitch, SetNumVfs
from vmdqemu.nic.vf_requests import AllocateVf, FreeVf, ResetVf
from vmdqemu.nic.vf_settings import SetVf
from vmdqemu.nic.vport_requests import CreateVPort, DeleteVPort, SetVPortState

__all__ = [  # the control model, whole: `from vmdqemu.nic import adapter as control`
    "CARRIED_OUT_BY",
    "Adapter",
    "AllocateQueue",
    "AllocateVf",
    "AskPf",
    "BuffersReturned",
    "ClearFilter",
    "CompleteAllocation",
    "ConnectPort",
    "CreateSwitch",
    "CreateVPort",
    "DeleteSwitch",
    "DeleteVPort",
    "DisconnectPort",
    "DmaIdle",
    "Filter",
    "FreeQueue",
    "FreeVf",
    "MoveEntries",
    "MoveFilter",
    "Outcome",
    "Request",
    "ResetVf",
    "SetCoalescing",
    "SetFilter",
    "SetMode",
    "SetModeration",
    "SetNumVfs",
    "SetPacketFilter",
    "SetPool",
    "SetPort",
    "SetQueueFilter",
    "SetQueueParameters",
    "SetRss",
    "SetScaling",
    "SetShare",
    "SetVPortState",
    "SetVf",
    "Status",
    "apply",
    "compile_tables",
]

Request = (
    CreateVPort
    | DeleteVPort
    | AllocateQueue
    | CompleteAllocation
    | SetQueueParameters
    | FreeQueue
    | DmaIdle
    | BuffersReturned
    | SetQueueFilter
    | SetPacketFilter
    | ConnectPort
    | DisconnectPort
    | CreateSwitch
    | DeleteSwitch
    | SetNumVfs
    | SetVPortState
    | AllocateVf
    | FreeVf
    | ResetVf
    | SetVf
    | AskPf
    | SetFilter
    | ClearFilter
    | MoveFilter
    | SetCoalescing
    | SetRss
    | SetScaling
    | MoveEntries
    | SetPool
    | SetPort
    | SetMode
    | SetModeration
    | SetShare
)

CARRIED_OUT_BY: Final[Mapping[type[Request], Callable[[Adapter, Any], Outcome]]] = {
    CreateVPort: vport_requests.create_vport,
    DeleteVPort: vport_requests.delete_vport,
    AllocateQueue: queue_requests.allocate_queue,
    CompleteAllocation: queue_requests.complete_allocation,
    SetQueueParameters: queue_requests.set_queue_parameters,
    FreeQueue: queue_requests.free_queue,
    DmaIdle: queue_requests.dma_idle,
    BuffersReturned: queue_requests.buffers_returned,
    SetQueueFilter: filter_requests.set_queue_filter,
    SetPacketFilter: packet_filter_requests.set_packet_filter,
    ConnectPort: port_requests.connect_port,
    DisconnectPort: port_requests.disconnect_port,
    CreateSwitch: switch_requests.create_switch,
    DeleteSwitch: switch_requests.delete_switch,
    SetNumVfs: switch_requests.set_num_vfs,
    SetVPortState: vport_requests.set_vport_state,
    AllocateVf: vf_requests.allocate_vf,
    FreeVf: vf_requests.free_vf,
    ResetVf: vf_requests.reset_vf,
    SetVf: vf_settings.set_vf,
    AskPf: mailbox.ask_pf,
    SetFilter: filter_requests.set_filter,
    ClearFilter: filter_requests.clear_filter,
    MoveFilter: filter_requests.move_filter,
    SetCoalescing: filter_requests.set_coalescing,
    SetRss: scaling_requests.set_rss,
    SetScaling: scaling_requests.set_scaling,
    MoveEntries: scaling_requests.move_entries,
    SetPool: pool_requests.set_pool,
    SetPort: pool_requests.set_port,
    SetMode: mode_requests.set_mode,
    SetModeration: moderation_requests.set_moderation,
    SetShare: share_requests.set_share,
}


def apply(adapter: Adapter, request: Request) -> Outcome:
    """Carry out one request, or refuse it and leave the adapter as it was."""
    outcome = CARRIED_OUT_BY[type(request)](adapter, request)
    refused = limits.refusal(outcome.adapter) if outcome.status is Status.SUCCESS else None
    return outcome if refused is None else Outcome(adapter, refused.status, why=refused.why)
