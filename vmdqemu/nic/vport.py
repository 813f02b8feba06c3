"""VPorts, and how the processors that NDIS speaks of become queues.

NDIS names processors in an indirection table; the silicon's table holds queues, and a queue interrupts one
processor. So a VPort's table is read through the placement of its queues, and a change of it is written back
as a table of queues and as queues that go to another processor.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vmdqemu.nic.filters import Vlan
from vmdqemu.nic.pools import EVERY_GROUP, Accept, PoolSettings
from vmdqemu.nic.rss import Rss
from vmdqemu.nic.scaling_entity import Entity
from vmdqemu.nic.share import Share
from vmdqemu.nic.vm_queue import VSWITCH
from vmdqemu.nic.vport_states import VPortState

PF = None  # the function that is no virtual one

Placement = Mapping[int, int]  # RX queue -> the processor that it interrupts


class VPort(NamedTuple):
    """A virtual port and its queue pairs; in state UNKNOWN a VM's port that the NIC switch has none for."""

    name: str
    queue_pairs: int
    vlan: Vlan
    spoof_check: bool
    rss: Rss | None  # None: it has one queue pair
    queues: tuple[int, ...] = ()  # its RX queues; they keep their numbers as long as it has them
    scaling: Entity | None = None  # what RSSv2 has set; None: nothing yet, and RSS is on
    share: Share = Share()  # of the transmitter
    state: VPortState = VPortState.ACTIVATED
    function: int | None = PF  # a VF's number
    owner: str = VSWITCH  # who created it; nobody else changes or deletes it
    vrss: bool = False  # its vSwitch is to spread one queue over all channels (host/vrss.py)
    mac: bytes | None = None  # of the VM whose port it is; None: it is no VM's port, such as one on a VF
    pool: PoolSettings = PoolSettings()

    @property
    def address(self) -> bytes | None:
        """By which the vSwitch knows a port without a VPort; a VPort is known by its filters."""
        return self.mac if self.state is VPortState.UNKNOWN else None

    @property
    def spread(self) -> Rss | None:
        """The RSS parameters in effect."""
        return None if self.scaling is not None and not self.scaling.enabled else self.rss

    @property
    def is_scaled(self) -> bool:
        """Whether RSS places its frames in RX queues of its own: VMMQ, or native RSS."""
        return self.rss is not None and len(self.queues) > 1


class DefaultVPort(NamedTuple):
    """What is asked of the PF's own VPort, which is always there."""

    name: str = "default"
    pool: PoolSettings = PoolSettings(EVERY_GROUP | Accept.AUPE)


class Serving(NamedTuple):
    """What the operating system knows of the processors."""

    processors: frozenset[int]  # the adapter's RSS processors
    placement: Placement

    def moved(self, placement: Placement) -> "Serving":
        """With queues that went to another processor."""
        return self._replace(placement={**self.placement, **placement})


def entity(vport: VPort, rss: Rss, placement: Placement) -> Entity:
    """A scaled VPort as NDIS sees it. A queue that was moved since takes its entries along."""
    at = [placement[queue] for queue in vport.queues]
    stored = vport.scaling or Entity(True, at[0], at[rss.default], (), queues=len(at))
    if not stored.enabled:
        return stored._replace(primary=at[0])
    return stored._replace(default=at[rss.default], entries=tuple(at[index] for index in rss.table))


def settle(vport: VPort, rss: Rss, wanted: Entity, placement: Placement) -> tuple[VPort, Placement]:
    """The VPort with other steering parameters, legal ones, and its queues that go to another processor.

    As few entries as can be change queues.
    """
    if wanted.enabled:
        rss, serving = _steer(wanted, rss, [placement[queue] for queue in vport.queues])
    else:
        serving = {0: wanted.primary}  # the first queue takes everything
    moved = {vport.queues[index]: processor for index, processor in serving.items()}
    changed = {queue: processor for queue, processor in moved.items() if placement[queue] != processor}
    return vport._replace(rss=rss, scaling=wanted), changed


def _steer(wanted: Entity, rss: Rss, at: Sequence[int]) -> tuple[Rss, Mapping[int, int]]:
    """The table of queues for a table of processors, and the processor of each queue in use.

    at: the processor of each queue until now.
    """
    asked = (*wanted.entries, wanted.default)
    before = (*(rss.table[index % len(rss.table)] for index in range(len(wanted.entries))), rss.default)
    serving = {
        queue: at[queue] for queue, processor in zip(before, asked, strict=True) if at[queue] == processor
    }
    for processor in wanted.processors:
        if processor not in serving.values():
            serving[_spare(serving, at, processor)] = processor
    first = {processor: queue for queue, processor in sorted(serving.items(), reverse=True)}
    *table, default = (
        queue if serving.get(queue) == processor else first[processor]
        for queue, processor in zip(before, asked, strict=True)
    )
    return rss._replace(table=tuple(table), default=default), serving


def _spare(serving: Mapping[int, int], at: Sequence[int], processor: int) -> int:
    """A queue that serves nothing, best one that is there already; else one that shares its processor.

    There is one, since no more processors steer than there are queues.
    """
    free = [queue for queue in range(len(at)) if queue not in serving]
    if free:
        return min(free, key=lambda queue: (at[queue] != processor, queue))
    several = Counter(serving.values())
    return max(queue for queue, served in serving.items() if several[served] > 1)
