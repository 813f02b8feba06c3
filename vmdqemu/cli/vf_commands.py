"""`vf`: virtual functions of the adapter, which VMs get and lose while they send."""

from enum import StrEnum
from typing import Annotated

import typer

from vmdqemu.cli.group import add_reading, given, group
from vmdqemu.cli.options import AsJson, LabName, VmName

app = group("Virtual functions (SR-IOV): VMs that bypass the host.")
add_reading(app, "list", "vf.list", "Show the VFs: whose each is, on what terms, and what crossed it.")


class Switch(StrEnum):
    """The words of ip-link(8)."""

    ON = "on"
    OFF = "off"


@app.command("add")
def vf_add(vm: VmName, lab: LabName = None, as_json: AsJson = False) -> None:
    """Give a VM a VF, without losing a frame or a connection."""
    from vmdqemu.cli import reading

    reading.change("vf.add", lab, as_json, vm=vm)


@app.command("del")
def vf_del(
    vm: VmName,
    surprise: Annotated[
        bool, typer.Option("--surprise", help="Without asking the guest first.", show_default=False)
    ] = False,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Take a VM's VF: its frames go by the host again."""
    from vmdqemu.cli import reading

    reading.change("vf.remove", lab, as_json, vm=vm, surprise=surprise)


@app.command("set")
def vf_set(
    vm: VmName,
    mac: Annotated[str | None, typer.Option(help="Its address.", show_default=False)] = None,
    vlan: Annotated[int | None, typer.Option(help="Its port VLAN; 0 for none.", show_default=False)] = None,
    trust: Annotated[
        Switch | None,
        typer.Option(help="Whether the guest's driver may choose addresses.", show_default=False),
    ] = None,
    spoofchk: Annotated[
        Switch | None, typer.Option(help="Whether it may only send from its own.", show_default=False)
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option(metavar="MBIT", help="That it may send; 0 for no limit.", show_default=False),
    ] = None,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Change what the adapter allows a VF, by the words of `ip link set DEV vf N`."""
    from vmdqemu.cli import reading

    asked = given(mac=mac, vlan=vlan, rate=rate, trust=_flag(trust), spoofchk=_flag(spoofchk))
    reading.change("vf.set", lab, as_json, vm=vm, **asked)


def _flag(switch: Switch | None) -> bool | None:
    return None if switch is None else switch is Switch.ON


@app.command("reset")
def vf_reset(vm: VmName, lab: LabName = None, as_json: AsJson = False) -> None:
    """Reset a VM's VF (function level reset); no other VF notices."""
    from vmdqemu.cli import reading

    reading.change("vf.reset", lab, as_json, vm=vm)
