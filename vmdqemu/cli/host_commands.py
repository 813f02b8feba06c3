"""`host`: the management OS of a running lab."""

from typing import Annotated

import typer

from vmdqemu.cli.group import given, group
from vmdqemu.cli.options import AsJson, LabName

app = group("The host's rules.")

Override = Annotated[
    int | None, typer.Option(metavar="N", help="0: the system's default; 1: on; 2: off.", show_default=False)
]


@app.command("set")
def host_set(
    ten_gig_vmq: Override = None,
    below_ten_gig_vmq: Override = None,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Override whether VMQ is used, by the link's speed (TenGigVmqEnabled, BelowTenGigVmqEnabled)."""
    from vmdqemu.cli import reading

    asked = given(ten_gig_vmq=ten_gig_vmq, below_ten_gig_vmq=below_ten_gig_vmq)
    reading.change("host.set", lab, as_json, **asked)
