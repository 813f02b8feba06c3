"""`vm`: the machines of a running lab, which come and go; `migrate`: to another one, as they run."""

from pathlib import Path
from typing import Annotated

import typer

from vmdqemu.cli.group import add_reading, group
from vmdqemu.cli.options import AsJson, LabName, VmName

app = group("The lab's VMs.")
top = group()
add_reading(app, "list", "vm.list", "Show the lab's VMs.")


@app.command("add")
def vm_add(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file with [[vm]] tables.", show_default=False)
    ],
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Add VMs to a running lab: all of a file's, or none."""
    from vmdqemu.cli import vm

    vm.add(file, lab, as_json)


@app.command("set")
def vm_set(
    name: VmName,
    vmq_weight: Annotated[
        int,
        typer.Option(metavar="N", help="0 to 100; with 0 the default queue serves it.", show_default=False),
    ],
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Give a VM a queue of its own, or leave it to the default queue."""
    from vmdqemu.cli import reading

    reading.change("vm.set", lab, as_json, vm=name, vmq_weight=vmq_weight)


@app.command("remove")
def vm_remove(name: VmName, lab: LabName = None, as_json: AsJson = False) -> None:
    """Switch a VM off and take it out of a running lab."""
    from vmdqemu.cli import reading

    reading.change("vm.remove", lab, as_json, vm=name)


@top.command()
def migrate(
    name: VmName,
    to: Annotated[
        str,
        typer.Option("--to", metavar="LAB", help="A lab that runs on the same bridge.", show_default=False),
    ],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the steps and take none.", show_default=False)
    ] = False,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Move a running VM to another lab: its processes and connections go on."""
    from vmdqemu.cli import migrate

    migrate.migrate(name, to, dry_run, lab, as_json)
