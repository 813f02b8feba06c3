"""Processors: which one serves which RX queue."""

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from vmdqemu.host import words
from vmdqemu.nic import vport
from vmdqemu.nic.steps import explained
from vmdqemu.nic.tables import Tables

BASE_PROCESSOR = 0  # serves the default queue, and the first of each round
Placement: TypeAlias = vport.Placement


def place_statically(tables: Tables, processors: int, placed: Placement | None = None) -> Placement:
    """Round robin, never moved afterwards (VMQ of Server 2008 R2): a queue that is placed stays.

    The default VPort's queues go round by themselves, the VMs' in queue order: a VPort's are spread too.
    """
    if tables.processors is not None:
        processors = min(tables.processors, processors)
    queues = sorted(queue for vport in tables.vports.values() for queue in vport.queues)
    rounds = (_go_round(round_, processors, placed or {}) for round_ in (tables.default_queues, queues))
    return {queue: processor for placement in rounds for queue, processor in placement.items()}


def stay(placement: Placement, before: Tables, after: Tables) -> Placement:
    """The placement of queues that the same VPort has before and after, whatever else of it changes."""
    if before.processors != after.processors:
        return {}
    kept = set(before.default_queues) & set(after.default_queues)
    for number in before.vports.keys() & after.vports.keys():
        kept |= set(before.vports[number].queues) & set(after.vports[number].queues)
    return {queue: placement[queue] for queue in kept}


def _go_round(queues: Sequence[int], processors: int, placed: Placement) -> dict[int, int]:
    """Each queue goes to the processor with the fewest, the first of them."""
    placement = {queue: placed[queue] for queue in queues if queue in placed}
    served = Counter(placement.values())
    for queue in queues:
        if queue not in placement:
            processor = min(range(BASE_PROCESSOR, BASE_PROCESSOR + processors), key=lambda p: served[p])
            placement[queue] = processor
            served[processor] += 1
    return placement


@explained("NDIS: vmq-interrupt-requirements", words.processor)
def processor(queue: int, placement: Placement) -> int:
    """The one that serves an RX queue."""
    return placement[queue]


CREDIT_SECONDS = 0.010  # unused time that a processor may save up
SLICE_SECONDS = 0.0004  # of CPU, earned before it goes on: to wake up for less costs more than it brings


class DutyCycle:
    """Holds an emulated processor to its share of a CPU: work, measure, pause.

    Clocks are passed in, in seconds: `cpu` is the CPU time that the processor's process has used.
    """

    def __init__(self, share: float, now: float, cpu: float) -> None:
        """share: above 0 to 1."""
        self._share = share
        self._credit = 0.0  # CPU seconds
        self._now = now
        self._cpu = cpu

    def excuse(self, cpu: float) -> None:
        """CPU seconds that were not the processor's work."""
        self._cpu += cpu

    def pause(self, now: float, cpu: float) -> float:
        """Seconds that the processor has to rest before it has earned another slice; 0 if it may go on."""
        most = CREDIT_SECONDS * self._share
        earned, used = (now - self._now) * self._share, cpu - self._cpu
        self._credit = min(self._credit + earned - used, most)  # what it earns while it works counts too
        self._now, self._cpu = now, cpu
        if self._credit >= 0:
            return 0.0
        return (min(SLICE_SECONDS, most) - self._credit) / self._share
