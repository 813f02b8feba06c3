"""`queue`: the adapter's receive queues, who serves each, and how often it interrupts him."""

from typing import Annotated

import typer

from vmdqemu.cli.group import add_reading, given, group
from vmdqemu.cli.options import AsJson, LabName

app = group("The adapter's receive queues.")
add_reading(app, "list", "queue.list", "Show the adapter's receive queues and what came through each.")


@app.command("set")
def queue_set(
    number: Annotated[int, typer.Argument(metavar="QUEUE", help="The queue's number.", show_default=False)],
    processor: Annotated[
        int | None, typer.Option(help="Who is to serve it, from 0.", show_default=False)
    ] = None,
    moderation: Annotated[
        str | None,
        typer.Option(
            metavar="US",
            help="Microseconds between two interrupts, or off, low, medium, high, adaptive.",
            show_default=False,
        ),
    ] = None,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Change who serves a receive queue, or how often it interrupts him, without losing a frame."""
    from vmdqemu.cli import reading

    asked = given(processor=processor, moderation=moderation)
    reading.change("queue.set", lab, as_json, queue=number, **asked)
