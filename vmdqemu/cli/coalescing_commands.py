"""`coalescing`: filters for frames of the default queue that need not interrupt at once."""

from typing import Annotated

import typer

from vmdqemu.cli.group import add_reading, group
from vmdqemu.cli.options import AsJson, LabName

app = group("Frames of the default queue that may wait.")
add_reading(app, "list", "coalescing.list", "Show what the adapter may hold back without an interrupt.")


@app.command("set")
def coalescing_set(
    tests: Annotated[
        list[str],
        typer.Argument(metavar="TEST...", help="FIELD=VALUE, as ethertype=0x0806.", show_default=False),
    ],
    delay: Annotated[int, typer.Option(metavar="MS", help="The longest wait.", show_default=False)],
    number: Annotated[
        int, typer.Option("--filter", metavar="FILTER", help="The one to modify.", show_default=False)
    ] = 0,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Have frames that pass all tests wait for company, or for the end of their delay."""
    from vmdqemu.cli import reading

    reading.change("coalescing.set", lab, as_json, tests=tests, delay=delay, filter=number)


@app.command("clear")
def coalescing_clear(
    number: Annotated[int, typer.Argument(metavar="FILTER", help="Its number.", show_default=False)],
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Remove a filter; what it holds is delivered."""
    from vmdqemu.cli import reading

    reading.change("coalescing.clear", lab, as_json, filter=number)
