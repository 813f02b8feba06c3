"""VFs beside what they are compared with: a kernel bridge, a bare veth pair, and the VMQ path, by turns.

All cables are veths of the same kind, and one CPU takes in what each end receives (kernel.org: rps_cpus), for
otherwise a flow of any of them overtakes itself. The bridge passes its frames by no filter of IP.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from netns import links
from netns.lab import Lab
from tests.perf import load, speed
from tests.perf.load import Vm
from tests.perf.openvswitch import Peer
from tests.perf.report import Table, say, spread
from tests.system import uplinks
from tests.system.harness import running
from tests.system.iperf import Machines, iperf3, received_at_once
from tests.unit import builders
from tests.unit.builders import adapter, granted, mac
from vmdqemu.datapath import wires
from vmdqemu.datapath.outside import WIRE_END
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.frame import format_mac

VMS: Final = {f"vm{number}": f"10.0.0.{number}" for number in range(1, 5)}
OUTSIDE: Final = "10.0.0.254"
VF, BRIDGE, VETH, VMQ = "VF", "kernel bridge", "bare veth", "VMQ"
VMQ_LAB: Final = '[adapter]\nmode = "vmq"\n[wire]\naddress = "10.0.0.254/24"\n' + "".join(
    f'[[vm]]\nname = "{name}"\naddress = "{address}/24"\n' for name, address in VMS.items()
)


class Fabric(NamedTuple):
    """Machines and what is between them."""

    machines: Machines
    pair: tuple[Vm, Vm]
    outside: bool = True  # it has `ext`, and all the VMs


class Turn(NamedTuple):
    """What one fabric reached in one round."""

    gbits: float  # TCP from vm1 to vm2
    retransmits: float
    bare: float  # kpps of 60-octet frames that are thrown away when they arrive
    cost: float  # microseconds of all processors for one of those
    kpps: float  # of 60-octet frames to a socket
    rtt: float  # microseconds
    outside: float | None  # Gbit/s of TCP from ext to all VMs at once


ROWS: Final = (
    ("TCP, one stream (Gbit/s)", "gbits", 1),
    ("its retransmits", "retransmits", 0),
    ("60-octet frames (kpps)", "bare", 0),
    ("CPU time of one (us)", "cost", 2),
    ("60-octet frames to a UDP socket (kpps)", "kpps", 0),
    ("ping (us)", "rtt", 1),
    ("ext to 4 VMs, TCP (Gbit/s)", "outside", 1),
)


def compare(rounds: int, lengths: speed.Lengths, directory: Path) -> Table:
    """Run the rounds; the order of the fabrics changes each time, so that a drift of the machine cancels."""
    turns: dict[str, list[Turn]] = {}
    with ExitStack() as stack:
        fabrics = {
            VF: stack.enter_context(_vfs()),
            BRIDGE: stack.enter_context(_bridge()),
            VETH: stack.enter_context(_veth()),
            VMQ: stack.enter_context(_vmq(directory)),
        }
        for number in range(rounds):
            for name in fabrics if number % 2 else reversed(fabrics):
                turn = _turn(fabrics[name], lengths, directory)
                turns.setdefault(name, []).append(turn)
                say(f"round {number + 1}: {name}: {_line(turn)}")
    return _table(turns)


def _turn(fabric: Fabric, lengths: speed.Lengths, directory: Path) -> Turn:
    sender, receiver = fabric.pair
    rtt = load.ping(sender, receiver, lengths.pings)
    end = iperf3(fabric.machines, "vm1", "vm2", receiver.address, "-t", str(lengths.tcp))
    bare = load.bare_frames(sender, receiver, lengths.small, directory)
    small = load.small_frames(sender, receiver, lengths.small, directory)
    outside = received_at_once(fabric.machines, "ext", VMS, lengths.tcp) / 1e9 if fabric.outside else None
    gbits = end["sum_received"]["bits_per_second"] / 1e9
    return Turn(
        gbits,
        end["sum_sent"]["retransmits"],
        bare.arrived / 1e3,
        bare.cpu * 1e6,
        small.arrived / 1e3,
        rtt,
        outside,
    )


def _line(turn: Turn) -> str:
    outside = "" if turn.outside is None else f", from ext {turn.outside:.1f} Gbit/s"
    sent = f"{turn.gbits:.1f} Gbit/s ({turn.retransmits:.0f} retransmits)"
    return f"{sent} {turn.bare:.0f} kpps, to a socket {turn.kpps:.0f} kpps, {turn.rtt:.1f} us{outside}"


def _table(turns: Mapping[str, list[Turn]]) -> Table:
    rows = []
    for name, column, digits in ROWS:
        values = {fabric: [getattr(turn, column) for turn in mine] for fabric, mine in turns.items()}
        known = {fabric: mine for fabric, mine in values.items() if None not in mine}
        cells = [spread(known[fabric], digits) if fabric in known else "" for fabric in turns]
        rows.append((name, *cells, *(_ratio(known, other) for other in (BRIDGE, VETH, VMQ))))
    columns = ("", *turns, *(f"VF / {other}" for other in (BRIDGE, VETH, VMQ)))
    return Table(f"VFs, median of {len(turns[VF])} alternating rounds (min..max)", columns, rows)


def _ratio(values: Mapping[str, list[float]], other: str) -> str:
    """Round by round: a slow minute hits both."""
    if other not in values or not all(values[other]):
        return ""
    return spread([a / b for a, b in zip(values[VF], values[other], strict=True)], 2)


@contextmanager
def _vfs() -> Iterator[Fabric]:
    """VFs that are granted. No process of ours has a part in it."""
    vms = [builders.Vm() for _ in VMS]
    tables = compile_tables(granted(adapter(*vms), *range(1, len(vms) + 1)), generation=1)
    with uplinks.bed(f"vfb{os.getpid() % 10_000}", tables) as bed:
        nic, ext = bed.config.nic_namespace, bed.config.ext_namespace
        machines = [uplinks.machine(number, bed) for number in range(1, len(vms) + 1)]
        for vm in machines:
            vm.face.grant()
        for ifname in (wires.WIRE, *(f"vf{number}" for number in range(len(vms)))):
            links.receive_on(nic, ifname, 0)
        links.receive_on(ext, WIRE_END, 0)
        first, second = (Vm(vm.ns, format_mac(vm.mac), vm.address, "vf0") for vm in machines[:2])
        yield Fabric(Peer(bed.config.prefix), (first, second))


@contextmanager
def _bridge() -> Iterator[Fabric]:
    """The kernel's, with a cable to every machine."""
    prefix = f"brb{os.getpid() % 10_000}-"
    switch, machines = prefix + "switch", {**VMS, "ext": OUTSIDE}
    with Lab() as lab:
        lab.namespace(switch)
        for number, (name, address) in enumerate(machines.items(), start=1):
            lab.namespace(prefix + name)
            lab.veth(prefix + name, "eth0", switch, name, mtu=1500, mac_a=format_mac(mac(number)))
            _settle(prefix + name, address)
            links.receive_on(switch, name, 0)
        lab.bridge(switch, "bridge", list(machines))
        yield Fabric(Peer(prefix), _pair(prefix))


@contextmanager
def _veth() -> Iterator[Fabric]:
    """Two VMs and one cable."""
    prefix = f"veb{os.getpid() % 10_000}-"
    (first, second) = (prefix + name for name in list(VMS)[:2])
    with Lab() as lab:
        lab.namespace(first)
        lab.namespace(second)
        macs = [format_mac(mac(number)) for number in (1, 2)]
        lab.veth(first, "eth0", second, "eth0", mtu=1500, mac_a=macs[0], mac_b=macs[1])
        for ns, address in zip((first, second), VMS.values(), strict=False):
            _settle(ns, address)
        yield Fabric(Peer(prefix), _pair(prefix), outside=False)


@contextmanager
def _vmq(directory: Path) -> Iterator[Fabric]:
    """A whole lab: adapter, workers, vSwitch."""
    with running(VMQ_LAB, directory) as lab:
        first, second = (Vm(lab.ns(name), lab.mac(name), VMS[name]) for name in list(VMS)[:2])
        yield Fabric(lab, (first, second))


def _settle(ns: str, address: str) -> None:
    links.receive_on(ns, "eth0", 0)
    links.up(ns, "eth0")
    links.add_address(ns, "eth0", f"{address}/24")


def _pair(prefix: str) -> tuple[Vm, Vm]:
    first, second = (
        Vm(prefix + name, format_mac(mac(number)), VMS[name]) for number, name in enumerate(list(VMS)[:2], 1)
    )
    return first, second
