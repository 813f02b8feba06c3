"""Modes: rows of data. The path reads the attributes and never asks which mode it is in."""

from enum import Enum
from typing import NamedTuple


class Sort(Enum):
    """Who finds the VM that a frame from the wire is for."""

    HOST = "host"  # one RX queue; the vSwitch looks every frame up
    FILTERS = "filters"  # the adapter's (MAC, VLAN) filters, into the VPort's own queues


class Mode(NamedTuple):
    """How the adapter spreads what it receives."""

    name: str
    sort: Sort
    queues: int | None  # RX queues of a VM's VPort; None: as many as it has queue pairs

    def rx_queues(self, queue_pairs: int) -> int:
        """RX queues of a VPort with that many queue pairs."""
        return queue_pairs if self.queues is None else self.queues


OFF = Mode("off", Sort.HOST, queues=0)
VMQ = Mode("vmq", Sort.FILTERS, queues=1)  # NDIS: one VM queue is served by one processor
VMMQ = Mode("vmmq", Sort.FILTERS, queues=None)  # NDIS: RSS inside the VPort

MODES = {mode.name: mode for mode in (OFF, VMQ, VMMQ)}
