"""The states of a VM queue, as a table (NDIS: queue-states-and-operations).

Frames are received in RUNNING alone. A queue in SET has filters and is not complete yet, one in PAUSED is
complete and has none: what they would get goes wherever a frame goes that no filter matches.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class QueueState(Enum):
    """By its name in the driver documentation; the value is what tools are shown (NDIS_RECEIVE_QUEUE_*).

    Tools know four states (NDIS: ndis_receive_queue_operational_state): ALLOCATED is shown as Paused, and so
    is SET, whose completion may be under way (a reading of ours); FREEING is shown as DmaStopped.
    """

    UNDEFINED = ("undefined", "Undefined")
    ALLOCATED = ("allocated", "Paused")
    SET = ("set", "Paused")
    RUNNING = ("running", "Running")
    PAUSED = ("paused", "Paused")
    DMA_STOPPED = ("DMA stopped", "DmaStopped")
    FREEING = ("freeing", "DmaStopped")

    @property
    def shown(self) -> str:
        """The state that Get-NetAdapterVmqQueue shows."""
        return self.value[1]


class QueueEvent(Enum):
    """What happens to a queue."""

    ALLOCATE = "allocate"
    PARAMETERS = "parameters"  # asked for or set; or its filters are listed
    FILTER_PARAMETERS = "filter parameters"  # of one of its filters are asked for
    SET_FILTER = "set filter"
    CLEAR_FILTER = "clear filter"  # and others remain
    CLEAR_LAST_FILTER = "clear last filter"
    COMPLETE = "allocation complete"
    RECEIVE = "frame received"
    FREE = "free"
    DMA_IDLE = "DMA idle"  # and the status indication is sent
    BUFFERS_RETURNED = "last buffer returned"  # and the memory is released


_S, _E = QueueState, QueueEvent

TRANSITIONS: Final[Mapping[tuple[QueueState, QueueEvent], QueueState]] = {
    (_S.UNDEFINED, _E.ALLOCATE): _S.ALLOCATED,
    (_S.ALLOCATED, _E.PARAMETERS): _S.ALLOCATED,
    (_S.ALLOCATED, _E.SET_FILTER): _S.SET,
    (_S.ALLOCATED, _E.COMPLETE): _S.PAUSED,
    (_S.ALLOCATED, _E.FREE): _S.DMA_STOPPED,
    (_S.SET, _E.PARAMETERS): _S.SET,
    (_S.SET, _E.FILTER_PARAMETERS): _S.SET,
    (_S.SET, _E.SET_FILTER): _S.SET,
    (_S.SET, _E.CLEAR_FILTER): _S.SET,
    (_S.SET, _E.CLEAR_LAST_FILTER): _S.ALLOCATED,
    (_S.SET, _E.COMPLETE): _S.RUNNING,
    (_S.RUNNING, _E.PARAMETERS): _S.RUNNING,
    (_S.RUNNING, _E.FILTER_PARAMETERS): _S.RUNNING,
    (_S.RUNNING, _E.SET_FILTER): _S.RUNNING,
    (_S.RUNNING, _E.CLEAR_FILTER): _S.RUNNING,
    (_S.RUNNING, _E.RECEIVE): _S.RUNNING,
    (_S.RUNNING, _E.CLEAR_LAST_FILTER): _S.PAUSED,
    (_S.PAUSED, _E.PARAMETERS): _S.PAUSED,
    (_S.PAUSED, _E.SET_FILTER): _S.RUNNING,
    (_S.PAUSED, _E.FREE): _S.DMA_STOPPED,
    (_S.DMA_STOPPED, _E.DMA_IDLE): _S.FREEING,
    (_S.FREEING, _E.BUFFERS_RETURNED): _S.UNDEFINED,
}
