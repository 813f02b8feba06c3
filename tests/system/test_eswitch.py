"""The eswitch against the silicon's half of decide(), frame by frame, by BPF_PROG_TEST_RUN.

Its books say where a frame went: a test run carries out no redirect, but counts it, and really sends clones.
"""

import os
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

import pytest

from netns import counters, links, namespace
from tests.system import prog_run
from tests.system.generated import GROUPS, MACS, NOBODY, OUTSIDE, any_frame
from tests.system.uplinks import bed
from tests.unit.builders import Vm, adapter, granted, octets
from vmdqemu.datapath import uplink, wires
from vmdqemu.datapath.eswitch import FIRST_VF, PF, WIRE, Books, Direction, End, Eswitch
from vmdqemu.nic import switch
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import RESERVED_GROUP, vlan_of
from vmdqemu.nic.frame import BROADCAST, Frame, is_multicast, parse, strip_tag
from vmdqemu.nic.models import MODELS
from vmdqemu.nic.modes import VMDQ, VMQ
from vmdqemu.nic.switch import NicVerdict
from vmdqemu.nic.tables import TAG, Tables, VfTable

pytestmark = pytest.mark.system

NAME = f"es{os.getpid() % 100_000}"
NIC, PEERS = f"{NAME}-nic", f"{NAME}-vms"

# vm1 and vm2 have no VF; vm4 and vm5 are in one VLAN, vm6 is alone in another.
VLANS = (None, 5, None, 5, 5, 7)
VMS = [Vm(macs=(mac,), vlan=vlan, spoof_check=mac != MACS[4]) for mac, vlan in zip(MACS, VLANS, strict=True)]
WITH_VF = (3, 4, 5, 6)
VF0, VF1, VF2, VF3 = range(FIRST_VF, FIRST_VF + 4)
PORTS = (WIRE, PF, VF0, VF1, VF2, VF3)


class Fate(NamedTuple):
    """What became of one frame."""

    left: dict[int, int]  # octets, by the port it left by
    drop: DropReason | None = None


class Bench:
    """Asks the eswitch about one frame at a time."""

    def __init__(self, eswitch: Eswitch) -> None:
        self.eswitch = eswitch
        names = {WIRE: wires.WIRE, PF: uplink.PF} | {port: far(port) for port in PORTS if port >= FIRST_VF}
        self._indexes = {port: links.index(NIC, name) for port, name in names.items()}
        self._programs = {WIRE: eswitch.program("from_wire"), PF: eswitch.program("from_pf")}

    def fate(self, frame: bytes, port: int) -> Fate:
        """What becomes of a frame that comes in by a port."""
        before = {each: self.eswitch.books(each) for each in PORTS}
        program = self._programs.get(port, self.eswitch.program("from_vf"))
        with namespace.entered(NIC):
            prog_run.run(program, frame, ifindex=self._indexes[port])
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


def far(port: int) -> str:
    """Both ends of a VF's cable."""
    return f"vf{port - FIRST_VF}"


LABS: dict[str, dict[str, Any]] = {
    "off": {},
    "vmq": {"mode": VMQ, "local_switch": True},
    "VEPA": {"mode": VMQ, "loopback": False},
    "82599": {"model": MODELS["82599"], "mode": VMDQ},
    "x550": {"model": MODELS["x550"], "mode": VMDQ, "local_switch": True},
}


def in_effect(lab: str) -> Tables:
    """What the adapter of a lab is compiled to."""
    return compile_tables(granted(adapter(*VMS, **LABS[lab]), *WITH_VF), generation=1)


@pytest.fixture(scope="module")
def tables() -> Tables:
    return in_effect("off")


@pytest.fixture(scope="module")
def bench(tables: Tables) -> Iterator[Bench]:
    """With a wire, a PF and a cable for each VF, whose far ends are in one namespace."""
    with bed(NAME, tables) as (lab, made, _):
        lab.namespace(PEERS)
        for port in PORTS[2:]:
            lab.veth(NIC, far(port), PEERS, far(port), mtu=1600)
            made.eswitch.plug(port - FIRST_VF, far(port), End(PEERS, far(port)))
            links.up(NIC, far(port))
            links.up(PEERS, far(port))
        yield Bench(made.eswitch)


def expected(frame: bytes, port: int, tables: Tables) -> Fate:
    """What the silicon's half says. What it drops of what comes from the wire decide() drops at the PF."""
    seen = parse(frame)
    if port == WIRE:
        verdict = switch.receive(seen, tables)
        return _fate(seen, verdict._replace(drop=None), tables, by_pf=verdict.drop is not None)
    if port == PF:
        faulty = switch.receive(seen, tables).drop is not None  # no worker writes it
        verdict = NicVerdict(wire=True) if faulty else switch.let_out(seen, vlan_of(seen.vlan), tables)
        return _fate(seen, verdict, tables)
    number, vf = sender(port, tables)
    return _fate(seen, switch.transmit(seen, number, tables), tables, inserted=vf.vport.vlan is not None)


def _fate(
    frame: Frame, verdict: NicVerdict, tables: Tables, *, by_pf: bool = False, inserted: bool = False
) -> Fate:
    octets = frame.length + TAG * inserted
    ways = ((PF, by_pf or verdict.queues), (WIRE, verdict.wire))
    left = {port: octets for port, taken in ways if taken}
    tagged = frame.tags + inserted > 0
    stripped = {vf.function: tagged and vf.vport.strips for vf in tables.vfs.values()}
    left |= {FIRST_VF + vf: octets - TAG * stripped[vf] for vf in verdict.vfs}
    return Fate(left, verdict.drop)


def sender(port: int, tables: Tables) -> tuple[int, VfTable]:
    """The VF of a port, by its VPort."""
    return next((number, vf) for number, vf in tables.vfs.items() if FIRST_VF + vf.function == port)


def generated(random: Random, port: int, tables: Tables) -> bytes:
    """A frame that may come in by a port; a VF mostly sends what it may."""
    frame = any_frame(random)
    destination, source = frame[:6], frame[6:12]
    if port >= FIRST_VF:
        source = random.choice([*sender(port, tables)[1].vport.macs * 8, OUTSIDE, MACS[0], NOBODY, GROUPS[1]])
    if random.random() < 0.05:
        destination = RESERVED_GROUP + bytes([random.randrange(0x20)])
    if random.random() < 0.6:
        frame = strip_tag(frame)
    frame = destination + source + frame[12:]
    if random.random() < 0.02:
        frame = frame.ljust(random.choice([1514, 1515, 1518, 1519, 1522, 1523]), b"\0")
    return frame


@pytest.mark.parametrize("lab", LABS)
def test_the_eswitch_agrees_with_the_silicon(lab: str, bench: Bench, tables: Tables, full: bool) -> None:
    random, judged = Random(20260102), in_effect(lab)
    bench.eswitch.publish(judged)
    seen = Counter[str]()
    for _ in range(100_000 if full else 2_000):
        port = random.choice(PORTS)
        frame = generated(random, port, judged)
        if not prog_run.accepts(frame):
            continue
        wanted = expected(frame, port, judged)
        assert bench.fate(frame, port) == wanted, (port, frame.hex())
        seen[_kind(frame, wanted)] += 1
    bench.eswitch.publish(tables)
    assert min(seen["unicast to a VF"], seen["group to a VF"], seen["elsewhere"]) > 20, seen
    assert len(seen.keys() & {str(reason) for reason in DropReason}) >= 6, seen


def _kind(frame: bytes, fate: Fate) -> str:
    if fate.drop is not None:
        return str(fate.drop)
    if max(fate.left) < FIRST_VF:
        return "elsewhere"
    return "group to a VF" if is_multicast(frame[:6]) else "unicast to a VF"


def test_a_group_reaches_every_port_of_its_vlan_once(bench: Bench) -> None:
    inside = octets(BROADCAST, MACS[3])
    assert bench.fate(inside, VF1) == Fate({WIRE: 64, PF: 64, VF2: 60})
    assert bench.fate(octets(BROADCAST, OUTSIDE, [5]), WIRE) == Fate({PF: 64, VF1: 60, VF2: 60})
    assert bench.fate(octets(BROADCAST, OUTSIDE), WIRE) == Fate({PF: 60, VF0: 60})


def test_clones_come_out_of_their_cables_without_their_tag(bench: Bench) -> None:
    before = counters.read(PEERS)
    bench.fate(octets(BROADCAST, OUTSIDE, [5]), WIRE)
    now = counters.read(PEERS)
    got = {name: now[name].rx_bytes - before[name].rx_bytes for name in now if name != "lo"}
    assert got == {"vf0": 0, "vf1": 60, "vf2": 60, "vf3": 0}


def test_what_comes_from_inside_and_stays_there_is_looped(bench: Bench) -> None:
    before = bench.eswitch.counters(1), bench.eswitch.counters(2)
    bench.fate(octets(MACS[4], MACS[3]), VF1)
    bench.fate(octets(OUTSIDE, MACS[3]), VF1)
    bench.fate(octets(MACS[4], OUTSIDE, [5]), WIRE)
    sent, received = bench.eswitch.counters(1), bench.eswitch.counters(2)
    assert _more(before[0].entered, sent.entered) == Direction(2, 2, 120)
    assert _more(before[0].looped_entered, sent.looped_entered) == Direction(1, 1, 60)
    assert _more(before[1].left, received.left) == Direction(2, 2, 120)
    assert _more(before[1].looped_left, received.looped_left) == Direction(1, 1, 60)


def test_frames_for_a_vf_that_is_unplugged_are_counted_as_its_drops(bench: Bench) -> None:
    frame = octets(MACS[2], OUTSIDE)
    bench.eswitch.unplug(0)
    bench.eswitch.unplug(0)
    before = bench.eswitch.counters(0)
    assert bench.fate(frame, WIRE) == Fate({})
    assert _drops(before, bench.eswitch.counters(0)) == {DropReason.EGRESS_DOWN: 1}
    assert set(bench.eswitch.plugged) == {1, 2, 3}
    bench.eswitch.plug(0, far(VF0), End(PEERS, far(VF0)))
    assert bench.fate(frame, WIRE) == Fate({VF0: 60})


def test_a_vf_that_is_reset_is_plugged_again_at_once(bench: Bench) -> None:
    bench.eswitch.reset(0)
    assert bench.fate(octets(MACS[2], OUTSIDE), WIRE) == Fate({VF0: 60})


def test_without_vfs_everything_goes_through_the_pf(bench: Bench, tables: Tables) -> None:
    bench.eswitch.publish(compile_tables(adapter(*VMS), generation=2))
    assert bench.fate(octets(MACS[2], OUTSIDE), WIRE) == Fate({PF: 60})
    assert bench.fate(octets(MACS[2], MACS[0]), PF) == Fate({WIRE: 60})
    assert bench.fate(octets(OUTSIDE, MACS[2]), VF0) == Fate({}, DropReason.PORT_LIST_IS_EMPTY)
    bench.eswitch.publish(tables)
    assert bench.fate(octets(MACS[2], OUTSIDE), WIRE) == Fate({VF0: 60})


def _more(before: Direction, after: Direction) -> Direction:
    return Direction(*(b - a for a, b in zip(before, after, strict=True)))


def _drops(before: Books, after: Books) -> dict[DropReason, int]:
    more = {reason: count - before.drops.get(reason, 0) for reason, count in after.drops.items()}
    return {reason: count for reason, count in more.items() if count}
