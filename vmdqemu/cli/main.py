"""Every command with its options. What a command does is imported when it is called."""

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from netns.errors import NetnsError
from vmdqemu.cli import experiments, rss_commands
from vmdqemu.cli.options import AsJson, LabName
from vmdqemu.errors import UsageError, VmdqemuError

app = typer.Typer(
    help="A NIC you can run without owning one: VMDq, VMQ, VMMQ and SR-IOV on real frames.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
vport = typer.Typer(help="The adapter's virtual ports.", no_args_is_help=True, rich_markup_mode=None)
queue = typer.Typer(help="The adapter's receive queues.", no_args_is_help=True, rich_markup_mode=None)
vm = typer.Typer(help="The lab's VMs.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(vm, name="vm")
app.add_typer(vport, name="vport")
app.add_typer(queue, name="queue")
coalescing = typer.Typer(
    help="Frames of the default queue that may wait.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(coalescing, name="coalescing")
receive_filter = typer.Typer(
    help="The adapter's receive filters.", no_args_is_help=True, rich_markup_mode=None
)
app.add_typer(receive_filter, name="filter")
share = typer.Typer(help="What each VM may send.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(share, name="share")
mode = typer.Typer(help="How the adapter sorts.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(mode, name="mode")
app.add_typer(experiments.app, name="experiment")
processor = typer.Typer(help="The host's processors.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(processor, name="processor")
app.add_typer(rss_commands.app, name="rss")


class ModeName(StrEnum):
    """The modes of `nic.modes`, which is not imported for a command line that names none."""

    OFF = "off"
    RSS = "rss"
    VMDQ = "vmdq"
    VMQ = "vmq"
    VMMQ = "vmmq"
    DVMQ = "dvmq"
    OFF_NOCOPY = "off-nocopy"
    OFF_NOLOOKUP = "off-nolookup"


class PlacementName(StrEnum):
    """The policies of `host.processors`."""

    STATIC = "static"
    DYNAMIC = "dynamic"


LabFile = Annotated[Path, typer.Argument(metavar="LAB.toml", help="The lab file.", show_default=False)]
VmName = Annotated[str, typer.Argument(metavar="VM", help="The VM.", show_default=False)]
FilterNumber = Annotated[
    int, typer.Argument(metavar="FILTER", help="The filter's number.", show_default=False)
]
FRAME = 'Hex digits, a pcap or pcapng file, or "-" for either on standard input.'
LAB = "The lab file; with --live, the name of the lab if several are running."


def main() -> None:
    """Run the command line and end the process, by the exit codes of `vmdqemu.errors`."""
    try:
        app()
    except (VmdqemuError, NetnsError) as error:
        print(error, file=sys.stderr)
        sys.exit(getattr(error, "exit_code", VmdqemuError.exit_code))


@app.command()
def up(
    file: LabFile,
    detach: Annotated[
        bool, typer.Option("--detach", help="Return when the lab is ready.", show_default=False)
    ] = False,
) -> None:
    """Build a lab and serve it until Ctrl-C."""
    from vmdqemu.cli import lab

    lab.up(file, detach)


@app.command()
def down(
    name: Annotated[
        str | None, typer.Argument(metavar="LAB", help="The lab's name, if there are several.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Every lab.", show_default=False)] = False,
) -> None:
    """Stop a lab, and clean up after one that was killed."""
    from vmdqemu.cli import down

    down.down(name, everything)


@app.command()
def status(lab: LabName = None, as_json: AsJson = False) -> None:
    """Show what runs, and on what."""
    from vmdqemu.cli import reading

    reading.read("status", lab, as_json)


@app.command("exec")
def execute(
    vm: Annotated[str, typer.Argument(metavar="VM", help='A VM, or "ext".', show_default=False)],
    command: Annotated[
        list[str], typer.Argument(metavar="COMMAND", help="What to run, after --.", show_default=False)
    ],
    lab: LabName = None,
) -> None:
    """Run a command in a VM, or in the outside host "ext"."""
    from vmdqemu.cli import execute

    execute.execute(vm, command, lab)


@app.command()
def validate(
    file: Annotated[
        Path | None, typer.Argument(metavar="LAB.toml", help="The lab file.", show_default=False)
    ] = None,
    schema: Annotated[
        bool, typer.Option("--schema", help="Print the JSON Schema of lab files.", show_default=False)
    ] = False,
) -> None:
    """Check a lab file: every mistake at once."""
    from vmdqemu.cli import lab

    lab.validate(file, schema)


@vm.command("list")
def vm_list(lab: LabName = None, as_json: AsJson = False) -> None:
    """Show the lab's VMs."""
    from vmdqemu.cli import reading

    reading.read("vm.list", lab, as_json)


@vm.command("add")
def vm_add(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file with [[vm]] tables.", show_default=False)
    ],
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Add VMs to a running lab: all of a file's, or none."""
    from vmdqemu.cli import vm

    vm.add(file, lab, as_json)


@vm.command("set")
def vm_set(
    name: Annotated[str, typer.Argument(metavar="VM", help="Its name.", show_default=False)],
    vmq_weight: Annotated[
        int,
        typer.Option(metavar="N", help="0 to 100; with 0 the default queue serves it.", show_default=False),
    ],
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Give a VM a queue of its own, or leave it to the default queue."""
    from vmdqemu.cli import reading

    reading.change("vm.set", lab, as_json, vm=name, vmq_weight=vmq_weight)


@vm.command("remove")
def vm_remove(
    name: VmName,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Switch a VM off and take it out of a running lab."""
    from vmdqemu.cli import reading

    reading.change("vm.remove", lab, as_json, vm=name)


@vport.command("list")
def vport_list(lab: LabName = None, as_json: AsJson = False) -> None:
    """Show the adapter's virtual ports with their queues and filters."""
    from vmdqemu.cli import reading

    reading.read("vport.list", lab, as_json)


@receive_filter.command("list")
def filter_list(lab: LabName = None, as_json: AsJson = False) -> None:
    """Show whose frames each MAC address and VLAN is."""
    from vmdqemu.cli import reading

    reading.read("filter.list", lab, as_json)


@receive_filter.command("add")
def filter_add(
    vm_name: VmName,
    mac: Annotated[str, typer.Argument(metavar="MAC", help="A unicast address.", show_default=False)],
    vlan: Annotated[
        int | None, typer.Option(help="Frames in this VLAN, not untagged ones.", show_default=False)
    ] = None,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Give a VM the frames for an address."""
    from vmdqemu.cli import reading

    reading.change("filter.set", lab, as_json, vm=vm_name, mac=mac, vlan=vlan)


@receive_filter.command("del")
def filter_del(number: FilterNumber, lab: LabName = None, as_json: AsJson = False) -> None:
    """Remove a filter: its frames go the way of unknown addresses."""
    from vmdqemu.cli import reading

    reading.change("filter.clear", lab, as_json, filter=number)


@receive_filter.command("move")
def filter_move(number: FilterNumber, vm_name: VmName, lab: LabName = None, as_json: AsJson = False) -> None:
    """Give a filter to another VM, without losing a frame."""
    from vmdqemu.cli import reading

    reading.change("filter.move", lab, as_json, filter=number, vm=vm_name)


@queue.command("list")
def queue_list(lab: LabName = None, as_json: AsJson = False) -> None:
    """Show the adapter's receive queues and what came through each."""
    from vmdqemu.cli import reading

    reading.read("queue.list", lab, as_json)


@queue.command("set")
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

    asked = {"processor": processor, "moderation": moderation}
    given = {name: value for name, value in asked.items() if value is not None}
    reading.change("queue.set", lab, as_json, queue=number, **given)


@coalescing.command("list")
def coalescing_list(lab: LabName = None, as_json: AsJson = False) -> None:
    """Show what the adapter may hold back without an interrupt."""
    from vmdqemu.cli import reading

    reading.read("coalescing.list", lab, as_json)


@coalescing.command("set")
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


@coalescing.command("clear")
def coalescing_clear(
    number: Annotated[int, typer.Argument(metavar="FILTER", help="Its number.", show_default=False)],
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Remove a filter; what it holds is delivered."""
    from vmdqemu.cli import reading

    reading.change("coalescing.clear", lab, as_json, filter=number)


@share.command("list")
def share_list(lab: LabName = None, as_json: AsJson = False) -> None:
    """Show what each VM may have of the transmitter."""
    from vmdqemu.cli import reading

    reading.read("share.list", lab, as_json)


@share.command("set")
def share_set(
    name: VmName,
    weight: Annotated[
        int | None, typer.Option(metavar="N", help="Against the others', 1 to 100.", show_default=False)
    ] = None,
    rate: Annotated[
        float | None, typer.Option(metavar="MBIT", help="Of the wire; 0 for no limit.", show_default=False)
    ] = None,
    strict: Annotated[
        bool | None, typer.Option("--strict/--shared", help="Before all others.", show_default=False)
    ] = None,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Change how a VM's rings are served, without losing a frame."""
    from vmdqemu.cli import reading

    asked = {"weight": weight, "rate": rate, "strict": strict}
    given = {term: value for term, value in asked.items() if value is not None}
    reading.change("share.set", lab, as_json, vm=name, **given)


@mode.command("set")
def mode_set(
    name: Annotated[
        ModeName,
        typer.Argument(
            metavar="MODE",
            help="off, rss, vmdq, vmq, vmmq, off-nocopy, off-nolookup, or dvmq: vmq and dynamic placement.",
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

    given = {} if placement is None else {"placement": placement.value}
    reading.change("mode.set", lab, as_json, mode=name.value, **given)


@app.command()
def why(
    vm: Annotated[str, typer.Argument(metavar="VM", help="Its name.", show_default=False)],
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Explain why a VM has no queue, or is slow."""
    from vmdqemu.cli import why

    why.why(vm, lab, as_json)


@app.command()
def events(
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.", show_default=False)] = False,
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Show what happened: moves of queues, workers that died, devices that were removed."""
    from vmdqemu.cli import events

    events.events(lab, follow, as_json)


@processor.command("list")
def processor_list(lab: LabName = None, as_json: AsJson = False) -> None:
    """Watch the processors for a second: busy, waiting for a CPU, and the machine's idle and stolen time."""
    from vmdqemu.cli import processor

    processor.show(lab, as_json)


@processor.command("set")
def processor_set(
    speed: Annotated[float, typer.Option(help="Each one's share of a CPU, 0.01 to 1.", show_default=False)],
    lab: LabName = None,
    as_json: AsJson = False,
) -> None:
    """Make every processor of a running lab faster or slower."""
    from vmdqemu.cli import processor

    processor.set_speed(speed, lab, as_json)


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


@app.command()
def doctor(as_json: AsJson = False) -> None:
    """Look for what the demo needs, with a cure for each gap."""
    from vmdqemu.cli import doctor

    doctor.doctor(as_json)


@app.command()
def demo(
    quick: experiments.Quick = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write the results.", show_default=False)
    ] = None,
) -> None:
    """Run iperf3 and ping across four VMs, and show what was counted."""
    from vmdqemu.cli import demo

    demo.demo(quick, json_file)
