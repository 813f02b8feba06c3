"""Who has a queue of its own: VMQ admission. A VM without one is served by the default queue.

Sources: NDIS: standardized-inf-keywords-for-vmq; Microsoft's "VMQ Deep Dive" 1; Msvm_EthernetSwitchPort-
OffloadSettingData.
"""

from collections.abc import Sequence
from enum import Enum, IntEnum
from typing import Final, NamedTuple

TEN_GIGABIT: Final = 10_000  # Mbit/s
MOST_WEIGHT: Final = 100  # Set-VMNetworkAdapter -VmqWeight, and its default


class Override(IntEnum):
    """The values of TenGigVmqEnabled and BelowTenGigVmqEnabled."""

    SYSTEM_DEFAULT = 0
    ENABLED = 1
    DISABLED = 2


class VmqPolicy(NamedTuple):
    """Whether the host uses VMQ on a link, by its speed."""

    default: bool = True  # from 10 Gbit/s on; False in Windows Server 2008 R2
    ten_gig: Override = Override.SYSTEM_DEFAULT  # TenGigVmqEnabled
    below_ten_gig: Override = Override.SYSTEM_DEFAULT  # BelowTenGigVmqEnabled
    any_speed: bool = False  # without the 10 Gbit/s rule: no release's host

    def allows(self, link: float | None) -> bool:
        """link: in Mbit/s, None for no limit. Slower links have no VMQ unless it is forced."""
        fast = link is None or link >= TEN_GIGABIT
        override = self.ten_gig if fast else self.below_ten_gig
        if override is Override.SYSTEM_DEFAULT:
            return self.default and (fast or self.any_speed)
        return override is Override.ENABLED


class NoQueue(Enum):
    """Why a VM is served by the default queue: the cause, then the cure."""

    POLICY = (
        "the host uses no VMQ at this link speed; "
        "set TenGigVmqEnabled or BelowTenGigVmqEnabled to 1 (vmdqemu host set)"
    )
    WEIGHT = "its VmqWeight is 0; set it to 1 or more"
    VF = "it has a VF, which needs no queue; take the VF away"
    EXHAUSTED = "the adapter has no free queue; free one, or use an adapter with more"


class Ask(NamedTuple):
    """A VM's request for a queue."""

    vm: str
    weight: int = MOST_WEIGHT  # VmqWeight; above 0 it makes no difference
    vf: bool = False  # it has an active VF
    queues: int = 1  # that it takes, all or none


def grant(asks: Sequence[Ask], queues: int, allowed: bool) -> dict[str, NoQueue | None]:
    """Who gets one of the adapter's queues (None: it does), first come, first served.

    asks: in the order they came. queues: the adapter's, without the default queue. allowed: by the policy.
    A VM keeps its queue as long as it stays in line, and a freed one goes to the first that waits.
    Raises ValueError, naming the field.
    """
    answers: dict[str, NoQueue | None] = {}
    for ask in asks:
        if not 0 <= ask.weight <= MOST_WEIGHT:
            raise ValueError(f"weight: {ask.weight} cannot be; use 0 to {MOST_WEIGHT}")
        answers[ask.vm] = _obstacle(ask, queues, allowed)
        queues -= ask.queues if answers[ask.vm] is None else 0
    return answers


def _obstacle(ask: Ask, free: int, allowed: bool) -> NoQueue | None:
    if not allowed:
        return NoQueue.POLICY
    if ask.weight == 0:
        return NoQueue.WEIGHT
    if ask.vf:
        return NoQueue.VF
    return None if ask.queues <= free else NoQueue.EXHAUSTED
