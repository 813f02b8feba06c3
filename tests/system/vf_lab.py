"""A lab for VFs: three VMs behind an adapter, and who of them has a VF now."""

from typing import Any, Final

from tests.system.harness import RunningLab
from tests.system.lab_texts import two_vms

LAB: Final = (
    two_vms()
    + """
[[vm]]
name = "vm3"
address = "10.0.0.3/24"
"""
)
ADDRESSES: Final = {"ext": "10.0.0.254", "vm1": "10.0.0.1", "vm2": "10.0.0.2", "vm3": "10.0.0.3"}


def vfs(lab: RunningLab) -> dict[str, dict[str, Any]]:
    """The VFs by VM."""
    return {vf["vm"]: vf for vf in lab.call("vf.list")["vfs"]}


def give(lab: RunningLab, *vms: str) -> None:
    """These VMs have a VF, and no other has."""
    had = vfs(lab)
    for vm in had.keys() - set(vms):
        lab.call("vf.remove", vm=vm)
    for vm in sorted(set(vms) - had.keys()):
        lab.call("vf.add", vm=vm)


def as_new(lab: RunningLab) -> RunningLab:
    """vm1 and vm2 have a VF, on the terms that it starts with; vm3 has none."""
    give(lab, "vm1", "vm2")
    for vm in ("vm1", "vm2"):
        lab.call("vf.set", vm=vm, mac=lab.mac(vm), vlan=0, spoofchk=True, trust=False, rate=0)
    return lab


def ping(lab: RunningLab, sender: str, receiver: str) -> None:
    said = lab.run(sender, "ping", "-c", "3", "-i", "0.02", "-W", "5", ADDRESSES[receiver])
    assert "3 received" in said


def owners(lab: RunningLab) -> list[str]:
    """Who has one."""
    return list(vfs(lab))
