"""VFs in a lab file: how many there are, and why there can be none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from vmdqemu.config_problems import Location, Problem
from vmdqemu.host import keywords
from vmdqemu.nic.models import MODELS
from vmdqemu.nic.modes import MODES

if TYPE_CHECKING:  # config itself imports this file
    from vmdqemu.config import LabConfig, VmConfig


def refusal(lab: LabConfig) -> str | None:
    """Why this lab can have no VFs, with the cure; None if it can."""
    model = MODELS[lab.adapter.model]
    if lab.wire is None:
        return "the switch between VFs is the wire's; add a [wire] table"
    if not lab.adapter.nic_switch:
        return "VFs are the NIC switch's; use adapter.nic_switch = true"
    if not model.switch_rules.vfs:
        return f"the model {model.name} has no VFs ({model.queues_said}); use another model"
    return keywords.vf_refusal(lab.keywords)


def vfs(lab: LabConfig) -> int:
    """How many the NIC switch has for the VMs of now (NDIS: static-creation-of-a-nic-switch)."""
    if lab.adapter.vfs is not None:
        return lab.adapter.vfs
    if "*NumVFs" in lab.keywords:
        return keywords.vfs(lab.keywords, MODES[lab.adapter.mode])
    return min(sum(vm.iov for vm in lab.vms), MODELS[lab.adapter.model].switch_rules.vfs)


def vf_conflicts(lab: LabConfig, vms: dict[Location, VmConfig]) -> Iterator[Problem]:
    """VFs that are asked for where there are none, or not as many."""
    wanted: list[Location] = [(*place, "iov") for place, vm in vms.items() if vm.iov]
    if lab.adapter.vfs:
        wanted.insert(0, ("adapter", "vfs"))
    if wanted and (reason := refusal(lab)):
        yield Problem(wanted[0], reason)
    model = MODELS[lab.adapter.model]
    if model.switch_rules.vfs and (lab.adapter.vfs or 0) > model.switch_rules.vfs:
        said = f" ({model.queues_said})" if model.queues_said else ""
        text = f"the model {model.name} has {model.switch_rules.vfs} VFs{said}; use no more"
        yield Problem(("adapter", "vfs"), text)
