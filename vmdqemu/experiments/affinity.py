"""Which CPU does what, alike for everybody who is compared.

A cable's frames are taken in by the CPU that sent them, or by one that is told to (kernel.org: scaling, RPS).
An echo that stays on its CPU takes a quarter of one that wakes another: by chance, the slower cable wins.
"""

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from netns import links
from vmdqemu.config import EXT, LabConfig
from vmdqemu.experiments.measure import Ends, Pair

Cables = Mapping[str, tuple[str, str]]  # by VM: the namespace and the link that take in what it sends


class Affinity(NamedTuple):
    """The VMs take turns over some CPUs: for their programs, and for taking in what each sends by a cable.

    The outside host's programs are on the CPU behind that of the VM that they are for.
    """

    vms: Sequence[str]
    cpus: Sequence[int]

    def of(self, vm: str, behind: int = 0) -> int:
        """A VM's CPU, or one that is so many behind it."""
        return self.cpus[(self.vms.index(vm) + behind) % len(self.cpus)]

    def ends(self, pair: Pair) -> Ends:
        """The CPUs of the programs at both ends."""
        source = self.of(pair.target, behind=1) if pair.source == EXT else self.of(pair.source)
        return source, self.of(pair.target)

    def take_in(self, cables: Cables) -> None:
        """Have each VM's CPU take in what it sends. Raises NetnsError."""
        for vm, (ns, ifname) in cables.items():
            links.receive_on(ns, ifname, self.of(vm))

    def __str__(self) -> str:
        return ", ".join(f"{vm} CPU {self.of(vm)}" for vm in self.vms)


def together(lab: LabConfig) -> Affinity:
    """All on one CPU."""
    return Affinity([vm.name for vm in lab.vms], _cpus()[:1])


def apart(lab: LabConfig) -> Affinity:
    """On all there are, as VFs have it (`datapath.vf_device`)."""
    return Affinity([vm.name for vm in lab.vms], _cpus())


def _cpus() -> list[int]:
    return sorted(os.sched_getaffinity(0))
