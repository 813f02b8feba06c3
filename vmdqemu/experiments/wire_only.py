"""The wire without the adapter, a bridge in its place: what a lab's wire carries if nothing else limits.

`python -m vmdqemu.experiments.wire_only LAB.toml` serves it (`bare_lab`).
"""

import sys
from pathlib import Path

from netns import links
from netns.lab import Lab
from vmdqemu.config import LabConfig
from vmdqemu.daemon.plant import GUEST_LINK
from vmdqemu.datapath import outside
from vmdqemu.datapath.outside import WIRE_END
from vmdqemu.datapath.wires import WIRE
from vmdqemu.experiments import bare_lab


def build(config: LabConfig, lab: Lab) -> None:
    """The lab's machines and wire, bridged; every undo goes to `lab`."""
    assert config.wire is not None
    nic, ext = config.nic_namespace, config.ext_namespace
    lab.namespace(nic)
    lab.namespace(ext)
    lab.veth(nic, WIRE, ext, WIRE_END, mtu=config.mtu)
    members = [WIRE]
    for number, vm in enumerate(config.vms, start=1):
        ns, member = config.namespace(vm), port(number)
        lab.namespace(ns)
        lab.veth(ns, GUEST_LINK, nic, member, mtu=config.mtu)
        links.up(ns, GUEST_LINK)
        links.add_address(ns, GUEST_LINK, vm.addresses[0])
        members.append(member)
    lab.bridge(nic, "bridge", members)
    outside.make(config, config.wire, lab)


def port(number: int) -> str:
    """The bridge's link to a VM, counted from 1."""
    return f"port{number}"


if __name__ == "__main__":
    bare_lab.serve(build, Path(sys.argv[1]))
