"""Modes: how many RX queues a VM's VPort gets."""

import pytest

from vmdqemu.nic.modes import MODES, OFF, VMMQ, VMQ, Mode, Sort


@pytest.mark.parametrize(
    ("mode", "expected"), [(OFF, [0, 0, 0]), (VMQ, [1, 1, 1]), (VMMQ, [1, 4, 64])], ids=lambda row: str(row)
)
def test_a_vport_gets_the_queues_of_its_mode(mode: Mode, expected: list[int]) -> None:
    assert [mode.rx_queues(pairs) for pairs in (1, 4, 64)] == expected


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_only_an_adapter_that_sorts_gives_a_vport_queues(mode: Mode) -> None:
    assert MODES[mode.name] is mode
    assert (mode.sort is Sort.FILTERS) == (mode.rx_queues(1) > 0)
