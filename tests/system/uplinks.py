"""The wire of a lab that nobody serves, and VMs whose VFs need nobody."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from netns import links
from netns.lab import Lab
from tests.unit.builders import mac
from vmdqemu import config
from vmdqemu.config import LabConfig
from vmdqemu.config_adapter import describe
from vmdqemu.datapath import tap, uplink
from vmdqemu.datapath.eswitch import End
from vmdqemu.datapath.face import Face
from vmdqemu.datapath.uplink import Uplink
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.frame import format_mac
from vmdqemu.nic.tables import Tables


class Bed(NamedTuple):
    """What a test builds on; what it adds to `lab` is undone with it."""

    lab: Lab
    uplink: Uplink
    config: LabConfig


class Machine(NamedTuple):
    """A VM with a VF."""

    ns: str
    mac: bytes
    address: str
    ring: int  # its TAP's only one
    face: Face


@contextmanager
def bed(
    name: str, tables: Tables | None = None, *, vlan: int | None = None, offloads: bool = True
) -> Iterator[Bed]:
    """tables: None for those of one VM; vlan: the outside host's."""
    port = "" if vlan is None else f"\nvlan = {vlan}"
    text = (
        f'name = "{name}"\nprefix = "{name}-"\nvm = [{{ name = "vm1" }}]\n'
        f'[adapter]\noffloads = {str(offloads).lower()}\n[wire]\naddress = "10.0.0.254/24"{port}\n'
    )
    lab_config = config.parse(text, name)
    assert lab_config.wire is not None
    with Lab() as lab:
        in_effect = compile_tables(describe(lab_config), generation=1) if tables is None else tables
        yield Bed(lab, uplink.make(lab_config, lab_config.wire, in_effect, lab), lab_config)


def machine(number: int, bed: Bed) -> Machine:
    """VM `number`, whose VF has the number before. It is plugged in, and not granted yet."""
    nic, host = bed.config.nic_namespace, f"vf{number - 1}"
    ns, address = f"{bed.config.prefix}vm{number}", f"10.0.0.{number}"
    bed.lab.namespace(ns)
    device = tap.open_tap(ns, "eth0", rings=1, ring=512, offloads=True)
    bed.lab.push(tap.close, device.fds)
    links.set_mac(ns, "eth0", format_mac(mac(number)))
    bed.lab.veth(nic, host, ns, "vf0", mtu=1500)
    face = Face(ns, "eth0", "vf0")
    bed.lab.push(face.close)
    bed.uplink.eswitch.plug(number - 1, host, End(ns, "vf0"))
    for where, ifname in ((nic, host), (ns, "vf0"), (ns, "eth0")):
        links.up(where, ifname, mtu=1500)
    links.add_address(ns, "eth0", f"{address}/24")
    return Machine(ns, mac(number), address, device.fds[0], face)
