"""Requests for another mode."""

from typing import NamedTuple

from vmdqemu.nic.modes import Mode, Sort
from vmdqemu.nic.state import Adapter, Outcome
from vmdqemu.nic.status import Status
from vmdqemu.nic.vport import PF
from vmdqemu.nic.vport_states import VPortState


class SetMode(NamedTuple):
    """The emulator's own: what unbinding and binding again with other keywords does, without the loss."""

    mode: Mode


def set_mode(adapter: Adapter, request: SetMode) -> Outcome:
    """Queues are numbered anew, in VPort order behind the default VPort's; what was set of one is gone.

    VM queues keep their numbers, so a mode that has other queues is none for them.
    """
    if adapter.switch is None and request.mode.sort is Sort.FILTERS and request.mode.queues != 1:
        return Outcome(adapter, Status.NOT_SUPPORTED)
    changed = adapter._replace(
        mode=request.mode, vports={}, moderated={}, default_rss=None, default_scaling=None
    )
    for number, vport in sorted(adapter.vports.items()):
        has_queues = vport.state is not VPortState.UNKNOWN and vport.function is PF
        count = request.mode.rx_queues(vport.queue_pairs) if has_queues else 0
        again = vport._replace(queues=changed.free_queues(count), scaling=None)
        changed = changed._replace(vports={**changed.vports, number: again})
    return Outcome(changed, Status.SUCCESS)
