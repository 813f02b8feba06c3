"""`doctor` and `demo`: whether it works here, and how."""

from pathlib import Path
from typing import Annotated

import typer

from vmdqemu.cli.group import group
from vmdqemu.cli.options import AsJson, Quick

app = group()


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look for what the demo needs, with a cure for each gap."""
    from vmdqemu.cli import doctor

    doctor.doctor(as_json)


@app.command()
def demo(
    quick: Quick = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the results.", show_default=False)
    ] = None,
) -> None:
    """Run iperf3 and ping across four VMs, and show what was counted."""
    from vmdqemu.cli import demo

    demo.demo(quick, json_file)
