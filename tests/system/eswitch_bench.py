"""Asks the loaded eswitch about one frame at a time, by BPF_PROG_TEST_RUN.

Its books say where a frame went: a test run carries out no redirect, but counts it, and really sends clones.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NamedTuple

from netns import links, namespace
from tests.system import prog_run
from tests.system.uplinks import bed
from vmdqemu.datapath import uplink, wires
from vmdqemu.datapath.eswitch import End, Eswitch
from vmdqemu.datapath.eswitch_rules import FIRST_VF, PF, WIRE
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.tables import Tables

VF0, VF1, VF2, VF3 = VFS = tuple(range(FIRST_VF, FIRST_VF + 4))
PORTS: Final = (WIRE, PF, *VFS)


class Fate(NamedTuple):
    """What became of one frame."""

    left: dict[int, int]  # octets, by the port it left by
    drop: DropReason | None = None


class Bench(NamedTuple):
    """An eswitch with a wire, a PF and four VFs, whose cables' far ends are in one namespace, `peers`."""

    eswitch: Eswitch
    nic: str
    ext: str
    peers: str
    indexes: dict[int, int]  # of each port's link

    def fate(self, frame: bytes, port: int) -> Fate:
        """What becomes of a frame that comes in by a port."""
        programs = {WIRE: "from_wire", PF: "from_pf"}
        before = {each: self.eswitch.books(each) for each in PORTS}
        with namespace.entered(self.nic):
            program = self.eswitch.program(programs.get(port, "from_vf"))
            prog_run.run(program, frame, ifindex=self.indexes[port])
        after = {each: self.eswitch.books(each) for each in PORTS}
        left = {
            each: after[each].left.octets - before[each].left.octets
            for each in PORTS
            if after[each].left.skbs > before[each].left.skbs
        }
        drops = after[port].drops.items() - before[port].drops.items()
        assert after[port].entered.skbs - before[port].entered.skbs == 1
        assert after[port].copies - before[port].copies == max(0, len(left) - 1)
        return Fate(left, next((reason for reason, _ in drops), None))


def cable(port: int) -> str:
    """Both ends of a VF's."""
    return f"vf{port - FIRST_VF}"


@contextmanager
def running(name: str, tables: Tables) -> Iterator[Bench]:
    """name: of the lab; nobody serves it."""
    peers = f"{name}-vms"
    with bed(name, tables) as (lab, made, config):
        nic, ext = config.nic_namespace, config.ext_namespace
        lab.namespace(peers)
        for port in VFS:
            lab.veth(nic, cable(port), peers, cable(port), mtu=1600)
            made.eswitch.plug(port - FIRST_VF, cable(port), End(peers, cable(port)))
            links.up(nic, cable(port))
            links.up(peers, cable(port))
        names = {WIRE: wires.WIRE, PF: uplink.PF} | {port: cable(port) for port in VFS}
        indexes = {port: links.index(nic, link) for port, link in names.items()}
        yield Bench(made.eswitch, nic, ext, peers, indexes)
