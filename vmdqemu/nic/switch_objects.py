"""The NIC switch and its virtual functions: what was made, and what an adapter can make of them.

Sources: NDIS: nic-switches, ndis_nic_switch_capabilities, symmetric-and-asymmetric-assignment-of-queue-pairs,
nondefault-virtual-ports-and-vmq.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from vmdqemu.nic.vf_states import VfState
from vmdqemu.nic.vm_queue import VSWITCH

DEFAULT_SWITCH: Final = 0  # the only SwitchId there is
FIRST_VF_RID: Final = 0x80  # routing id of VF 0, as most PFs have it (FirstVFOffset; a reading of ours)


class SwitchType(IntEnum):
    """NDIS_NIC_SWITCH_TYPE."""

    UNSPECIFIED = 0
    EXTERNAL = 1  # with the physical port: the only type that is created


class NicSwitch(NamedTuple):
    """What the switch was created with. It is there from the start, unless the lab does without."""

    type: SwitchType = SwitchType.EXTERNAL
    vfs: int = 0  # NumVFs


class Cast(IntEnum):
    """Which groups a VF takes besides broadcast (enum ixgbevf_xcast_modes; IXG ixgbe_sriov.c:1258-1300)."""

    NONE = 0
    MULTI = 1  # those that it listed
    ALL = 2


class Driver(NamedTuple):
    """What a VF's own driver has asked for by the mailbox; a reset forgets it."""

    ready: bool = False  # it has reset the VF: it may ask
    api: int = 0  # version 1.0 (enum ixgbe_pfvf_api_rev)
    cast: Cast = Cast.ALL  # a guest has one face, which joins groups and tells no VF
    groups: tuple[int, ...] = ()  # 12-bit hashes
    longest: int | None = None  # octets of a frame, FCS too


class Vf(NamedTuple):
    """A virtual function; `mac` is the PF's choice."""

    vm: str
    mac: bytes
    owner: str = VSWITCH
    state: VfState = VfState.ALLOCATED
    trusted: bool = False  # its driver may choose addresses
    rate: float | None = None  # Mbit/s on the wire that it may send; None for no limit
    driver: Driver = Driver()


class SwitchRules(NamedTuple):
    """What a model's NIC switch can do, besides what it can hold."""

    vfs: int  # MaxNumVFs
    asymmetric: bool = True  # VPorts may have different numbers of queue pairs
    single_pool: bool = True  # VFs' VPorts are not set aside: the PF may take them all
    without_sriov: bool = True  # NIC_SWITCH_WITHOUT_IOV (NDIS 6.60)


def requestor_id(vf: int) -> int:
    """The PCI routing id of a VF."""
    return FIRST_VF_RID + vf
