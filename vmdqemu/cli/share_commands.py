"""`share`: what each VM may have of the transmitter."""

from typing import Annotated

import typer

from vmdqemu.cli.group import add_reading, given, group
from vmdqemu.cli.options import AsJson, LabName, VmName

app = group("What each VM may send.")
add_reading(app, "list", "share.list", "Show what each VM may have of the transmitter.")


@app.command("set")
def share_set(
    name: VmName,
    weight: Annotated[
        int | None, typer.Option(metavar="N", help="Against the others', 1 to 100.", show_default=False)
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="MBIT", help="Of the wire; 0 for no limit.", show_default=False)
    ] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict/--shared", help="Before all others.", show_default=False)
    ] = None,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Change how a VM's rings are served, without losing a frame."""
    from vmdqemu.cli import reading

    asked = given(weight=weight, rate=rate, strict=strict)
    reading.change("share.set", lab, as_json, vm=name, **asked)
