"""Requests for interrupt moderation."""

from typing import NamedTuple

from vmdqemu.nic.moderation import Moderation
from vmdqemu.nic.state import Adapter, Outcome
from vmdqemu.nic.status import Status


class SetModeration(NamedTuple):
    """How soon after an interrupt the next may follow (EITR; NDIS sets it with a VPort's parameters)."""

    queue: int | None  # None: all queues, and those to come
    moderation: Moderation


def set_moderation(adapter: Adapter, request: SetModeration) -> Outcome:
    try:
        interval = adapter.model.moderation.settle(request.moderation.interval)
    except ValueError as error:
        return Outcome(adapter, Status.INVALID_PARAMETER, why=str(error))
    settled = request.moderation._replace(interval=interval)
    if request.queue is None:
        return Outcome(adapter._replace(moderation=settled, moderated={}), Status.SUCCESS)
    if request.queue not in adapter.queues:
        return Outcome(adapter, Status.INVALID_PARAMETER)
    moderated = {**adapter.moderated, request.queue: settled}
    return Outcome(adapter._replace(moderated=moderated), Status.SUCCESS)
