"""Processors: which one serves which RX queue."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final, NamedTuple, TypeAlias

from vmdqemu.host import words
from vmdqemu.nic import vport
from vmdqemu.nic.steps import explained
from vmdqemu.nic.tables import Tables

BASE_PROCESSOR = 0  # reads the rings that nobody was given
Placement: TypeAlias = vport.Placement


class Policy(StrEnum):
    """Whether queues move once they are placed."""

    STATIC = "static"  # VMQ of Server 2008 R2
    DYNAMIC = "dynamic"  # by load, from Server 2012 on (host/balancer.py)


def place_statically(tables: Tables, processors: Sequence[int], placed: Placement | None = None) -> Placement:
    """Round robin: a queue that is placed stays. processors: those that may serve queues, home first.

    The default VPort's queues go round by themselves, the VMs' in queue order: a VPort's are spread too.
    """
    processors = processors[: tables.processors]
    queues = _vm_queues(tables)
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


def place_at_home(tables: Tables, processors: Sequence[int], placed: Placement | None = None) -> Placement:
    """All on the home processor, until its load moves them away; a queue that is placed stays."""
    queues = (*tables.default_queues, *_vm_queues(tables))
    return {queue: (placed or {}).get(queue, processors[0]) for queue in queues}


_PLACE: Final[Mapping[Policy, Callable[[Tables, Sequence[int], Placement], Placement]]] = {
    Policy.STATIC: place_statically,
    Policy.DYNAMIC: place_at_home,
}


class Placing(NamedTuple):
    """Which processors may serve queues, home first, and how queues are placed on them."""

    processors: tuple[int, ...]
    policy: Policy = Policy.STATIC

    def place(self, tables: Tables, placed: Placement | None = None) -> Placement:
        """Every RX queue; one that is placed stays."""
        return _PLACE[self.policy](tables, self.processors, placed or {})


def _vm_queues(tables: Tables) -> list[int]:
    return sorted(queue for vport in tables.vports.values() for queue in vport.queues)


def _go_round(queues: Sequence[int], processors: Sequence[int], placed: Placement) -> dict[int, int]:
    """Each queue goes to the processor with the fewest, the first of them."""
    placement = {queue: placed[queue] for queue in queues if queue in placed}
    served = Counter(placement.values())
    for queue in queues:
        if queue not in placement:
            processor = min(processors, key=lambda p: served[p])
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
