"""`stats`, `events`, `why`, `trace`, `capture`: what frames do, and what happens to them."""

from typing import Annotated

import typer

from vmdqemu.cli.group import group
from vmdqemu.cli.options import AsJson, LabName, VmName
from vmdqemu.errors import UsageError

app = group()

FRAME = 'In short form, as hex digits, a pcap or pcapng file, or "-" for these on standard input.'
SHORT_FORMS = """\b
Short forms, in quotes because of the >:
  'tcp,10.0.0.9:1000->10.0.0.1:80,vlan=5'
  'udp,[fd00::9]:1000->[fd00::1]:53,length=1514'
  'icmp,10.0.0.9->10.0.0.1,vlan=5,vlan=7'
  'arp,10.0.0.9->10.0.0.1'
  'ether,src=02:00:00:00:00:09,dst=02:00:00:00:00:01,type=0x88b5'
  'vxlan,10.0.0.9->10.0.0.1,vni=7/tcp,192.168.0.9:1000->192.168.0.1:80'
  'nvgre,10.0.0.9->10.0.0.1,vsid=7/icmp,[fd00::9]->[fd00::1]'
All of them may have src, dst, vlan and length (octets without FCS). A MAC
address that is left out is that of the machine with the IP address; what
no machine has is behind the outside host.
"""
LAB = "The lab file; with --live, the name of the lab if several are running."


@app.command()
def stats(
    ethtool: Annotated[
        bool, typer.Option("--ethtool", help="By the names of `ethtool -S`.", show_default=False)
    ] = False,
    registers: Annotated[
        bool,
        typer.Option("--registers", help="The chip's, which reading clears.", show_default=False),
    ] = False,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Show each port's traffic and drops, and whether the law holds."""
    from vmdqemu.cli import reading

    if ethtool and registers:
        raise UsageError("--ethtool and --registers are two answers; ask for one")
    method = "stats.ethtool" if ethtool else "stats.registers" if registers else "stats"
    reading.read(method, lab, as_json)


@app.command()
def events(
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.", show_default=False)] = False,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Show what happened: moves of queues, workers that died, devices that were removed."""
    from vmdqemu.cli import events

    events.events(lab, follow, as_json)


@app.command()
def why(vm: VmName, lab: LabName = None, as_json: AsJson = False) -> None:
    """Explain why a VM has no queue, or is slow."""
    from vmdqemu.cli import why

    why.why(vm, lab, as_json)


@app.command(epilog=SHORT_FORMS)
def trace(
    frame: Annotated[str | None, typer.Argument(metavar="FRAME", help=FRAME, show_default=False)] = None,
    lab: Annotated[str | None, typer.Option("--lab", metavar="LAB", help=LAB, show_default=False)] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="As if the lab file said so.", show_default=False),
    ] = None,
    source: Annotated[
        str | None, typer.Option("--from", metavar="PORT", help='"wire", or a VM.', show_default=False)
    ] = None,
    live: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Explain the next N of a running lab.", show_default=False),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Explain, rule by rule, what the adapter and the host do with a frame."""
    if live is None:
        from vmdqemu.cli import trace

        trace.trace(lab, changes or [], source, frame, as_json)
    elif frame is None and not changes:
        from vmdqemu.cli import trace_live

        trace_live.trace_live(lab, live, source, as_json)
    else:
        raise UsageError("--live explains what comes, by the running lab: give it no frame and no --set")


@app.command()
def capture(
    file: Annotated[
        str | None,
        typer.Option("-w", metavar="FILE", help='Write pcapng; "-" is stdout.', show_default=False),
    ] = None,
    ports: Annotated[
        list[str] | None,
        typer.Option(
            "--port", metavar="PORT", help='Only to or from "wire" or a VM; repeatable.', show_default=False
        ),
    ] = None,
    count: Annotated[
        int | None, typer.Option("-c", metavar="COUNT", min=1, help="End after so many.", show_default=False)
    ] = None,
    snaplen: Annotated[int, typer.Option(metavar="N", min=1, help="Octets to keep of each frame.")] = 256,
    lab: LabName = None,
) -> None:
    """Capture the frames of a running lab where they come in, with their queue, and why any is dropped."""
    from vmdqemu.cli import capture

    capture.capture(lab, file, ports or [], count, snaplen)
