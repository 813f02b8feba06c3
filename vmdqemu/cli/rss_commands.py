"""`rss`: how a VPort's frames are spread over its queues, and over the processors that serve them."""

from typing import Annotated

import typer

from vmdqemu.cli.group import add_reading, group
from vmdqemu.cli.options import AsJson, LabName

app = group("How frames are spread over a VM's queues.")
add_reading(app, "list", "rss.list", "Show the indirection tables by processor, and what is hashed.")

VPort = Annotated[
    str, typer.Argument(metavar="VM", help='A VM, or "default" for all others.', show_default=False)
]


@app.command("set")
def rss_set(
    vport: VPort,
    enabled: Annotated[
        bool | None,
        typer.Option("--on/--off", help="Spread, or let one queue take all.", show_default=False),
    ] = None,
    key: Annotated[str | None, typer.Option(help="40 octets in hex.", show_default=False)] = None,
    types: Annotated[
        str | None,
        typer.Option(help='What is hashed, such as "IPV4,TCP_IPV4"; "" for nothing.', show_default=False),
    ] = None,
    entries: Annotated[
        int | None, typer.Option(help="Entries of the table: 2, 4, 8 up to 128.", show_default=False)
    ] = None,
    queues: Annotated[
        int | None, typer.Option(help="Most processors that may share its frames.", show_default=False)
    ] = None,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Change a VM's RSS, without losing a frame."""
    from vmdqemu.cli import reading

    asked = {"enabled": enabled, "key": key, "entries": entries, "queues": queues}
    names = None if types is None else [name for name in types.split(",") if name]
    reading.change("rss.set", lab, as_json, vport=vport, types=names, **asked)


@app.command("move")
def rss_move(
    vport: VPort,
    entries: Annotated[
        str, typer.Argument(help='"0-31,40", "default", "primary", or "all".', show_default=False)
    ],
    processor: Annotated[int, typer.Option(help="Who is to serve them, from 0.", show_default=False)],
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Move entries of a VM's indirection table to a processor, without losing a frame."""
    from vmdqemu.cli import reading

    reading.change("rss.move", lab, as_json, vport=vport, entries=entries, processor=processor)
