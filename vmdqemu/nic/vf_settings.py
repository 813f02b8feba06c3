"""What the PF decides about a VF: the words of `ip link set DEV vf N` (ip-link(8)).

It holds for the VM's VPort on the PF alike, on which the VM falls back.
"""

from typing import NamedTuple

from vmdqemu.nic.filters import FilterKey, Vlan, is_vlan
from vmdqemu.nic.frame import is_multicast
from vmdqemu.nic.share import Share
from vmdqemu.nic.state import Adapter, Filter, Outcome
from vmdqemu.nic.status import Status
from vmdqemu.nic.vm_queue import VSWITCH
from vmdqemu.nic.vport import VPort


class VfTerms(NamedTuple):
    """All of it. rate: Mbit/s that the VF may send, None for no limit."""

    mac: bytes
    vlan: Vlan
    trusted: bool
    spoof_check: bool
    rate: float | None


class SetVf(NamedTuple):
    """The emulator's own: NDIS has the VM's port set instead, and the VF allocated anew."""

    vf: int
    terms: VfTerms
    caller: str = VSWITCH


def terms_of(adapter: Adapter, number: int) -> VfTerms:
    """A VF's terms now. It is attached."""
    vf, port = adapter.vfs[number], adapter.vport_on(number)
    assert port is not None
    vport = adapter.vports[port]
    return VfTerms(vf.mac, vport.vlan, vf.trusted, vport.spoof_check, vf.rate)


def set_vf(adapter: Adapter, request: SetVf) -> Outcome:
    """Its filters follow its address and its VLAN, or nothing changes."""
    vf, port, terms = adapter.vfs.get(request.vf), adapter.vport_on(request.vf), request.terms
    if vf is None or port is None or vf.owner != request.caller or not _is_sound(adapter, terms):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    mine = {number for number, vport in adapter.vports.items() if vport.name == vf.vm}
    before = vf.mac, adapter.vports[port].vlan
    filters = {
        number: _followed(held, before, terms) if held.vport in mine else held
        for number, held in adapter.filters.items()
    }
    if len({held.key for held in filters.values()}) < len(filters):
        return Outcome(adapter, Status.INVALID_PARAMETER)
    vports = {
        number: _settled(vport, terms) if number in mine else vport
        for number, vport in adapter.vports.items()
    }
    changed = vf._replace(mac=terms.mac, trusted=terms.trusted, rate=terms.rate)
    vfs = {**adapter.vfs, request.vf: changed}
    return Outcome(adapter._replace(filters=filters, vports=vports, vfs=vfs), Status.SUCCESS)


def _is_sound(adapter: Adapter, terms: VfTerms) -> bool:
    try:
        adapter.model.arbiter.settle(Share(rate=terms.rate))
    except ValueError:
        return False
    addressed = len(terms.mac) == 6 and any(terms.mac) and not is_multicast(terms.mac)
    return addressed and is_vlan(terms.vlan) and (terms.vlan is None or adapter.vlan_filtering)


def _settled(vport: VPort, terms: VfTerms) -> VPort:
    mac = None if vport.mac is None else terms.mac
    return vport._replace(mac=mac, vlan=terms.vlan, spoof_check=terms.spoof_check)


def _followed(held: Filter, before: FilterKey, terms: VfTerms) -> Filter:
    mac, vlan = before
    return held._replace(
        mac=terms.mac if held.mac == mac else held.mac, vlan=terms.vlan if held.vlan == vlan else held.vlan
    )
