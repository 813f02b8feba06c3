"""`processor`: the host's processors."""

from typing import Annotated

import typer

from vmdqemu.cli.group import group
from vmdqemu.cli.options import AsJson, LabName

app = group("The host's processors.")


@app.command("list")
def processor_list(lab: LabName = None, as_json: AsJson = False) -> None:
    """Watch the processors for a second: busy, waiting for a CPU, and the machine's idle and stolen time."""
    from vmdqemu.cli import processor

    processor.show(lab, as_json)


@app.command("set")
def processor_set(
    speed: Annotated[float, typer.Option(help="Each one's share of a CPU, 0.01 to 1.", show_default=False)],
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Make every processor of a running lab faster or slower."""
    from vmdqemu.cli import processor

    processor.set_speed(speed, lab, as_json)
