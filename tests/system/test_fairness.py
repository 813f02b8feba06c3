"""The arbiter on real rings: three VMs flood the wire with short frames, full frames and superframes."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system.flood import Flood, flooding
from tests.system.harness import DEADLINE, RunningLab, eventually, running

pytestmark = pytest.mark.system

FLOODS = {"vm1": Flood("small", "ext"), "vm2": Flood("full", "ext"), "vm3": Flood("superframe", "ext")}
SLICES = 5
STRICT_FRAMES = 1000
PATIENCE = 6 * DEADLINE  # a busy machine does not flood all the time
Counts = dict[str, dict[str, int]]


def lab_file(arbiter: str, weights: tuple[int, int, int], strict: str = "") -> str:
    """The line is so slow that every ring stays full, on a busy machine too."""
    senders = "".join(
        f'{{ name = "vm{n}", weight = {weight}, strict = {str(strict == f"vm{n}").lower()} }},\n'
        for n, weight in enumerate(weights, 1)
    )
    return f"""
adapter = {{ arbiter = "{arbiter}", ring = 8192 }}
wire = {{ rate = 50 }}
vm = [
{senders}]
"""


@contextmanager
def flooded(text: str, tmp_path: Path, floods: dict[str, Flood] = FLOODS) -> Iterator[RunningLab]:
    """A lab in which all three rings overflow."""
    with running(text, tmp_path) as lab, flooding(lab, floods, PATIENCE + DEADLINE):
        eventually(lambda: all(row["ring_overflow"] for row in counts(lab).values()), "every ring overflows")
        yield lab


def counts(lab: RunningLab) -> Counts:
    """The senders' counters now."""
    return {row["port"]: row for row in lab.call("stats")["ports"] if row["port"] in FLOODS}


def shares(lab: RunningLab, counter: str, amount: int) -> list[int]:
    """What was read of each sender while vm1 had `amount` read and all three rings were backlogged.

    That is looked at in slices. One in which a ring did not overflow counts for nothing: the machine had
    something else to do than to flood.
    """
    total = dict.fromkeys(FLOODS, 0)
    until = time.monotonic() + PATIENCE
    while total["vm1"] < amount:
        before, now = a_slice(lab, counter, amount // SLICES)
        if all(now[vm]["ring_overflow"] > before[vm]["ring_overflow"] for vm in FLOODS):
            total = {vm: total[vm] + now[vm][counter] - before[vm][counter] for vm in FLOODS}
        assert time.monotonic() < until, "the rings were not kept full"
    return list(total.values())


def a_slice(lab: RunningLab, counter: str, amount: int) -> tuple[Counts, Counts]:
    """The counters now, and when `amount` more was read of vm1."""
    before = counts(lab)
    goal = before["vm1"][counter] + amount
    eventually(lambda: counts(lab)["vm1"][counter] >= goal, f"{counter} of vm1 at {goal}")
    return before, counts(lab)


def reads_beside_vm2(lab: RunningLab) -> dict[str, int]:
    """What was read of the others while vm2 had STRICT_FRAMES more read."""
    before = counts(lab)
    eventually(lambda: counts(lab)["vm2"]["reads"] >= before["vm2"]["reads"] + STRICT_FRAMES, "vm2 sends")
    now = counts(lab)
    return {vm: now[vm]["reads"] - before[vm]["reads"] for vm in ("vm1", "vm3")}


def jain(values: list[int]) -> float:
    """Jain's fairness index: 1 when all are equal (Jain, Chiu and Hawe, 1984)."""
    return sum(values) ** 2 / (len(values) * sum(value * value for value in values))


def test_deficit_round_robin_shares_octets_whatever_the_size_of_the_frames(tmp_path: Path) -> None:
    with flooded(lab_file("deficit", (1, 1, 1)), tmp_path) as lab:
        assert jain(shares(lab, "read_octets", 1_500_000)) >= 0.99


def test_deficit_round_robin_shares_octets_by_weight(tmp_path: Path) -> None:
    with flooded(lab_file("deficit", (1, 2, 4)), tmp_path) as lab:
        vm1, vm2, vm3 = shares(lab, "read_octets", 800_000)
        assert vm2 == pytest.approx(2 * vm1, rel=0.05)
        assert vm3 == pytest.approx(4 * vm1, rel=0.05)


def test_round_robin_gives_every_vm_as_many_wire_frames(tmp_path: Path) -> None:
    """A superframe of n segments uses n turns."""
    with flooded(lab_file("round-robin", (1, 1, 1)), tmp_path) as lab:
        vm1, vm2, vm3 = shares(lab, "read_wire", 3_000)
        assert vm2 == pytest.approx(vm1, rel=0.05)
        assert vm3 == pytest.approx(vm1, rel=0.05)


def test_weighted_round_robin_shares_octets_by_refill(tmp_path: Path) -> None:
    """X550 7.2.1.2.3: refills in credits of 64 octets, a frame a turn."""
    with flooded(lab_file("weighted", (1, 2, 4)), tmp_path) as lab:
        vm1, vm2, vm3 = shares(lab, "read_octets", 800_000)
        assert vm2 == pytest.approx(2 * vm1, rel=0.05)
        assert vm3 == pytest.approx(4 * vm1, rel=0.05)


@pytest.mark.parametrize("arbiter", ["round-robin", "weighted", "deficit"])
def test_a_strict_vm_has_the_line_for_itself_as_long_as_it_has_frames(arbiter: str, tmp_path: Path) -> None:
    """When it is no longer strict, all have their share."""
    floods = {vm: Flood("full", "ext") for vm in FLOODS}
    with flooded(lab_file(arbiter, (1, 1, 1), strict="vm2"), tmp_path, floods) as lab:
        assert reads_beside_vm2(lab) == {"vm1": 0, "vm3": 0}
        lab.call("share.set", vm="vm2", strict=False)
        beside = reads_beside_vm2(lab)
        assert list(beside.values()) == pytest.approx([STRICT_FRAMES] * 2, rel=0.1)
