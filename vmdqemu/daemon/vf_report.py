"""The VFs of a lab: whose each is, on what terms, and what the eswitch counted of it."""

from typing import Any

from netns import counters as kernel_counters
from netns.counters import LinkCounters
from netns.namespace import NamespaceMissing
from vmdqemu.daemon.plant import Plant, Port
from vmdqemu.datapath.vf_device import GUEST_END
from vmdqemu.nic.frame import format_mac
from vmdqemu.nic.switch_objects import Vf
from vmdqemu.nic.vf_settings import terms_of

Document = dict[str, Any]


def rows(plant: Plant) -> list[Document]:
    """One of each VF that is allocated."""
    return [_row(plant, number, vf) for number, vf in sorted(plant.adapter.vfs.items())]


def _row(plant: Plant, number: int, vf: Vf) -> Document:
    vport, device = plant.adapter.vport_on(number), plant.vfs.get(vf.vm)
    return {
        "vf": number,
        "vm": vf.vm,
        "vport": vport,
        "state": vf.state.name.lower(),
        "link": device and GUEST_END,
        "processor": device and device.cpu,
        **_terms(plant, number, vf, vport),
        **_counted(plant, number),
    }


def _terms(plant: Plant, number: int, vf: Vf, vport: int | None) -> Document:
    """By the words of `ip link show`."""
    terms = None if vport is None else terms_of(plant.adapter, number)
    return {
        "mac": format_mac(vf.mac),
        "vlan": terms and terms.vlan,
        "trust": vf.trusted,
        "spoofchk": terms and terms.spoof_check,
        "rate": vf.rate,
    }


def _counted(plant: Plant, number: int) -> Document:
    """sent, received: by the VM. In frames as they come (skbs) and in those that they stand for on a wire."""
    assert plant.uplink is not None  # a lab without a wire has no VFs
    books = plant.uplink.eswitch.counters(number)
    return {
        "sent": books.entered._asdict(),
        "received": books.left._asdict(),
        "drops": {str(reason): count for reason, count in books.drops.items()},
    }


def total(port: Port) -> Document | None:
    """What the kernel counted of a VM: eth0, and the link of its VF; None: the VM is gone."""
    try:
        links = kernel_counters.read(port.ns)
    except NamespaceMissing:
        return None
    found = [links[name] for name in (port.ifname, GUEST_END) if name in links]
    return LinkCounters(*(sum(column) for column in zip(*found, strict=True)))._asdict() if found else None
