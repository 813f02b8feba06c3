"""Requests for a VPort's share of the transmitter."""

from typing import NamedTuple

from vmdqemu.nic.share import Share
from vmdqemu.nic.state import Adapter, Outcome
from vmdqemu.nic.status import Status


class SetShare(NamedTuple):
    """On what terms a VPort's transmit queues are served (RTTDT1C, RTTBCNRC, TXDCTL.PRIORITY)."""

    vport: int
    share: Share


def set_share(adapter: Adapter, request: SetShare) -> Outcome:
    """The state has the terms that the chip keeps, such as a rate as its factor has it."""
    vport = adapter.vports.get(request.vport)
    if vport is None:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    try:
        settled = adapter.model.arbiter.settle(request.share)
    except ValueError as error:
        return Outcome(adapter, Status.INVALID_PARAMETER, why=str(error))
    vports = {**adapter.vports, request.vport: vport._replace(share=settled)}
    return Outcome(adapter._replace(vports=vports), Status.SUCCESS)
