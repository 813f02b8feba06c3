"""Requests of the emulator's own for a VM's port on the vSwitch, which is there before any queue of the VM.

Its frames come by the default queue, and the vSwitch looks them up; until it is given a VPort of the NIC
switch, or a VM queue where the adapter has no NIC switch.
"""

from typing import NamedTuple

from vmdqemu.nic import rss_requests
from vmdqemu.nic.filters import Vlan, is_vlan
from vmdqemu.nic.pool_requests import without_vport
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.state import Adapter, Outcome, lowest_free
from vmdqemu.nic.status import Status
from vmdqemu.nic.vport import VPort
from vmdqemu.nic.vport_states import VPortState


class ConnectPort(NamedTuple):
    """A VM is there, with its address and its channels."""

    name: str
    mac: bytes
    channels: int = 1
    vlan: Vlan = None
    spoof_check: bool = True
    rss: Rss | None = None  # over its channels; None: an even spread, if there are several
    vrss: bool = False


class DisconnectPort(NamedTuple):
    """The VM is gone; its filters, and its VPort or VM queue, went first."""

    port: int


def connect_port(adapter: Adapter, request: ConnectPort) -> Outcome:
    """It is numbered among the VPorts."""
    model = adapter.model
    known = (request.mac, request.vlan) in {(held.mac, held.vlan) for held in adapter.vports.values()}
    if known or not is_vlan(request.vlan) or not 1 <= request.channels <= model.queue_pairs:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    if request.rss is not None and not rss_requests.is_held(request.rss, request.channels, model):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    number = lowest_free(adapter.vports)
    spread = request.rss
    if spread is None and request.channels > 1:
        spread = model.queue_rules.spread(request.channels, model.hash_types)
    port = VPort(request.name, request.channels, request.vlan, request.spoof_check, spread)
    port = port._replace(state=VPortState.UNKNOWN, mac=request.mac, vrss=request.vrss)
    return Outcome(adapter._replace(vports={**adapter.vports, number: port}), Status.SUCCESS, number)


def disconnect_port(adapter: Adapter, request: DisconnectPort) -> Outcome:
    """A VPort is deleted instead."""
    port = adapter.vports.get(request.port)
    used = any(queue.vport == request.port for queue in adapter.vm_queues.values())
    if port is None or port.state is not VPortState.UNKNOWN or used:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    return Outcome(without_vport(adapter, request.port), Status.SUCCESS)
