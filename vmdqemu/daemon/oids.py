"""NDIS requests by name: one verb an object identifier (OID), with who asks and the status it ends with.

    {"method": "OID_RECEIVE_FILTER_FREE_QUEUE", "params": {"queue": 3, "caller": "vswitch"}}
    {"result": {"status": "NDIS_STATUS_SUCCESS", "number": 0}}

A refusal is an answer, no error: what a request says is the adapter's to judge. An error is only what cannot
be read. Without a `caller` it is the vSwitch that asks; APPLICATION may look at everything.
"""

from collections.abc import Callable, Mapping
from typing import Final

from vmdqemu.daemon.change import Changer
from vmdqemu.daemon.control import Document, Method
from vmdqemu.daemon.params import Params
from vmdqemu.daemon.supervisor import Supervisor
from vmdqemu.errors import UsageError
from vmdqemu.nic import adapter as control
from vmdqemu.nic import capabilities
from vmdqemu.nic.adapter import Adapter, Outcome, Request, Status
from vmdqemu.nic.filters import ANY_VLAN
from vmdqemu.nic.frame import format_mac
from vmdqemu.nic.packet_filter import PacketFilter, PacketType
from vmdqemu.nic.queue_states import QueueState
from vmdqemu.nic.switch_objects import SwitchType, requestor_id
from vmdqemu.nic.vm_queue import QueueFlag, QueueParameters, QueueType
from vmdqemu.nic.vport import PF
from vmdqemu.nic.vport_states import VPortState

APPLICATION: Final = "application"  # a caller that owns nothing and sees everything (Get-NetAdapterVmqQueue)


def _flags(params: Params) -> QueueFlag:
    flags = QueueFlag(0)
    for flag in params.choices("flags", QueueFlag):
        flags |= flag
    return flags


def _allocate(params: Params) -> Request:
    parameters = QueueParameters(
        _flags(params),
        params.whole("affinity", 1),
        params.whole("suggested_buffers", 0),
        params.text("queue_name", ""),
    )
    kind = params.choice("type", QueueType, QueueType.VM_QUEUE)
    return control.AllocateQueue(
        params.whole("port"),
        parameters,
        kind,
        params.whole("group", 0),
        params.whole("lookahead", 0),
        params.caller,
    )


def _change(params: Params) -> control.SetQueueParameters:
    return control.SetQueueParameters(
        params.whole("queue"),
        flags=_flags(params) if params.has("flags") else None,
        affinity=params.whole("affinity") if params.has("affinity") else None,
        suggested_buffers=params.whole("suggested_buffers") if params.has("suggested_buffers") else None,
        name=params.text("queue_name") if params.has("queue_name") else None,
        caller=params.caller,
    )


def _set_filter(params: Params) -> Request:
    """On a VPort, with queue 0; or on a queue."""
    vlan = params.whole("vlan") if params.has("vlan") else None
    if params.has("vport"):
        return control.SetFilter(params.whole("vport"), params.mac("mac"), vlan, params.caller)
    untagged = params.flag("untagged_or_zero")
    asked = params.whole("queue"), params.mac("mac"), vlan, untagged, params.caller
    return control.SetQueueFilter(*asked, inside=params.flag("encapsulation"))


def _packet_filter(params: Params) -> Request:
    types = PacketType(0)
    for kind in params.choices("types", PacketType):
        types |= kind
    address = params.mac("address") if params.has("address") else b""
    return control.SetPacketFilter(PacketFilter(types, address, params.macs("multicast_list")))


def _create_vport(params: Params) -> Request:
    """On a VF. One on the PF comes with its VM, whose frames it carries: vm add, vm remove."""
    pairs = params.whole("queue_pairs", 1)
    return control.CreateVPort(params.text("name"), pairs, function=params.whole("vf"), caller=params.caller)


def _create_switch(params: Params) -> Request:
    kind = params.choice("type", SwitchType, SwitchType.EXTERNAL)
    return control.CreateSwitch(params.whole("switch", 0), kind, params.whole("vfs", 0))


REQUESTS: Final[Mapping[str, Callable[[Params], Request]]] = {
    "OID_RECEIVE_FILTER_ALLOCATE_QUEUE": _allocate,
    "OID_RECEIVE_FILTER_QUEUE_ALLOCATION_COMPLETE": lambda params: control.CompleteAllocation(
        params.wholes("queues"), params.caller
    ),
    "OID_RECEIVE_FILTER_QUEUE_PARAMETERS": _change,
    "OID_RECEIVE_FILTER_SET_FILTER": _set_filter,
    "OID_RECEIVE_FILTER_CLEAR_FILTER": lambda params: control.ClearFilter(
        params.whole("filter"), params.caller
    ),
    "OID_RECEIVE_FILTER_MOVE_FILTER": lambda params: control.MoveFilter(
        params.whole("filter"), params.whole("vport"), params.caller
    ),
    "OID_GEN_CURRENT_PACKET_FILTER": _packet_filter,
    "OID_NIC_SWITCH_CREATE_SWITCH": _create_switch,
    "OID_NIC_SWITCH_DELETE_SWITCH": lambda params: control.DeleteSwitch(params.whole("switch", 0)),
    "OID_NIC_SWITCH_CREATE_VPORT": _create_vport,
    "OID_NIC_SWITCH_VPORT_PARAMETERS": lambda params: control.SetVPortState(
        params.whole("vport"), params.choice("state", VPortState, VPortState.UNKNOWN), params.caller
    ),
    "OID_NIC_SWITCH_ALLOCATE_VF": lambda params: control.AllocateVf(
        params.text("vm"), params.mac("mac"), params.caller
    ),
    "OID_NIC_SWITCH_FREE_VF": lambda params: control.FreeVf(params.whole("vf"), params.caller),
    "OID_SRIOV_RESET_VF": lambda params: control.ResetVf(params.whole("vf")),
}


class Oids:
    """The OIDs of one lab's adapter."""

    def __init__(self, supervisor: Supervisor, changer: Changer) -> None:
        self._supervisor = supervisor
        self._changer = changer

    def methods(self) -> dict[str, Method]:
        """A verb for each; some requests have more to do than to be put to the adapter."""
        return {
            **{oid: self._method(read) for oid, read in REQUESTS.items()},
            "OID_RECEIVE_FILTER_FREE_QUEUE": self._free_queue,
            "OID_RECEIVE_FILTER_QUEUE_PARAMETERS": self._queue_parameters,
            "OID_NIC_SWITCH_DELETE_VPORT": self._delete_vport,
            **{oid: self._query(answer) for oid, answer in QUERIES.items()},
        }

    def _method(self, read: Callable[[Params], Request]) -> Method:
        async def method(document: Document) -> Document:
            return ended(await self._changer.carry_out(read(Params(document))))

        return method

    def _query(self, answer: Callable[[Adapter, str], object]) -> Method:
        def query(document: Document) -> Document:
            found = answer(self._supervisor.plant.adapter, Params(document).caller)
            return {"status": Status.SUCCESS, "answer": found}

        return query

    async def _free_queue(self, document: Document) -> Document:
        """Answered when the queue is empty; its state is an event before (NDIS: freeing-a-vm-queue)."""
        params = Params(document)
        queue = params.whole("queue")
        outcome = await self._changer.carry_out(control.FreeQueue(queue, params.caller))
        if outcome.status is Status.SUCCESS:
            self._supervisor.note("queue_state", queue=queue, state=QueueState.DMA_STOPPED.shown)
            await self._changer.carry_out(control.DmaIdle(queue))
            await self._changer.carry_out(control.BuffersReturned(queue))
        return ended(outcome)

    async def _queue_parameters(self, document: Document) -> Document:
        """A queue that runs goes to the first processor of its mask (NDIS: allocating-vports-for-vmmq)."""
        request = _change(Params(document))
        plant = self._supervisor.plant
        mask = request.affinity or 0
        if mask >> plant.config.host.processors:  # netvmini: a processor above the system's count
            return ended(Outcome(plant.adapter, Status.INVALID_PARAMETER))
        outcome = await self._changer.carry_out(request)
        if outcome.status is Status.SUCCESS and mask and request.queue in plant.placement:
            await self._changer.set_queue(request.queue, (mask & -mask).bit_length() - 1, None)
        return ended(outcome)

    async def _delete_vport(self, document: Document) -> Document:
        params = Params(document)
        vport = params.whole("vport")
        held = self._supervisor.plant.adapter.vports.get(vport)
        if held is not None and held.function is PF:
            raise UsageError(f"VPort {vport} is that of {held.name}; use: vmdqemu vm remove {held.name}")
        return ended(await self._changer.carry_out(control.DeleteVPort(vport, params.caller)))


def ended(outcome: Outcome) -> Document:
    """How a request ended, as an answer."""
    document: Document = {"status": outcome.status, "number": outcome.number}
    if outcome.why:
        document["why"] = outcome.why
    return document | ({"entries": list(outcome.entries)} if outcome.entries else {})


def _queues(adapter: Adapter, caller: str) -> list[Document]:
    """A driver sees the queues that it allocated."""
    return [
        {
            "QueueID": number,
            "QueueState": queue.state.shown,
            "state": queue.state.name,
            "NumFilters": sum(held.queue == number for held in adapter.filters.values()),
            "PortId": queue.vport,
            "VmName": adapter.vports[queue.vport].name,
            "QueueName": queue.parameters.name,
            "ProcessorAffinityMask": queue.parameters.affinity,
            "NumSuggestedReceiveBuffers": queue.parameters.suggested_buffers,
            "owner": queue.owner,
        }
        for number, queue in sorted(adapter.vm_queues.items())
        if caller in (APPLICATION, queue.owner)
    ]


def _filters(adapter: Adapter, caller: str) -> list[Document]:
    return [
        {
            "FilterId": number,
            "QueueId": held.queue or 0,
            "VPortId": held.vport if held.queue is None else 0,
            "MacAddress": format_mac(held.mac),
            "VlanID": "any" if held.vlan == ANY_VLAN else held.vlan,
            "PacketEncapsulation": held.inside,
            "owner": held.owner,
        }
        for number, held in sorted(adapter.filters.items())
        if caller in (APPLICATION, held.owner)
    ]


def _vports(adapter: Adapter, caller: str) -> list[Document]:
    return [
        {
            "VPortId": number,
            "VPortName": vport.name,
            "FunctionId": "PF" if vport.function is PF else vport.function,
            "VPortState": vport.state.name.capitalize(),
            "NumQueuePairs": vport.queue_pairs,
            "owner": vport.owner,
        }
        for number, vport in sorted(adapter.vports.items())
        if vport.state is not VPortState.UNKNOWN and caller in (APPLICATION, vport.owner)
    ]


def _vfs(adapter: Adapter, caller: str) -> list[Document]:
    return [
        {
            "VFId": number,
            "RequestorId": requestor_id(number),
            "VmFriendlyName": vf.vm,
            "MacAddress": format_mac(vf.mac),
            "state": vf.state.name,
            "owner": vf.owner,
        }
        for number, vf in sorted(adapter.vfs.items())
        if caller in (APPLICATION, vf.owner)
    ]


QUERIES: Final[Mapping[str, Callable[[Adapter, str], object]]] = {
    "OID_RECEIVE_FILTER_ENUM_QUEUES": _queues,
    "OID_RECEIVE_FILTER_ENUM_FILTERS": _filters,
    "OID_NIC_SWITCH_ENUM_VPORTS": _vports,
    "OID_NIC_SWITCH_ENUM_VFS": _vfs,
    "OID_RECEIVE_FILTER_HARDWARE_CAPABILITIES": lambda adapter, _: capabilities.hardware_filters(adapter),
    "OID_RECEIVE_FILTER_CURRENT_CAPABILITIES": lambda adapter, _: capabilities.current_filters(adapter),
    "OID_NIC_SWITCH_HARDWARE_CAPABILITIES": lambda adapter, _: capabilities.hardware_switch(adapter),
    "OID_NIC_SWITCH_CURRENT_CAPABILITIES": lambda adapter, _: capabilities.current_switch(adapter),
}
