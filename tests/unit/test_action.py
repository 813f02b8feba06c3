"""Actions: a verdict in ports and reasons becomes descriptors and counter cells, and nothing is lost."""

import pytest

from vmdqemu.datapath.action import BY_FLOW, NO_DROP, NO_RING, SHORTEST_ON_WIRE, Action, Output, Rings
from vmdqemu.datapath.inbox import INBOX
from vmdqemu.datapath.shm import RING_OFFSET, Layout
from vmdqemu.host.decide import Verdict
from vmdqemu.host.vswitch import Delivery, Edit, HostVerdict
from vmdqemu.nic.counters import DropReason
from vmdqemu.nic.switch import NicVerdict, ToQueue

LAYOUT = Layout(workers=2, rings=(1, 1, 2), queues=3)
WITH_INBOXES = LAYOUT._replace(inboxes=2)
FDS = {(0, 0): 10, (1, 0): 11, (2, 0): 20, (2, 1): 21}
RINGS = Rings(1, LAYOUT, memoryview(bytearray(LAYOUT.octets)).cast("Q"), FDS)


def deliver(*deliveries: Delivery, vlan: int | None = None) -> Action:
    """The action that delivers."""
    return RINGS.action(Verdict(NicVerdict(vlan), HostVerdict(lookup=True, deliveries=deliveries)))


def test_a_delivery_is_the_channels_descriptor_and_row_in_the_workers_block() -> None:
    action = deliver(Delivery(2, 1))
    assert action.outputs == (Output(21, LAYOUT.ring_cell(1, 2, 1), Edit.KEEP),)
    assert action.fd == 21
    assert action.copies == 0
    assert action.lookup
    assert action.drop == NO_DROP


@pytest.mark.parametrize("edit", [Edit.INSERT, Edit.STRIP])
def test_an_edited_frame_is_not_for_the_fast_way(edit: Edit) -> None:
    action = deliver(Delivery(1, 0, edit), vlan=7)
    assert action.fd == NO_RING
    assert action.tag == 7
    assert action.outputs[0].edit is edit


def test_a_copied_frame_is_not_for_the_fast_way_and_counts_its_copies() -> None:
    action = deliver(Delivery(0), Delivery(1), Delivery(2))
    assert action.fd == NO_RING
    assert [output.fd for output in action.outputs] == [10, 11, 20]
    assert action.copies == 2


@pytest.mark.parametrize("reason", DropReason)
def test_a_drop_has_no_ring_and_its_reasons_column(reason: DropReason) -> None:
    action = RINGS.action(Verdict(NicVerdict(drop=reason)))
    assert action.fd == NO_RING
    assert action.outputs == ()
    assert action.copies == 0
    assert action.drop == RING_OFFSET[reason]


def test_the_hosts_drop_counts_as_well_as_the_silicons() -> None:
    verdict = Verdict(NicVerdict(vswitch=True), HostVerdict(lookup=True, drop=DropReason.PORT_LIST_IS_EMPTY))
    assert RINGS.action(verdict).drop == RING_OFFSET[DropReason.PORT_LIST_IS_EMPTY]
    assert RINGS.action(verdict).lookup


def test_queues_are_the_cells_of_the_workers_block() -> None:
    verdict = Verdict(NicVerdict(queues=(ToQueue(2, 1, 0), ToQueue(1, 2, 0))))
    assert RINGS.action(verdict).queues == (LAYOUT.queue_cell(1, 1), LAYOUT.queue_cell(1, 2))


def test_a_frame_of_another_processors_queue_is_handed_over_once_and_counted_once() -> None:
    rings = RINGS._replace(layout=WITH_INBOXES, fds={**FDS, (INBOX, 1): 31}, elsewhere={2: 1})
    verdict = Verdict(
        NicVerdict(7, queues=(ToQueue(2, 2, 1),)), HostVerdict(deliveries=(Delivery(2, 1, Edit.STRIP),))
    )
    handed = rings.action(verdict)
    assert handed.fd == 31
    assert handed.outputs == (Output(31, WITH_INBOXES.ring_cell(1, INBOX, 1)),)
    assert handed.queues == (WITH_INBOXES.queue_cell(1, 2),)
    taken = rings.taken().action(verdict)
    assert [output.fd for output in taken.outputs] == [21]
    assert taken.queues == ()
    direct = rings.direct().action(verdict)
    assert (direct.outputs, direct.queues) == (taken.outputs, handed.queues)


def test_a_frame_of_ones_own_queue_is_not_handed_over() -> None:
    rings = RINGS._replace(layout=WITH_INBOXES, elsewhere={1: 0})
    verdict = Verdict(NicVerdict(queues=(ToQueue(2, 2, 1),)), HostVerdict(deliveries=(Delivery(2, 1),)))
    assert rings.action(verdict).fd == 21


def test_only_the_wire_has_a_shortest_frame() -> None:
    assert [output.shortest for output in deliver(Delivery(0), Delivery(1)).outputs] == [SHORTEST_ON_WIRE, 0]


def test_by_flow_delivers_nowhere() -> None:
    assert BY_FLOW.by_flow
    assert BY_FLOW.outputs == ()
    assert not Action().by_flow


@pytest.mark.parametrize(("processor", "fd"), [(1, 31), (None, 21)])
def test_by_vrss_a_frame_goes_to_the_processor_of_its_channel(processor: int | None, fd: int) -> None:
    """Wherever its queue is served."""
    rings = RINGS._replace(layout=WITH_INBOXES, fds={**FDS, (INBOX, 1): 31}, elsewhere={2: 9})
    verdict = Verdict(NicVerdict(queues=(ToQueue(2, 2),)), HostVerdict(deliveries=(Delivery(2, 1),)))
    spread = rings._replace(channels={(2, 0): 8, (2, 1): processor})
    assert spread.action(verdict).fd == fd
    assert spread.taken().action(verdict).fd == 21
    assert spread.direct().action(verdict).fd == 21
