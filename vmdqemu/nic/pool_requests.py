"""Requests for a chip's registers: of one pool, and of the whole port."""

from typing import NamedTuple

from vmdqemu.nic.pools import PoolSettings, PortSettings
from vmdqemu.nic.state import Adapter, Outcome
from vmdqemu.nic.status import Status
from vmdqemu.nic.tables import DEFAULT_VPORT


class SetPool(NamedTuple):
    """What a VPort accepts, and its other registers on a chip (VMOLR, VFRE, VFTE ...)."""

    vport: int
    settings: PoolSettings


class SetPort(NamedTuple):
    """The registers of the whole port: promiscuity, tables, default pool, replication, mirror rules."""

    settings: PortSettings


def set_pool(adapter: Adapter, request: SetPool) -> Outcome:
    """Pool 0 is the PF's."""
    if request.vport == DEFAULT_VPORT:
        pf = adapter.pf._replace(pool=request.settings)
        return Outcome(adapter._replace(pf=pf), Status.SUCCESS)
    vport = adapter.vports.get(request.vport)
    if vport is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    changed = vport._replace(pool=request.settings)
    return Outcome(adapter._replace(vports={**adapter.vports, request.vport: changed}), Status.SUCCESS)


def set_port(adapter: Adapter, request: SetPort) -> Outcome:
    """All of them at once."""
    return Outcome(adapter._replace(port=request.settings), Status.SUCCESS)


def without_vport(adapter: Adapter, number: int) -> Adapter:
    """The adapter without a VPort, which leaves the groups that it was in."""
    groups = {mac: left for mac, pools in adapter.port.groups.items() if (left := pools - {number})}
    vports = {other: vport for other, vport in adapter.vports.items() if other != number}
    return adapter._replace(vports=vports, port=adapter.port._replace(groups=groups))
