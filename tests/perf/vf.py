"""VFs beside what they are compared with: a kernel bridge, a bare veth pair, and the VMQ path, by turns.

Every cable is a veth, and one CPU takes in what a VM sends by it, the same for all: otherwise a flow
overtakes itself. Small frames are put on the VF's own link, for trafgen goes past what leads from eth0 to it.
"""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from netns import namespace
from netns.lab import Lab
from tests.perf import load, speed
from tests.perf.load import IFNAME, Vm
from tests.perf.openvswitch import Peer
from tests.perf.report import Table, say, spread
from tests.system.harness import eventually, running
from tests.system.iperf import Machines, iperf3, received_at_once
from vmdqemu import config
from vmdqemu.config import LabConfig
from vmdqemu.datapath.vf_device import GUEST_END
from vmdqemu.experiments import baselines

VMS: Final = {f"vm{number}": f"10.0.0.{number}" for number in range(1, 5)}
PAIR: Final = ("vm1", "vm2")
VF, BRIDGE, VETH, VMQ = "VF", "kernel bridge", "bare veth", "VMQ"
PEERS: Final = (BRIDGE, VETH, VMQ)


class Fabric(NamedTuple):
    """Machines and what is between them."""

    machines: Machines
    pair: tuple[Vm, Vm]
    outside: bool = True  # `ext` is there, and all the VMs


class Turn(NamedTuple):
    """What one fabric reached in one round."""

    gbits: float  # TCP from vm1 to vm2
    retransmits: float
    kpps: float  # 60-octet frames that arrived
    rtt: float  # microseconds, median
    outside: float | None  # Gbit/s of TCP from ext to all VMs at once


ROWS: Final = (
    ("TCP, one stream (Gbit/s)", "gbits", 1),
    ("its retransmits", "retransmits", 0),
    ("60-octet frames (kpps)", "kpps", 0),
    ("ping, median (us)", "rtt", 1),
    ("ext to 4 VMs, TCP (Gbit/s)", "outside", 1),
)


def compare(rounds: int, lengths: speed.Lengths, directory: Path) -> Table:
    """Run the rounds; the order of the fabrics changes each time, so that a drift of the machine cancels."""
    turns: dict[str, list[Turn]] = {name: [] for name in (VF, *PEERS)}
    with ExitStack() as stack:
        fabrics = {
            VF: stack.enter_context(_lab(directory, GUEST_END)),
            BRIDGE: stack.enter_context(_bare("brb", baselines.bridge)),
            VETH: stack.enter_context(_bare("veb", baselines.veth)),
            VMQ: stack.enter_context(_lab(directory, IFNAME)),
        }
        for number in range(rounds):
            for name in fabrics if number % 2 else reversed(fabrics):
                turns[name].append(_turn(fabrics[name], lengths, directory))
                say(f"round {number + 1}: {name}: {_line(turns[name][-1])}")
    return _table(turns)


def _turn(fabric: Fabric, lengths: speed.Lengths, directory: Path) -> Turn:
    sender, receiver = fabric.pair
    rtt = load.ping(sender, receiver, lengths.pings)
    end = iperf3(fabric.machines, *PAIR, receiver.address, "-t", str(lengths.tcp))
    small = load.small_frames(sender, receiver, lengths.small, directory)
    outside = received_at_once(fabric.machines, "ext", VMS, lengths.tcp) / 1e9 if fabric.outside else None
    gbits = end["sum_received"]["bits_per_second"] / 1e9
    return Turn(gbits, end["sum_sent"]["retransmits"], small.arrived / 1000, rtt, outside)


def _line(turn: Turn) -> str:
    outside = "" if turn.outside is None else f", from ext {turn.outside:.1f} Gbit/s"
    sent = f"{turn.gbits:.1f} Gbit/s ({turn.retransmits:.0f} retransmits)"
    return f"{sent} {turn.kpps:.0f} kpps {turn.rtt:.1f} us{outside}"


def _table(turns: Mapping[str, list[Turn]]) -> Table:
    rows = []
    for name, column, digits in ROWS:
        values = {fabric: [getattr(turn, column) for turn in mine] for fabric, mine in turns.items()}
        known = {fabric: mine for fabric, mine in values.items() if None not in mine}
        cells = [spread(known[fabric], digits) if fabric in known else "" for fabric in turns]
        rows.append((name, *cells, *(_ratio(known, peer) for peer in PEERS)))
    columns = ("", *turns, *(f"VF / {peer}" for peer in PEERS))
    return Table(f"VFs, median of {len(turns[VF])} alternating rounds (min..max)", columns, rows)


def _ratio(values: Mapping[str, list[float]], peer: str) -> str:
    """Round by round: a slow minute hits both."""
    if peer not in values or not all(values[peer]):
        return ""
    return spread([a / b for a, b in zip(values[VF], values[peer], strict=True)], 2)


def _text(*, vfs: bool = False) -> str:
    """A lab file."""
    vms = (
        f'[[vm]]\nname = "{name}"\naddress = "{address}/24"\niov = {str(vfs).lower()}\n'
        for name, address in VMS.items()
    )
    return '[adapter]\nmode = "vmq"\n[wire]\naddress = "10.0.0.254/24"\n' + "".join(vms)


@contextmanager
def _lab(directory: Path, ifname: str) -> Iterator[Fabric]:
    """A whole lab, whose VMs have VFs if it is that link that is looked at."""
    with running(_text(vfs=ifname == GUEST_END), directory) as lab:
        yield Fabric(lab, _pair(lab.config, ifname))


@contextmanager
def _bare(name: str, build: Callable[[LabConfig, Lab], None]) -> Iterator[Fabric]:
    """Linux itself in place of the adapter."""
    prefix = f"{name}{os.getpid() % 10_000}-"
    lab_config = config.parse(f'name = "{name}"\nprefix = "{prefix}"\n{_text()}', name)
    with Lab() as lab:
        build(lab_config, lab)
        yield Fabric(Peer(prefix), _pair(lab_config, IFNAME), namespace.exists(lab_config.ext_namespace))


def _pair(lab_config: LabConfig, ifname: str) -> tuple[Vm, Vm]:
    first, second = (_vm(lab_config.prefix + name, VMS[name], ifname) for name in PAIR)
    return first, second


def _vm(ns: str, address: str, ifname: str) -> Vm:
    """With the address that its eth0 has."""
    look = ["cat", f"/sys/class/net/{IFNAME}/address"]
    eventually(lambda: namespace.run(ns, ["ip", "link", "show", ifname], check=False).returncode == 0, ifname)
    return Vm(ns, namespace.run(ns, look).stdout.strip(), address, ifname)
