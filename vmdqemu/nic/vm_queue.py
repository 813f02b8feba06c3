"""A VM queue: a receive queue that the vSwitch allocated for one of its ports (NDIS: vmq-receive-queues)."""

from enum import Enum, Flag, auto
from typing import Final, NamedTuple

from vmdqemu.nic.queue_states import QueueState

VSWITCH: Final = "vswitch"  # the protocol driver that asks unless somebody else says who he is
PROCESSORS_OF_A_GROUP: Final = 64  # bits of a GROUP_AFFINITY's mask


class QueueType(Enum):
    """NDIS_RECEIVE_QUEUE_TYPE: only one of them can be allocated."""

    UNSPECIFIED = "unspecified"
    VM_QUEUE = "vm_queue"


class QueueFlag(Flag):
    """NDIS_RECEIVE_QUEUE_PARAMETERS.Flags."""

    PER_QUEUE_RECEIVE_INDICATION = auto()
    LOOKAHEAD_SPLIT_REQUIRED = auto()  # ignored (NDIS 6.30)


class QueueParameters(NamedTuple):
    """What its allocator may change later (NDIS: ndis_receive_queue_parameters)."""

    flags: QueueFlag = QueueFlag(0)
    affinity: int = 1  # mask of processors; one of them serves it
    suggested_buffers: int = 0  # a hint
    name: str = ""

    @property
    def is_sound(self) -> bool:
        """A mask names processors of one group, at least one."""
        return 0 < self.affinity < 1 << PROCESSORS_OF_A_GROUP and self.suggested_buffers >= 0


class VmQueue(NamedTuple):
    """One VM queue."""

    vport: int  # the number of the VM's port (PortId)
    owner: str  # who allocated it; nobody else changes, filters or frees it
    parameters: QueueParameters
    state: QueueState = QueueState.ALLOCATED
