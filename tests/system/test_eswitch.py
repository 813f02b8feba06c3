"""The eswitch against the silicon's half of decide(), frame by frame."""

import os
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from netns import counters, namespace
from netns.lab import Lab
from tests.system import eswitch_bench, prog_run
from tests.system.eswitch_bench import PORTS, VF0, VF1, VF2, Bench, Fate
from tests.system.generated import GROUPS, MACS, NOBODY, OUTSIDE, UNKNOWN, any_frame
from tests.unit.builders import Vm, adapter, granted, octets
from vmdqemu.datapath.eswitch import Books, Direction, End
from vmdqemu.datapath.eswitch_rules import FIRST_VF, PF, WIRE
from vmdqemu.nic import switch
from vmdqemu.nic.adapter import compile_tables
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.filters import RESERVED_GROUP, vlan_of
from vmdqemu.nic.frame import BROADCAST, Frame, is_multicast, parse, strip_tag
from vmdqemu.nic.models import MODELS
from vmdqemu.nic.modes import VMDQ, VMQ
from vmdqemu.nic.pools import PortSettings
from vmdqemu.nic.switch import NicVerdict
from vmdqemu.nic.tables import TAG, Tables, VfTable

pytestmark = pytest.mark.system

NAME = f"es{os.getpid() % 100_000}"
TC_ACT_SHOT = 2

# vm1 and vm2 have no VF; vm4 and vm5 are in one VLAN, vm6 is alone in another.
VLANS = (None, 5, None, 5, 5, 7)
VMS = [Vm(macs=(mac,), vlan=vlan, spoof_check=mac != MACS[4]) for mac, vlan in zip(MACS, VLANS, strict=True)]
WITH_VF = (3, 4, 5, 6)
HASH_TABLES = PortSettings(
    unicast_table=frozenset({UNKNOWN}), multicast_table=frozenset({GROUPS[1]}), hash_form=2
)
LABS: dict[str, dict[str, Any]] = {
    "off": {},
    "vmq": {"mode": VMQ, "local_switch": True},
    "VEPA": {"mode": VMQ, "loopback": False},
    "82599": {"model": MODELS["82599"], "mode": VMDQ},
    "82599, hash tables": {"model": MODELS["82599"], "mode": VMDQ, "port": HASH_TABLES},
    "x550, VEPA": {"model": MODELS["x550"], "mode": VMDQ, "local_switch": True, "loopback": False},
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
    with eswitch_bench.running(NAME, tables) as made:
        yield made


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
        for _ in ("looked up", "remembered"):
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
    before = counters.read(bench.peers)
    bench.fate(octets(BROADCAST, OUTSIDE, [5]), WIRE)
    now = counters.read(bench.peers)
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


def test_a_vf_that_is_unplugged_is_cut_off_until_it_has_another_cable(tables: Tables) -> None:
    frame = octets(MACS[2], OUTSIDE)
    with eswitch_bench.running(f"{NAME}-u", tables) as bench, Lab() as lab:
        bench.eswitch.unplug(0)
        bench.eswitch.unplug(0)
        before = bench.eswitch.counters(0)
        assert bench.fate(frame, WIRE) == Fate({})
        assert _drops(before, bench.eswitch.counters(0)) == {DropReason.EGRESS_DOWN: 1}
        assert set(bench.eswitch.plugged) == {1, 2, 3}
        with namespace.entered(bench.nic):
            from_vf, cut = bench.eswitch.program("from_vf"), bench.indexes[VF0]
            assert prog_run.run(from_vf, octets(OUTSIDE, MACS[2]), ifindex=cut) == TC_ACT_SHOT
        lab.veth(bench.nic, "again", bench.peers, "again", mtu=1500)
        bench.eswitch.plug(0, "again", End(bench.peers, "again"))
        assert bench.fate(frame, WIRE) == Fate({VF0: 60})


def test_rules_that_are_in_effect_already_are_left(bench: Bench, tables: Tables) -> None:
    bench.eswitch.publish(tables)
    before = prog_run.map_in(bench.eswitch._slot)
    bench.eswitch.publish(tables._replace(generation=2))
    assert prog_run.map_in(bench.eswitch._slot) == before
    bench.eswitch.publish(in_effect("VEPA"))
    assert prog_run.map_in(bench.eswitch._slot) != before
    bench.eswitch.publish(tables)


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
