"""`mode`: how the adapter of a running lab sorts."""

from enum import StrEnum
from typing import Annotated

import typer

from vmdqemu.cli.group import given, group
from vmdqemu.cli.options import AsJson, LabName

app = group("How the adapter sorts.")


class ModeName(StrEnum):
    """The modes of `nic.modes`, which is not imported for a command line that names none."""

    OFF = "off"
    RSS = "rss"
    VMDQ = "vmdq"
    VMQ = "vmq"
    VMMQ = "vmmq"
    DVMQ = "dvmq"
    SRIOV = "sriov"
    OFF_NOCOPY = "off-nocopy"
    OFF_NOLOOKUP = "off-nolookup"


class PlacementName(StrEnum):
    """The policies of `host.processors`."""

    STATIC = "static"
    DYNAMIC = "dynamic"


@app.command("set")
def mode_set(
    name: Annotated[
        ModeName,
        typer.Argument(
            metavar="MODE",
            help="off, rss, vmdq, vmq, vmmq, off-nocopy, off-nolookup; dvmq: vmq and dynamic placement; "
            "sriov: vmq and a VF for every VM.",
            show_default=False,
        ),
    ],
    placement: Annotated[
        PlacementName | None,
        typer.Option(help="Whether queues move by load; else as the lab file says.", show_default=False),
    ] = None,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Change the mode of a running lab, without losing a frame."""
    from vmdqemu.cli import reading

    reading.change("mode.set", lab, as_json, mode=name, **given(placement=placement))
