"""Options and arguments that many commands have."""

from typing import Annotated

import typer

LabName = Annotated[
    str | None,
    typer.Option("--lab", metavar="NAME", help="The lab, if several are running.", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", "-j", help="Print one JSON document.", show_default=False)]
VmName = Annotated[str, typer.Argument(metavar="VM", help="The VM.", show_default=False)]
Quick = Annotated[bool, typer.Option("--quick", help="Shorter runs.", show_default=False)]
