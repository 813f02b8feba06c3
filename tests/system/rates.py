"""How fast something goes by, and whether a limit holds: on a machine that stands still now and then."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.system.harness import DEADLINE, RunningLab, eventually
from vmdqemu.nic.arbiter import WIRE_OVERHEAD

PATIENCE: Final = 2 * DEADLINE  # for a window in which the machine did not stand still
_FCS: Final = 4

Bits = Callable[[], float]  # that went by so far


def on_the_wire(octets: int, frames: int) -> int:
    """Bits of a cable that frames take up; octets: theirs without FCS."""
    return 8 * (octets + WIRE_OVERHEAD * frames)


def of_vm(lab: RunningLab, vm: str) -> Bits:
    """What was read of a VM."""

    def bits() -> int:
        port = lab.port(vm)
        return on_the_wire(port["read_octets"], port["read_wire"])

    return bits


def of_wire(lab: RunningLab, way: str) -> Bits:
    """What crossed the wire, counted by the kernel as it passed; way: `rx` or `tx`."""

    def bits() -> int:
        counted: Mapping[str, int] = lab.call("stats.ethtool")["statistics"]
        frames = counted[f"{way}_pkts_nic"]
        return on_the_wire(counted[f"{way}_bytes_nic"] - _FCS * frames, frames)

    return bits


def of_vf(lab: RunningLab, vm: str) -> Bits:
    """What a VM sent by its VF, counted by the kernel as it passed."""

    def bits() -> int:
        (sent,) = (row["sent"] for row in lab.call("vf.list")["vfs"] if row["vm"] == vm)
        return on_the_wire(sent["octets"], sent["wire_frames"])

    return bits


def measured(bits: Bits, amount: float) -> float:
    """Bits a second while so many went by.

    The clock starts before and stops behind the counter, so it is never more than it was.
    """
    started, before = time.monotonic(), bits()
    eventually(lambda: bits() >= before + amount, f"{amount:g} bits go by", PATIENCE)
    went_by = bits() - before
    return went_by / (time.monotonic() - started)


def assert_limit(bits: Bits, limit: float, *, least: float, most: float) -> None:
    """No second has more than `most` of the limit, and there is one that has `least` of it.

    A machine that stands still makes a second slower. What lets too much through does so in every one, and
    what holds too much back, too.
    """

    def is_reached() -> bool:
        share = measured(bits, limit) / limit
        assert share < most, "the limit is not kept"
        return share > least

    eventually(is_reached, f"{least:g} of the limit is reached", PATIENCE)


def in_some_window(measure: Callable[[], Any], holds: Callable[[Any], bool], what: str) -> None:
    """A law of shares holds while everybody wants to send: what breaks it breaks it in every window."""
    seen = []

    def found() -> bool:
        seen.append(measure())
        return holds(seen[-1])

    try:
        eventually(found, what, PATIENCE)
    except AssertionError:
        raise AssertionError(f"{what}: {seen}") from None
