"""The states of a virtual function, as a table (NDIS: handling-oid-nic-switch-free-vf-requests)."""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class VfState(Enum):
    """A VF has at most one VPort, and is only freed without one."""

    FREE = "free"
    ALLOCATED = "allocated"  # and attached to no VPort
    ATTACHED = "attached"


class VfEvent(Enum):
    """What happens to a VF."""

    ALLOCATE = "allocate"
    CREATE_VPORT = "create VPort"
    DELETE_VPORT = "delete VPort"
    RESET = "reset"
    FREE = "free"


_S, _E = VfState, VfEvent

TRANSITIONS: Final[Mapping[tuple[VfState, VfEvent], VfState]] = {
    (_S.FREE, _E.ALLOCATE): _S.ALLOCATED,
    (_S.ALLOCATED, _E.CREATE_VPORT): _S.ATTACHED,
    (_S.ALLOCATED, _E.RESET): _S.ALLOCATED,
    (_S.ALLOCATED, _E.FREE): _S.FREE,
    (_S.ATTACHED, _E.DELETE_VPORT): _S.ALLOCATED,
    (_S.ATTACHED, _E.RESET): _S.ATTACHED,
}
