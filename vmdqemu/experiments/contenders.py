"""Who carries a VM's frames: the adapter's modes, and what Linux itself has in its place."""

from collections.abc import Callable
from typing import Final, NamedTuple

from vmdqemu.config import EXT
from vmdqemu.daemon.plant import GUEST_LINK
from vmdqemu.datapath.vf_device import host_end
from vmdqemu.experiments import wire_only
from vmdqemu.experiments.affinity import Cables
from vmdqemu.experiments.measure import Pair
from vmdqemu.experiments.rig import Rig

VMS: Final = 4


class Load(NamedTuple):
    """TCP between machines of the lab; the first pair is pinged."""

    name: str
    pairs: tuple[Pair, ...]


INWARD: Final = Load("from ext", tuple(Pair(EXT, f"vm{number + 1}") for number in range(VMS)))
ACROSS: Final = Load("VM -> VM", (Pair("vm1", "vm2"),))


def _none(_: Rig) -> Cables:
    """A TAP's frames are read by a worker."""
    return {}


def _of_vfs(rig: Rig) -> Cables:
    return {vf["vm"]: (rig.lab.nic_namespace, host_end(vf["vf"])) for vf in rig.call("vf.list")["vfs"]}


def _of_bridge(rig: Rig) -> Cables:
    ports = ((vm.name, wire_only.port(number)) for number, vm in enumerate(rig.lab.vms, start=1))
    return {vm: (rig.lab.nic_namespace, port) for vm, port in ports}


def _of_veth(rig: Rig) -> Cables:
    """What the one sends the other takes in."""
    first, second = rig.lab.vms[:2]
    return {
        sender.name: (rig.lab.namespace(receiver), GUEST_LINK)
        for sender, receiver in ((first, second), (second, first))
    }


class Contender(NamedTuple):
    """One way."""

    name: str
    way: str  # of a received frame
    mode: str | None  # of the adapter; None: there is none
    vfs: bool = False  # the VMs have one
    loads: tuple[Load, ...] = (INWARD, ACROSS)
    cables: Callable[[Rig], Cables] = _none


VSWITCH: Final = Contender("vSwitch", "the host looks up and copies", "off")
VMDQ: Final = Contender("VMDq", "the adapter sorts, the host copies", "vmdq")
VMQ: Final = Contender("VMQ", "the adapter sorts, the host hands over", "vmq")
VMMQ: Final = Contender("VMMQ", "the adapter sorts and spreads, the host hands over", "vmmq")
SRIOV: Final = Contender("SR-IOV", "the adapter sorts and hands over", "sriov", vfs=True, cables=_of_vfs)
BRIDGE: Final = Contender("bridge", "no adapter: the kernel looks up", None, cables=_of_bridge)
VETH: Final = Contender("veth", "no adapter: a cable", None, loads=(ACROSS,), cables=_of_veth)

MODES: Final = (VSWITCH, VMDQ, VMQ, VMMQ, SRIOV)
BASELINES: Final = (BRIDGE, VETH)


def turn_to(rig: Rig, contender: Contender) -> None:
    """Have the rig's adapter work in one of MODES."""
    if not contender.vfs:
        for vf in rig.call("vf.list")["vfs"]:
            rig.call("vf.remove", vm=vf["vm"])
    rig.call("mode.set", mode=contender.mode)
