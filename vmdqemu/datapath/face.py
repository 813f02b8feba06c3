"""A VM's one face: eth0 stays its interface, and a VF serves it while it is granted.

    eth0 (a TAP) <--> vf0, one end of the VF's cable

What comes in by vf0 comes in by eth0 as long as the face is on. What the VM sends by eth0 leaves by vf0 only
between `grant` and `revoke`, each one write into a map. So whichever way the frames of a connection come, it
has one address and one interface.
"""

from struct import Struct
from typing import Final, Self

from netns import links
from vmdqemu.bpf.loader import BpfObject, Hook

_OUTWARD, _INWARD = 0, 1
_IFINDEX = Struct("=I")
_CLOSED: Final = _IFINDEX.pack(0)


class Face:
    """Two programs in a VM's namespace, one on each of its two links."""

    def __init__(self, ns: str, eth0: str, vf0: str) -> None:
        """What comes in by vf0 comes in by eth0 from now on. Raises Missing, LinkError, OSError."""
        self._object = BpfObject("face")
        self._links = self._object.map("links")
        self._vf0 = _IFINDEX.pack(links.index(ns, vf0))
        self._attached = []
        try:
            self._links.write(_INWARD, _IFINDEX.pack(links.index(ns, eth0)))
            for program, ifname, hook in (
                ("inward", vf0, Hook.INGRESS),
                ("outward", eth0, Hook.EGRESS),
            ):
                self._attached.append(self._object.attach(program, ns, ifname, hook))
        except BaseException:
            self.close()
            raise

    def grant(self) -> None:
        """What the VM sends leaves by its VF. Frames that wait in eth0's rings may be overtaken, once."""
        self._links.write(_OUTWARD, self._vf0)

    def revoke(self) -> None:
        """What the VM sends leaves by eth0's rings again."""
        self._links.write(_OUTWARD, _CLOSED)

    def close(self) -> None:
        """Take both programs off, from links that are still there."""
        self._links.write(_OUTWARD, _CLOSED)
        while self._attached:
            self._object.detach(self._attached.pop())
        self._object.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
