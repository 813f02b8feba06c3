"""vRSS: the vSwitch spreads what arrives on one VMQ over processors and over the VM's channels.

A frame's hash picks a channel, and each channel has a processor, so a flow has one at a time. Channels go
round the processor set from the VM's queue on, and move when the queue does, not by their load (Hyper-V:
StaticVrss).

Source: Microsoft's "Plan the use of vRSS" and its vRSS FAQ; Msvm_EthernetSwitchPortOffloadSettingData.
"""

from collections.abc import Mapping, Sequence
from enum import Enum

from vmdqemu.host.processors import Placement
from vmdqemu.nic.tables import Tables

Channel = tuple[int, int]  # a VPort and one of its VM's channels


class NoVrss(Enum):
    """Why a VM's traffic is not spread: the cause, then the cure."""

    QUEUE = "it has no VMQ; vRSS works on a queue of its own"
    CHANNELS = "it has one channel; give it two or more virtual processors"
    VF = "its VF spreads by itself; take the VF away"


def obstacle(has_queue: bool, channels: int, vf: bool) -> NoVrss | None:
    """What keeps a VM from vRSS, if anything. channels: one for each virtual processor that receives."""
    if vf:
        return NoVrss.VF
    if not has_queue:
        return NoVrss.QUEUE
    return NoVrss.CHANNELS if channels < 2 else None


def place(tables: Tables, placement: Placement, processors: Sequence[int]) -> Mapping[Channel, int]:
    """Who serves each channel that vRSS spreads over: round robin, from the processor of the VM's queue on.

    processors: the set, home first. A queue outside of it counts as one at home.
    """
    served = {}
    for number, vport in tables.vports.items():
        if vport.vrss:
            queue = placement[vport.queues[0]]
            first = processors.index(queue) if queue in processors else 0
            for channel in range(vport.channels):
                served[number, channel] = processors[(first + channel) % len(processors)]
    return served
