"""The states of a VPort, as a table (NDIS: virtual-ports--vports-, ndis_nic_switch_vport_state).

On the PF it is created Deactivated and activated once; on a VF it is Activated at once. There is no way back
but to delete it, and only what is Activated and has a filter has traffic.
"""

from collections.abc import Mapping
from enum import Enum
from typing import Final


class VPortState(Enum):
    """By its NDIS name."""

    UNKNOWN = "unknown"  # no VPort of the NIC switch
    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"


class VPortEvent(Enum):
    """What happens to a VPort. It is not deleted before its filters are cleared."""

    CREATE_ON_PF = "create on the PF"
    CREATE_ON_VF = "create on a VF"
    ACTIVATE = "activate"
    DEACTIVATE = "deactivate"  # never
    FILTER = "set, move or clear filter"
    TRAFFIC = "traffic"  # if it has a filter
    DELETE = "delete"


_S, _E = VPortState, VPortEvent

TRANSITIONS: Final[Mapping[tuple[VPortState, VPortEvent], VPortState]] = {
    (_S.UNKNOWN, _E.CREATE_ON_PF): _S.DEACTIVATED,
    (_S.UNKNOWN, _E.CREATE_ON_VF): _S.ACTIVATED,
    (_S.DEACTIVATED, _E.ACTIVATE): _S.ACTIVATED,
    (_S.DEACTIVATED, _E.FILTER): _S.DEACTIVATED,
    (_S.DEACTIVATED, _E.DELETE): _S.UNKNOWN,
    (_S.ACTIVATED, _E.ACTIVATE): _S.ACTIVATED,
    (_S.ACTIVATED, _E.FILTER): _S.ACTIVATED,
    (_S.ACTIVATED, _E.TRAFFIC): _S.ACTIVATED,
    (_S.ACTIVATED, _E.DELETE): _S.UNKNOWN,
}
