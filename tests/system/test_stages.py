"""Stage costs: every stage and mode is measured on real rings, and nothing of the bench is left."""

import os

import pytest

from netns import namespace
from vmdqemu.datapath import stages
from vmdqemu.datapath.stages import MODES, SIZES
from vmdqemu.datapath.vnet import VNET_OCTETS

pytestmark = pytest.mark.system


def test_each_size_has_the_cost_of_each_stage_and_mode() -> None:
    name = f"s{os.getpid() % 100_000}"
    costs = stages.measure(name, rounds=1)
    assert [cost.octets for cost in costs] == list(SIZES)
    assert [cost.wire_frames for cost in costs] == [1, 1, 45]
    for cost in costs:
        assert set(cost.modes) == {mode.name for mode in MODES}
        assert min(*cost.stages.values(), *cost.modes.values()) > 0
    assert not any(namespace.exists(f"{name}-{end}") for end in ("nic", "vm"))


@pytest.mark.parametrize("octets", SIZES)
def test_a_frame_has_the_size_that_is_asked_for(octets: int) -> None:
    assert len(stages.frame_of(octets)) == VNET_OCTETS + octets
