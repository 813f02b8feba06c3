"""`filter`: whose frames each MAC address and VLAN is."""

from typing import Annotated

import typer

from vmdqemu.cli.group import add_reading, group
from vmdqemu.cli.options import AsJson, LabName, VmName

app = group("The adapter's receive filters.")
add_reading(app, "list", "filter.list", "Show whose frames each MAC address and VLAN is.")

FilterNumber = Annotated[
    int, typer.Argument(metavar="FILTER", help="The filter's number.", show_default=False)
]


@app.command("add")
def filter_add(
    vm_name: VmName,
    mac: Annotated[str, typer.Argument(metavar="MAC", help="A unicast address.", show_default=False)],
    vlan: Annotated[
        int | None, typer.Option(help="Frames in this VLAN, not untagged ones.", show_default=False)
    ] = None,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Give a VM the frames for an address."""
    from vmdqemu.cli import reading

    reading.change("filter.set", lab, as_json, vm=vm_name, mac=mac, vlan=vlan)


@app.command("del")
def filter_del(number: FilterNumber, lab: LabName = None, as_json: AsJson = False) -> None:
    """Remove a filter: its frames go the way of unknown addresses."""
    from vmdqemu.cli import reading

    reading.change("filter.clear", lab, as_json, filter=number)


@app.command("move")
def filter_move(number: FilterNumber, vm_name: VmName, lab: LabName = None, as_json: AsJson = False) -> None:
    """Give a filter to another VM, without losing a frame."""
    from vmdqemu.cli import reading

    reading.change("filter.move", lab, as_json, filter=number, vm=vm_name)
