"""Modes: how many RX queues a VPort gets, and what is left to the host."""

import pytest

from vmdqemu.nic.modes import MODES, OFF, OFF_NOCOPY, OFF_NOLOOKUP, RSS, VMDQ, VMMQ, VMQ, Mode, Sort

PAIRS = (1, 4, 64)


@pytest.mark.parametrize(
    ("mode", "vm", "default"),
    [
        (OFF, [0, 0, 0], [1, 1, 1]),
        (RSS, [0, 0, 0], [1, 4, 64]),
        (VMDQ, [1, 1, 1], [1, 1, 1]),
        (VMQ, [1, 1, 1], [1, 1, 1]),
        (VMMQ, [1, 4, 64], [1, 4, 64]),
    ],
    ids=lambda row: str(row),
)
def test_a_vport_gets_the_queues_of_its_mode(mode: Mode, vm: list[int], default: list[int]) -> None:
    assert [mode.rx_queues(pairs) for pairs in PAIRS] == vm
    assert [mode.default_queues(pairs) for pairs in PAIRS] == default


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_only_an_adapter_that_filters_gives_a_vm_queues(mode: Mode) -> None:
    assert MODES[mode.name] is mode
    assert (mode.sort is Sort.FILTERS) == (mode.rx_queues(1) > 0)


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_the_host_looks_up_what_no_filter_sorted(mode: Mode) -> None:
    assert mode.lookup == (mode.sort is not Sort.FILTERS)


def test_each_ablation_takes_one_part_of_the_work_from_off() -> None:
    assert OFF._replace(name="off-nocopy", copy=False) == OFF_NOCOPY
    assert (OFF_NOLOOKUP.lookup, OFF_NOLOOKUP.copy, OFF_NOLOOKUP.processors) == (False, OFF.copy, 1)
