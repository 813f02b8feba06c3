"""Interrupt moderation: of one queue or of all, in the units of the model."""

import pytest

from tests.unit.builders import LAB, SMALL, Vm, accept, adapter, refuse, small
from vmdqemu.nic.adapter import (
    ClearFilter,
    CreateVPort,
    DeleteVPort,
    Request,
    SetMode,
    SetModeration,
    compile_tables,
)
from vmdqemu.nic.moderation import OFF as OFF_MODERATION
from vmdqemu.nic.moderation import UNITS, Moderation
from vmdqemu.nic.modes import VMMQ, VMQ
from vmdqemu.nic.status import Status

REFUSED: dict[str, tuple[Request, Status]] = {
    "moderation of an unknown queue": (SetModeration(9, Moderation(1000)), Status.INVALID_PARAMETER),
    "an interval too long": (SetModeration(0, Moderation(1 << 40)), Status.INVALID_PARAMETER),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_request_names_the_status_and_changes_nothing(case: str) -> None:
    request, status = REFUSED[case]
    assert refuse(small(*LAB), request) is status


def test_moderation_is_of_one_queue_or_of_all_and_settled_by_the_model() -> None:
    model = SMALL._replace(moderation=UNITS["82599"])
    built = adapter(*LAB, model=model, mode=VMQ)
    everywhere = accept(built, SetModeration(None, Moderation(5_001)))
    one = accept(everywhere, SetModeration(1, OFF_MODERATION))
    settled = Moderation(4_000)
    assert compile_tables(one, 1).moderation == {0: settled, 1: OFF_MODERATION, 2: settled}
    again = accept(one, SetModeration(None, OFF_MODERATION))
    assert set(compile_tables(again, 1).moderation.values()) == {OFF_MODERATION}


def test_a_queue_that_changes_hands_forgets_its_moderation() -> None:
    built = accept(small(Vm(), mode=VMQ), SetModeration(1, Moderation(9_000)))
    cleared = accept(built, ClearFilter(1), DeleteVPort(1), CreateVPort("next"))
    assert compile_tables(cleared, 1).moderation[1] == OFF_MODERATION
    assert compile_tables(accept(built, SetMode(VMMQ)), 1).moderation[1] == OFF_MODERATION
