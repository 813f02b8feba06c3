"""`up`, `down`, `status`, `exec`, `validate`: a lab from its file to its end."""

from pathlib import Path
from typing import Annotated

import typer

from vmdqemu.cli.group import add_reading, group
from vmdqemu.cli.options import LabName

app = group()


@app.command()
def up(
    file: Annotated[Path, typer.Argument(metavar="LAB.toml", help="The lab file.", show_default=False)],
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when the lab is ready.", show_default=False)
    ] = False,
) -> None:
    """Build a lab and serve it until Ctrl-C."""
    from vmdqemu.cli import lab

    lab.up(file, detach)


@app.command()
def down(
    name: Annotated[
        str | None, typer.Argument(metavar="LAB", help="The lab's name, if there are several.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every lab.", show_default=False)] = False,
) -> None:
    """Stop a lab, and clean up after one that was killed."""
    from vmdqemu.cli import down

    down.down(name, everything)


add_reading(app, "status", "status", "Show what runs, and on what.")


@app.command("exec")
def execute(
    vm: Annotated[str, typer.Argument(metavar="VM", help='A VM, or "ext".', show_default=False)],
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="What to run, after --.", show_default=False)
    ],
    lab: LabName = None,
) -> None:
    """Run a command in a VM, or in the outside host "ext"."""
    from vmdqemu.cli import execute

    execute.execute(vm, command, lab)


@app.command()
def validate(
    file: Annotated[
        Path | None, typer.Argument(metavar="LAB.toml", help="The lab file.", show_default=False)
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of lab files.", show_default=False)
    ] = False,
) -> None:
    """Check a lab file: every mistake at once."""
    from vmdqemu.cli import lab

    lab.validate(file, schema)
