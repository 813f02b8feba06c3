"""When a VM gets no VF, or loses the one it has: a VF bypasses the vSwitch, and so whatever it is to enforce.

Source: NDIS: overview-of-single-root-i-o-virtualization--sr-iov-. A port VLAN and anti-spoof are no obstacle:
the VF's VPort has them too.
"""

from vmdqemu.nic.share import Share
from vmdqemu.nic.vport import VPort


def obstacle(vport: VPort) -> str | None:
    """The policy on a VM's synthetic VPort that keeps it on the vSwitch, with the cure; None for none."""
    if vport.share != Share():
        return "it has a bandwidth policy; undo it: vmdqemu share set VM --weight 1 --rate 0 --shared"
    return None
