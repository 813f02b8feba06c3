"""What Linux itself puts in place of the adapter: a bridge, or a bare cable from VM to VM.

`python -m vmdqemu.experiments.baselines bridge|veth LAB.toml` serves one (`bare_lab`).
"""

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


def veth(config: LabConfig, lab: Lab) -> None:
    """A cable between the lab's first two VMs, and nothing else."""
    vms = config.vms[:2]
    near, far = map(config.namespace, vms)
    for ns in (near, far):
        lab.namespace(ns)
    lab.veth(near, GUEST_LINK, far, GUEST_LINK, mtu=config.mtu)
    for ns, vm in zip((near, far), vms, strict=True):
        links.up(ns, GUEST_LINK)
        links.add_address(ns, GUEST_LINK, vm.addresses[0])


BUILDS: Final = MappingProxyType({"bridge": wire_only.build, "veth": veth})


if __name__ == "__main__":
    bare_lab.serve(BUILDS[sys.argv[1]], Path(sys.argv[2]))
