"""Requests for another mode."""

from typing import NamedTuple

from vmdqemu.nic.modes import Mode
from vmdqemu.nic.state import Adapter, Outcome
from vmdqemu.nic.status import Status


class SetMode(NamedTuple):
    """The emulator's own: what unbinding and binding again with other keywords does, without the loss."""

    mode: Mode


def set_mode(adapter: Adapter, request: SetMode) -> Outcome:
    """Queues are numbered anew, in VPort order behind the default VPort's; what was set of one is gone."""
    changed = adapter._replace(
        mode=request.mode, vports={}, moderated={}, default_rss=None, default_scaling=None
    )
    for number, vport in sorted(adapter.vports.items()):
        queues = changed.free_queues(request.mode.rx_queues(vport.queue_pairs))
        again = vport._replace(queues=queues, scaling=None)
        changed = changed._replace(vports={**changed.vports, number: again})
    if changed.rx_queues > adapter.model.rx_queues:
        return Outcome(adapter, Status.RESOURCES)
    return Outcome(changed, Status.SUCCESS)
