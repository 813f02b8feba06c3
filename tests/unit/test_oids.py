"""OIDs: every name is one that ntddndis.h has, and every request can be read from the socket."""

from typing import Any, get_args

import pytest

from vmdqemu.daemon.oids import QUERIES, REQUESTS
from vmdqemu.daemon.params import Params
from vmdqemu.nic import adapter as control
from vmdqemu.nic.adapter import Request

MAC = "02:00:00:00:00:01"
SAID: dict[str, tuple[dict[str, Any], type]] = {
    "OID_RECEIVE_FILTER_ALLOCATE_QUEUE": ({"port": 1}, control.AllocateQueue),
    "OID_RECEIVE_FILTER_QUEUE_ALLOCATION_COMPLETE": ({"queues": [1]}, control.CompleteAllocation),
    "OID_RECEIVE_FILTER_QUEUE_PARAMETERS": ({"queue": 1, "affinity": 2}, control.SetQueueParameters),
    "OID_RECEIVE_FILTER_SET_FILTER": ({"queue": 1, "mac": MAC, "vlan": 5}, control.SetQueueFilter),
    "OID_RECEIVE_FILTER_CLEAR_FILTER": ({"filter": 1}, control.ClearFilter),
    "OID_RECEIVE_FILTER_MOVE_FILTER": ({"filter": 1, "vport": 2}, control.MoveFilter),
    "OID_GEN_CURRENT_PACKET_FILTER": ({"types": ["directed"], "address": MAC}, control.SetPacketFilter),
    "OID_NIC_SWITCH_CREATE_SWITCH": ({"vfs": 2}, control.CreateSwitch),
    "OID_NIC_SWITCH_DELETE_SWITCH": ({}, control.DeleteSwitch),
    "OID_NIC_SWITCH_CREATE_VPORT": ({"name": "vm1", "vf": 0}, control.CreateVPort),
    "OID_NIC_SWITCH_VPORT_PARAMETERS": ({"vport": 1, "state": "activated"}, control.SetVPortState),
    "OID_NIC_SWITCH_ALLOCATE_VF": ({"vm": "vm1", "mac": MAC}, control.AllocateVf),
    "OID_NIC_SWITCH_FREE_VF": ({"vf": 0}, control.FreeVf),
    "OID_SRIOV_RESET_VF": ({"vf": 0}, control.ResetVf),
}


@pytest.mark.parametrize("oid", REQUESTS)
def test_a_request_is_read_with_who_asks(oid: str) -> None:
    said, kind = SAID[oid]
    request = REQUESTS[oid](Params({**said, "caller": "driver"}))
    assert type(request) is kind
    assert kind in get_args(Request)
    assert getattr(request, "caller", "driver") == "driver"


def test_a_filter_is_set_on_a_vport_or_on_a_queue() -> None:
    read = REQUESTS["OID_RECEIVE_FILTER_SET_FILTER"]
    mac = b"\x02\0\0\0\0\x01"
    assert read(Params({"vport": 2, "mac": MAC, "vlan": 5})) == control.SetFilter(2, mac, 5)
    queued = read(Params({"queue": 0, "mac": MAC, "untagged_or_zero": True}))
    assert queued == control.SetQueueFilter(0, mac, untagged=True)


def test_a_flag_that_is_not_set_changes_nothing() -> None:
    read = REQUESTS["OID_RECEIVE_FILTER_QUEUE_PARAMETERS"]
    assert read(Params({"queue": 1})) == control.SetQueueParameters(1)


def test_names_are_ndis_names() -> None:
    assert all(oid.startswith("OID_") and oid.isupper() for oid in (*REQUESTS, *QUERIES))
