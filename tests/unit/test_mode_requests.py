"""Another mode numbers the queues anew, if the model has as many."""

from tests.unit.builders import SMALL, Vm, accept, adapter, refuse
from vmdqemu.nic.adapter import SetMode
from vmdqemu.nic.modes import OFF, VMMQ, VMQ
from vmdqemu.nic.status import Status


def test_queues_are_numbered_anew_in_vport_order() -> None:
    built = adapter(Vm(queue_pairs=2), Vm(), mode=VMQ)
    changed = accept(built, SetMode(VMMQ))
    assert [vport.queues for _, vport in sorted(changed.vports.items())] == [(1, 2), (3,)]


def test_a_mode_that_needs_more_queues_than_there_are_is_refused() -> None:
    built = adapter(Vm(queue_pairs=4), Vm(queue_pairs=4), mode=OFF, model=SMALL)
    assert refuse(built, SetMode(VMMQ)) is Status.RESOURCES
