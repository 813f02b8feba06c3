"""The command line as a whole: every group of commands, and how the process ends."""

import sys
from typing import Annotated

import typer

from netns.errors import NetnsError
from vmdqemu import __version__
from vmdqemu.cli import (
    coalescing_commands,
    experiment_commands,
    filter_commands,
    host_commands,
    lab_commands,
    mode_commands,
    observe_commands,
    processor_commands,
    queue_commands,
    rss_commands,
    share_commands,
    switch_commands,
    tryout_commands,
    vf_commands,
    vm_commands,
    vport_commands,
)
from vmdqemu.errors import VmdqemuError

app = typer.Typer(
    help="A NIC you can run without owning one: VMDq, VMQ, VMMQ and SR-IOV on real frames.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.add_typer(lab_commands.app)
app.add_typer(observe_commands.app)
app.add_typer(tryout_commands.app)
app.add_typer(vm_commands.top)
app.add_typer(vm_commands.app, name="vm")
app.add_typer(vport_commands.app, name="vport")
app.add_typer(queue_commands.app, name="queue")
app.add_typer(filter_commands.app, name="filter")
app.add_typer(rss_commands.app, name="rss")
app.add_typer(coalescing_commands.app, name="coalescing")
app.add_typer(share_commands.app, name="share")
app.add_typer(switch_commands.app, name="switch")
app.add_typer(vf_commands.app, name="vf")
app.add_typer(mode_commands.app, name="mode")
app.add_typer(host_commands.app, name="host")
app.add_typer(processor_commands.app, name="processor")
app.add_typer(experiment_commands.app, name="experiment")


def main() -> None:
    """Run the command line and end the process, by the exit codes of `vmdqemu.errors`."""
    try:
        app()
    except (VmdqemuError, NetnsError) as error:
        print(error, file=sys.stderr)
        sys.exit(getattr(error, "exit_code", VmdqemuError.exit_code))


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"vmdqemu {__version__}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version.", show_default=False
        ),
    ] = False,
) -> None:
    """What may stand before a command."""
