"""Counters: every fault has its drop reason, and a check fails as soon as one frame is missing."""

import pytest

from vmdqemu.nic.counters import Check, DropReason, QueueCounter, RingCounter
from vmdqemu.nic.frame import FrameFault


@pytest.mark.parametrize("fault", FrameFault)
def test_every_fault_of_a_frame_is_a_drop_reason(fault: FrameFault) -> None:
    assert DropReason(fault.value) == fault.value


def test_no_name_is_used_twice() -> None:
    names = [str(name) for kind in (DropReason, RingCounter, QueueCounter) for name in kind]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("left", "holds"), [(9, False), (10, True), (11, False)])
def test_a_check_without_slack_misses_no_frame(left: int, holds: bool) -> None:
    assert Check("any", left, 10).holds is holds


@pytest.mark.parametrize(("left", "holds"), [(9, False), (10, True), (12, True), (13, False)])
def test_slack_allows_frames_to_be_lost_but_never_made_up(left: int, holds: bool) -> None:
    assert Check("any", left, 10, slack=2).holds is holds
