"""The arbiter on real rings: three VMs flood the wire with short frames, full frames and superframes.

A machine that has something else to do than to flood lets a ring run dry now and then, and who has no frame
gets less. So a law is to hold in some window: an arbiter that shares otherwise does so in every one.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import pytest

from tests.system.flood import Flood, flooding
from tests.system.harness import DEADLINE, RunningLab, eventually, running

pytestmark = pytest.mark.system

FLOODS = {"vm1": Flood("small", "ext"), "vm2": Flood("full", "ext"), "vm3": Flood("superframe", "ext")}
WEIGHTS = (1, 2, 4)
WINDOWS = 10
STRICT_FRAMES = 1000
PATIENCE = 6 * DEADLINE  # a busy machine does not flood all the time
Counts = dict[str, dict[str, int]]


class Law(NamedTuple):
    """What an arbiter shares, and a window that is long beside one superframe: what vm1 reads in it."""

    counter: str
    shares: tuple[int, int, int]
    window: int


LAWS = {
    "deficit": Law("read_octets", WEIGHTS, 800_000),
    "round-robin": Law("read_wire", (1, 1, 1), 3_000),  # a superframe of n segments uses n turns
    "weighted": Law("read_octets", WEIGHTS, 800_000),  # X550 7.2.1.2.3: refills of 64 octets, a frame a turn
}
# The line is so slow that every ring stays full, on a busy machine too.
LAB = """
adapter = {{ arbiter = "{arbiter}", ring = 8192 }}
wire = {{ rate = 50 }}
vm = [
  {{ name = "vm1", weight = 1 }},
  {{ name = "vm2", weight = 2 }},
  {{ name = "vm3", weight = 4 }},
]
"""


@pytest.fixture(scope="module", params=LAWS)
def arbiter(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module")
def lab(arbiter: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    """All three rings overflow."""
    text, path = LAB.format(arbiter=arbiter), tmp_path_factory.mktemp("fairness")
    with running(text, path) as lab, flooding(lab, FLOODS, 5 * PATIENCE):
        full = partial(every_ring_overflows, lab)
        eventually(full, "every ring overflows", PATIENCE)
        yield lab


def every_ring_overflows(lab: RunningLab) -> bool:
    return all(row["ring_overflow"] for row in counts(lab).values())


def counts(lab: RunningLab) -> Counts:
    """The senders' counters now."""
    return {row["port"]: row for row in lab.call("stats")["ports"] if row["port"] in FLOODS}


def window(lab: RunningLab, vm: str, counter: str, amount: int) -> list[int]:
    """What was read of each sender while one of them had `amount` read."""
    before = counts(lab)
    enough = partial(counts_from, lab, vm, counter, before[vm][counter] + amount)
    now = eventually(enough, f"{vm} sends", PATIENCE)
    return [now[each][counter] - before[each][counter] for each in FLOODS]


def counts_from(lab: RunningLab, vm: str, counter: str, goal: int) -> Counts | None:
    """The counters, once so much was read of a sender."""
    now = counts(lab)
    return now if now[vm][counter] >= goal else None


def assert_in_some_window(holds: Callable[[list[int]], bool], look: Callable[[], list[int]]) -> None:
    seen: list[list[int]] = []
    while not (seen and holds(seen[-1])):
        assert len(seen) < WINDOWS, seen
        seen.append(look())


def in_proportion(shares: tuple[int, ...]) -> Callable[[list[int]], bool]:
    """Each within 5 %."""
    return lambda values: [value / values[0] for value in values] == pytest.approx(shares, rel=0.05)


def jain(values: list[int]) -> float:
    """Jain's fairness index: 1 when all are equal (Jain, Chiu and Hawe, 1984)."""
    return sum(values) ** 2 / (len(values) * sum(value * value for value in values))


def test_an_arbiter_shares_by_its_law_whatever_the_size_of_the_frames(lab: RunningLab, arbiter: str) -> None:
    law = LAWS[arbiter]
    assert_in_some_window(in_proportion(law.shares), partial(window, lab, "vm1", law.counter, law.window))


def test_a_strict_vm_has_the_line_for_itself_as_long_as_it_has_frames(lab: RunningLab, arbiter: str) -> None:
    """When it is no longer strict, all have their share."""
    lab.call("share.set", vm="vm2", strict=True)
    assert_in_some_window(
        lambda values: values[0] == values[2] == 0, partial(window, lab, "vm2", "reads", STRICT_FRAMES)
    )
    lab.call("share.set", vm="vm2", strict=False)
    law = LAWS[arbiter]
    assert_in_some_window(in_proportion(law.shares), partial(window, lab, "vm1", law.counter, law.window))


@pytest.mark.parametrize("arbiter", ["deficit"], indirect=True)
def test_deficit_round_robin_shares_octets_equally_by_equal_weights(lab: RunningLab) -> None:
    for vm in FLOODS:
        lab.call("share.set", vm=vm, weight=1)
    octets = partial(window, lab, "vm1", "read_octets", 1_500_000)
    assert_in_some_window(lambda values: jain(values) >= 0.99, octets)
    for vm, weight in zip(FLOODS, WEIGHTS, strict=True):
        lab.call("share.set", vm=vm, weight=weight)
