"""Modes: rows of data. The path reads the attributes and never asks which mode it is in."""

from enum import Enum
from typing import NamedTuple


class Sort(Enum):
    """What finds the RX queue of a frame from the wire."""

    NONE = "none"  # nothing: one queue, and the vSwitch looks every frame up
    HASH = "hash"  # RSS over the default VPort's queues; the vSwitch looks every frame up
    FILTERS = "filters"  # the adapter's (MAC, VLAN) filters, into the VPort's own queues


class Mode(NamedTuple):
    """How the adapter spreads what it receives."""

    name: str
    sort: Sort
    queues: int | None  # RX queues of a VM's VPort; None: as many as it has queue pairs
    lookup: bool  # the host looks up whose each frame is
    copy: bool  # the host copies what it receives into the VM's memory (VMBus)
    processors: int | None = None  # how many serve the RX queues; None: all that the host has

    def rx_queues(self, queue_pairs: int) -> int:
        """RX queues of a VM's VPort with that many queue pairs."""
        return queue_pairs if self.queues is None else self.queues

    def default_queues(self, queue_pairs: int) -> int:
        """RX queues of the default VPort with that many queue pairs: several where there is RSS."""
        return queue_pairs if self.sort is Sort.HASH or self.queues is None else 1


OFF = Mode("off", Sort.NONE, queues=0, lookup=True, copy=True)
# NDIS: native RSS, before the vSwitch is bound
RSS = Mode("rss", Sort.HASH, queues=0, lookup=True, copy=True)
VMDQ = Mode("vmdq", Sort.FILTERS, queues=1, lookup=False, copy=True)
# NDIS: one VM queue is served by one processor; its buffers are the VM's own memory
VMQ = Mode("vmq", Sort.FILTERS, queues=1, lookup=False, copy=False)
# NDIS: RSS inside every VPort, the default one too
VMMQ = Mode("vmmq", Sort.FILTERS, queues=None, lookup=False, copy=False)

# What one part of the work costs: `off` without it and otherwise the same.
OFF_NOCOPY = Mode("off-nocopy", Sort.NONE, queues=0, lookup=True, copy=False)
OFF_NOLOOKUP = Mode("off-nolookup", Sort.FILTERS, queues=1, lookup=False, copy=True, processors=1)

MODES = {mode.name: mode for mode in (OFF, RSS, VMDQ, VMQ, VMMQ, OFF_NOCOPY, OFF_NOLOOKUP)}
