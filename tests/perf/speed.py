"""Our VM-to-VM path against the bare C loop: alternating turns on the same TAPs."""

import os
from pathlib import Path
from typing import NamedTuple

from tests.perf import load, rig
from tests.perf.report import Table, say, spread
from vmdqemu.daemon.plant import Plant
from vmdqemu.nic.frame import format_mac


class Turn(NamedTuple):
    """What one server reached in one round."""

    gbits: float  # TCP, received
    kpps: float  # 60-octet frames that arrived
    offered: float  # of them, in thousands a second
    rtt: float  # microseconds


class Lengths(NamedTuple):
    """How long each measurement of a turn takes."""

    tcp: int  # seconds, whole ones for iperf3
    small: float  # seconds
    pings: int


QUICK = Lengths(1, 1.0, 100)
FULL = Lengths(3, 2.0, 300)


def compare(rounds: int, lengths: Lengths, directory: Path) -> Table:
    """Run the rounds; the order of the two changes each time, so that a drift of the machine cancels."""
    bare = rig.bare_c(rig.compile_forward(directory))
    mine: list[Turn] = []
    yardstick: list[Turn] = []
    with rig.two_vms(f"bench{os.getpid() % 10_000}") as built:
        for number in range(rounds):
            pair = [(rig.ours, mine), (bare, yardstick)]
            for server, turns in pair if number % 2 else reversed(pair):
                turns.append(_turn(server, built, lengths, directory))
            say(f"round {number + 1}: vmdqemu {_line(mine[-1])}, C {_line(yardstick[-1])}")
    return _table(mine, yardstick)


def _turn(server: rig.Server, built: Plant, lengths: Lengths, directory: Path) -> Turn:
    sender, receiver = ends(built)
    with server(built):
        rtt = load.ping(sender, receiver, lengths.pings)
        gbits = load.tcp(sender, receiver, lengths.tcp)
        small = load.small_frames(sender, receiver, lengths.small, directory)
    return Turn(gbits, small.arrived / 1000, small.offered / 1000, rtt)


def ends(built: Plant) -> tuple[load.Vm, load.Vm]:
    """The first two VMs."""
    first, second = (
        load.Vm(port.ns, format_mac(vm.mac), vm.addresses[0].split("/")[0])
        for port, vm in zip(built.ports[:2], built.config.vms[:2], strict=True)
    )
    return first, second


def _line(turn: Turn) -> str:
    return f"{turn.gbits:.1f} Gbit/s {turn.kpps:.0f} kpps {turn.rtt:.1f} us"


def _table(mine: list[Turn], yardstick: list[Turn]) -> Table:
    rows = []
    for name, column, digits, unit in (
        ("TCP, one stream", "gbits", 1, "Gbit/s"),
        ("60-octet frames", "kpps", 0, "kpps"),
        ("offered meanwhile", "offered", 0, "kpps"),
        ("ping", "rtt", 1, "us"),
    ):
        ours, theirs = ([getattr(turn, column) for turn in turns] for turns in (mine, yardstick))
        ratios = [a / b for a, b in zip(ours, theirs, strict=True)]  # of neighbours: a slow minute hits both
        rows.append((f"{name} ({unit})", spread(ours, digits), spread(theirs, digits), spread(ratios, 2)))
    return Table(
        f"VM to VM, median of {len(mine)} alternating rounds (min..max)",
        ("", "vmdqemu", "bare C loop", "ratio, round by round"),
        rows,
    )
