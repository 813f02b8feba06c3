"""`switch`: a chip's registers on a running lab, by the lab file's keys."""

from typing import Annotated

import typer

from vmdqemu.cli.group import add_reading, given, group
from vmdqemu.cli.options import AsJson, LabName
from vmdqemu.errors import UsageError

app = group("A chip's switch: what its port and its pools accept.")
add_reading(app, "list", "switch.list", "Show the port's registers and each pool's, by the lab file's keys.")


@app.command("set")
def switch_set(
    changes: Annotated[
        list[str], typer.Argument(metavar="KEY=VALUE", help="As the lab file has it.", show_default=False)
    ],
    pool: Annotated[
        str | None,
        typer.Option("--of", metavar="POOL", help="A VM, or the PF; else the port.", show_default=False),
    ] = None,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Change registers of a running lab, without losing a frame."""
    from vmdqemu.cli import reading

    reading.change("switch.set", lab, as_json, keys=dict(map(_read, changes)), **given(pool=pool))


def _read(change: str) -> tuple[str, object]:
    from vmdqemu.config_changes import read_value

    key, equals, text = change.partition("=")
    if not equals or not key.strip():
        raise UsageError(f"{change}: write KEY=VALUE, such as vlan_filtering=false")
    return key.strip(), read_value(text.strip())
