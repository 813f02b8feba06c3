"""What Linux itself puts in place of the adapter: a bridge, or a bare cable from VM to VM.

`python -m vmdqemu.experiments.baselines bridge|veth LAB.toml` serves one (`bare_lab`). One CPU takes in what
a VM sends, the one that its VF would have: without that all of them reorder, VFs too, and no ratio is fair.
"""

import os
import sys
from pathlib import Path
from types import MappingProxyType
from typing import Final

from netns import links
from netns.lab import Lab
from vmdqemu.config import LabConfig
from vmdqemu.daemon.plant import GUEST_LINK
from vmdqemu.experiments import bare_lab, wire_only

MODULE: Final = "vmdqemu.experiments.baselines"


def bridge(config: LabConfig, lab: Lab) -> None:
    """The lab's machines and wire on a kernel bridge that filters nothing."""
    wire_only.build(config, lab)
    for vm in range(len(config.vms)):
        links.receive_on(config.nic_namespace, wire_only.port(vm + 1), _cpu(vm))


def veth(config: LabConfig, lab: Lab) -> None:
    """A cable between the lab's first two VMs, and nothing else."""
    vms = config.vms[:2]
    near, far = map(config.namespace, vms)
    for ns in (near, far):
        lab.namespace(ns)
    lab.veth(near, GUEST_LINK, far, GUEST_LINK, mtu=config.mtu)
    for ns, vm, sender in zip((near, far), vms, (1, 0), strict=True):
        links.receive_on(ns, GUEST_LINK, _cpu(sender))
        links.up(ns, GUEST_LINK)
        links.add_address(ns, GUEST_LINK, vm.addresses[0])


BUILDS: Final = MappingProxyType({"bridge": bridge, "veth": veth})


def _cpu(vm: int) -> int:
    """That takes in what a VM sends, as `datapath.vf_device` has it."""
    cpus = sorted(os.sched_getaffinity(0))
    return cpus[vm % len(cpus)]


if __name__ == "__main__":
    bare_lab.serve(BUILDS[sys.argv[1]], Path(sys.argv[2]))
