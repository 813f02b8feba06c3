"""Why a VM has no queue, or is slow: the troubleshooting catalogue, a function for each of its rows.

A finding is one sentence: the cause, then the cure. Sources: NDIS: standardized-inf-keywords-for-vmq;
Microsoft's "Debugging VMQ" and "VMQ Deep Dive" 1 to 3; "Resolve vRSS issues".
"""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from vmdqemu.host.queues import NoQueue
from vmdqemu.host.vrss import NoVrss

FULL: Final = 0.9  # a processor that is as busy as this has no time left


class QueueState(NamedTuple):
    """An RX queue of the VM."""

    number: int
    processor: int
    overflow: int  # frames that found its ring full
    shared_with: tuple[str, ...] = ()  # other VMs with a queue on that processor


class Situation(NamedTuple):
    """What is known of a VM and its host."""

    mode: str
    sorts: bool  # the adapter places frames in VMs' queues
    several: bool  # it may place them in several queues of one VM
    dynamic: bool  # queues move by load
    forbidden: bool  # the host uses no VMQ at this link speed
    channels: int
    filters: int
    queues: tuple[QueueState, ...]
    refused: NoQueue | None  # why it has no queue, if the host gave it none
    vrss: NoVrss | None  # why vRSS has no effect, if it was asked for
    busy: dict[int, float]  # processor -> share of its time
    processors: int  # that may serve queues
    home: int  # the first of them
    wrong_vlan: int  # frames from the wire for a VM's address in a VLAN where nobody has it
    discards: int  # frames of the VM that found its own ring full
    no_vf: str | None = None  # why it has no VF, if it is to have one


def findings(situation: Situation) -> list[str]:
    """Every row of the catalogue that applies, in its order."""
    return [finding for row in CATALOGUE if (finding := row(situation)) is not None]


def _no_sorting(now: Situation) -> str | None:
    if now.sorts:
        return None
    if now.forbidden:
        return f"no VM has a queue: {NoQueue.POLICY.value}"
    return f"no VM has a queue: mode {now.mode} sorts nothing by address; vmdqemu mode set vmq"


def _no_queue(now: Situation) -> str | None:
    if not now.sorts or now.refused is None:
        return None
    return f"it is served by the default queue, as others are: {now.refused.value}"


def _no_filter(now: Situation) -> str | None:
    if now.filters:
        return None
    return "nobody can reach it: it has no filter; vmdqemu filter add"


def _one_processor(now: Situation) -> str | None:
    if len(now.queues) != 1 or now.queues[0].shared_with or not _full(now, now.queues[0]):
        return None
    queue = now.queues[0]
    cure = "give it queues = 2 or more, and use mode vmmq or vrss = true"
    return f"its only queue, {queue.number}, fills processor {queue.processor}; {cure}"


def _shared_processor(now: Situation) -> str | None:
    crowded = next((queue for queue in now.queues if queue.shared_with and _full(now, queue)), None)
    if crowded is None:
        return None
    others = ", ".join(crowded.shared_with)
    if now.processors == 1:
        cure = "give the host more processors ([host] processors, processor_set)"
    elif now.dynamic:
        cure = "wait for the balancer (vmdqemu events), or give the host more processors"
    else:
        cure = f"vmdqemu queue set {crowded.number} --processor N, or mode set {now.mode} --placement dynamic"
    where = f"its queue {crowded.number} shares processor {crowded.processor}, which is full,"
    return f"{where} with {others}; {cure}"


def _home_is_zero(now: Situation) -> str | None:
    on_zero = now.queues and all(queue.processor == 0 for queue in now.queues)
    if not on_zero or now.home or now.processors == 1 or now.busy.get(0, 0.0) < FULL:
        return None
    return "its queues are on processor 0, which the default queue has as well; set host.processor_set.base"


def _queue_overflow(now: Situation) -> str | None:
    lost = sum(queue.overflow for queue in now.queues)
    if not lost:
        return None
    cure = "use a longer adapter.ring, or a faster processor"
    return f"{lost:,} frames found its queue full, or wait in it; {cure}"


def _one_queue_for_many_channels(now: Situation) -> str | None:
    if not now.sorts or now.several or now.channels == 1 or not now.queues:
        return None
    cure = "vmdqemu mode set vmmq gives each a queue"
    return f"its {now.channels} channels have one queue: mode {now.mode} has one a VM; {cure}"


def _vrss_without_effect(now: Situation) -> str | None:
    return None if now.vrss is None else f"vRSS has no effect: {now.vrss.value}"


def _without_vf(now: Situation) -> str | None:
    return None if now.no_vf is None else f"it is on the synthetic path: {now.no_vf}"


def _wrong_vlan(now: Situation) -> str | None:
    if not now.wrong_vlan:
        return None
    cure = "compare the VM's vlan with the sender's"
    return f"{now.wrong_vlan:,} frames for VMs' addresses came in a VLAN where no VM has them; {cure}"


def _outbound_discards(now: Situation) -> str | None:
    if not now.discards:
        return None
    return f"{now.discards:,} frames that it sent found its ring full; raise its weight or rate, or send less"


def _full(now: Situation, queue: QueueState) -> bool:
    return now.busy.get(queue.processor, 0.0) >= FULL


CATALOGUE: Final[Sequence[Callable[[Situation], str | None]]] = (
    _no_sorting,
    _no_queue,
    _no_filter,
    _one_processor,
    _shared_processor,
    _home_is_zero,
    _queue_overflow,
    _one_queue_for_many_channels,
    _vrss_without_effect,
    _without_vf,
    _wrong_vlan,
    _outbound_discards,
)
