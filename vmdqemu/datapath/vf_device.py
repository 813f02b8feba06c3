"""A VF's device: a cable from the adapter's switch into the VM, where it is `vf0`, without an address.

The VM keeps its face: what `vf0` brings in `eth0` receives, from the first frame on; what `eth0` sends goes
by `vf0` from `bind` to `release`. One CPU takes in what the VF sends: its interrupt affinity, without which a
flow's frames overtake each other.
"""

import os
from typing import Final

from netns import links
from netns.lab import Lab
from vmdqemu.config import LabConfig
from vmdqemu.datapath import tap
from vmdqemu.datapath.eswitch import End, Eswitch
from vmdqemu.datapath.face import Face
from vmdqemu.datapath.pacing import pace
from vmdqemu.datapath.tap import Tap

GUEST_END: Final = "vf0"


def host_end(vf: int) -> str:
    """The name of a VF's link in the adapter's namespace."""
    return f"vf{vf}"


class VfDevice:
    """The device of one VF. What speaks netlink (`add`, `remove` and below) is called in a thread."""

    def __init__(self, vf: int, ns: str, ifname: str, tap: Tap, config: LabConfig, eswitch: Eswitch) -> None:
        """ns, ifname, tap: the VM's, and its own link."""
        self.vf = vf
        self.ns = ns
        self._tap = tap
        cpus = sorted(os.sched_getaffinity(0))
        self.cpu = cpus[vf % len(cpus)]
        self._ifname = ifname
        self._config = config
        self._eswitch = eswitch
        self._lab = Lab()
        self._face: Face | None = None

    def bind(self) -> None:
        """Have the VM send by it."""
        if self._face is not None:
            self._face.grant()

    def release(self) -> None:
        """Have the VM send by its own link again."""
        if self._face is not None:
            self._face.revoke()

    def reset(self) -> None:
        """Function level reset: what comes for this VF meanwhile is dropped and counted, and only that."""
        self._eswitch.reset(self.vf)

    def add(self, mac: str) -> None:
        """Make it and plug it in, or leave nothing behind."""
        nic, host = self._config.nic_namespace, host_end(self.vf)
        try:
            tap.persist(self._tap.fds[0], True)  # so that a VF outlives us, whoever kills us
            self._lab.push(tap.persist, self._tap.fds[0], False)
            self._lab.veth(nic, host, self.ns, GUEST_END, mtu=self._config.mtu, mac_b=mac)
            links.receive_on(nic, host, self.cpu)
            if not self._config.adapter.offloads:
                links.send_no_superframes(self.ns, GUEST_END)
            self._face = Face(self.ns, self._ifname, GUEST_END)
            self._lab.push(self._face.close)
            self._eswitch.plug(self.vf, host, End(self.ns, GUEST_END))
            self._lab.push(self._eswitch.unplug, self.vf)
            links.up(nic, host)
            links.up(self.ns, GUEST_END)
        except BaseException:
            self.remove()
            raise

    def unplug(self) -> None:
        """Let nothing pass it any more, as if it were pulled out."""
        self._eswitch.unplug(self.vf)

    def remove(self) -> None:
        """Unplug it and take it away."""
        self._face = None
        self._lab.close()

    def set_mac(self, mac: str) -> None:
        """Give the VM another address."""
        for ifname in (self._ifname, GUEST_END):
            links.set_mac(self.ns, ifname, mac)

    def limit(self, rate: float | None, tagged: bool) -> None:
        """Let the VM send by it no more than `rate` Mbit/s of the wire; None: no limit.

        tagged: the adapter inserts a tag.
        """
        links.unshape(self.ns, GUEST_END)
        if rate is not None:
            superframes = self._config.adapter.offloads
            pace(self.ns, GUEST_END, rate, mtu=self._config.mtu, superframes=superframes, tagged=tagged)
