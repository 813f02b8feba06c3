"""[[vm]] tables for a lab that runs, checked against it as if they had stood in its file."""

from typing import Any

from pydantic import BaseModel, ValidationError

from vmdqemu.config import LabConfig, VmConfig, VmTables, read_toml, with_mac
from vmdqemu.config_conflicts import conflicts
from vmdqemu.config_problems import Problem, from_validation, in_file_order
from vmdqemu.config_values import MOST_VMS, Table, as_written
from vmdqemu.errors import LabFileError


class AddedVms(Table):
    """What such a text holds."""

    vms: VmTables


TABLES: dict[str, type[BaseModel]] = {"": AddedVms, "vm": VmConfig}


def as_table(vm: VmConfig) -> dict[str, Any]:
    """A VM as the [[vm]] table that asks for it."""
    keys = {name: field.alias or name for name, field in VmConfig.model_fields.items()}
    return {keys[name]: as_written(value) for name, value in vm if value is not None}


def add_vms(lab: LabConfig, text: str) -> tuple[LabConfig, tuple[VmConfig, ...]]:
    """A running lab with the [[vm]] tables of a text, and these VMs alone. Raises LabFileError as `join`."""
    return join(lab, read_toml(text))


def join(lab: LabConfig, document: dict[str, Any]) -> tuple[LabConfig, tuple[VmConfig, ...]]:
    """A running lab with the VMs of a document, and these alone.

    Raises LabFileError: paths are those of the document, the lab's own VMs go by their names.
    """
    try:
        added = AddedVms.model_validate(document).vms
    except ValidationError as error:
        raise LabFileError(in_file_order(from_validation(error, TABLES), document)) from None
    added = tuple(with_mac(vm, lab.name, vm.name) for vm in added)
    whole = lab.model_copy(update={"vms": (*lab.vms, *added)})
    problems = list(
        conflicts(
            whole,
            {("vm", index): vm for index, vm in enumerate(added)},
            running={(vm.name,): vm for vm in lab.vms},
        )
    )
    if len(whole.vms) > MOST_VMS:
        problems.append(Problem(("vm",), f"a lab has at most {MOST_VMS} VMs; {len(lab.vms)} run already"))
    if problems:
        raise LabFileError(in_file_order(problems, document))
    return whole, added
