"""Frames of a lab as they come: in order, each with the tables that ruled on it, and what was missed."""

import os
import re
from collections.abc import Iterator
from itertools import islice

import pytest

from tests.unit.builders import OUTSIDE, Vm, mac, octets, tables
from tests.unit.observed import LAB, Observed, observed
from tests.unit.pumping import TCPV4, vnet
from vmdqemu.datapath.recorder import MOST_OCTETS
from vmdqemu.nic.frame import HEADER_OCTETS
from vmdqemu.nic.modes import OFF
from vmdqemu.observe import live
from vmdqemu.observe.live import Live, Seen


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Observed]:
    monkeypatch.setattr(live, "LOOK_AGAIN", 0.0)
    with observed() as made:
        yield made


def look(observing: Live) -> list[Seen]:
    """What came since the last look."""
    (batch,) = islice(observing.frames(), 1)
    return batch


def test_what_was_read_before_is_not_seen_and_what_comes_is(lab: Observed) -> None:
    lab.read(1, octets(mac(1), OUTSIDE))
    observing = Live(lab, snaplen=60)
    assert look(observing) == []
    lab.read(1, octets(mac(2), mac(1)), port=1, ring=3)
    (seen,) = look(observing)
    assert (seen.port, seen.record.ring, seen.octets) == ("vm1", 3, octets(mac(2), mac(1)))
    assert seen.rules.tables == LAB
    assert lab.asked == [HEADER_OCTETS]  # a verdict reads that much


def test_frames_of_several_workers_come_in_the_order_of_their_time(lab: Observed) -> None:
    lab.hire(2)
    observing = Live(lab, HEADER_OCTETS)
    for number in range(6):
        lab.read(1 + number % 2, octets(mac(1), OUTSIDE, payload=bytes([number])))
    assert [seen.octets[14] for seen in look(observing)] == list(range(6))


def test_a_worker_that_comes_later_is_seen_from_its_first_frame(
    lab: Observed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "ASK_AGAIN", 0.0)
    observing = Live(lab, HEADER_OCTETS)
    lab.hire(2)
    lab.read(2, octets(mac(1), OUTSIDE))
    look(observing)
    assert len(look(observing)) == 1


def test_a_frame_is_explained_by_the_tables_that_ruled_on_it(lab: Observed) -> None:
    observing = Live(lab, HEADER_OCTETS)
    lab.read(1, octets(mac(1), OUTSIDE))
    lab.rule(tables(Vm(), Vm(vlan=5), mode=OFF)._replace(generation=2), 1)
    lab.read(1, octets(mac(1), OUTSIDE))
    before, after = look(observing)
    assert (before.verdict.host.lookup, after.verdict.host.lookup) == (False, True)
    assert observing.tables.generation == 2


def test_tables_that_came_and_went_unheard_are_those_that_came_next(lab: Observed) -> None:
    observing = Live(lab, HEADER_OCTETS)
    lab.rule(LAB._replace(generation=2), 1)
    lab.read(1, octets(mac(1), OUTSIDE))
    lab.rule(LAB._replace(generation=3))
    (seen,) = look(observing)
    assert seen.rules.tables.generation == 3


def test_a_frame_of_a_port_that_is_gone_counts_as_not_seen(lab: Observed) -> None:
    observing = Live(lab, HEADER_OCTETS)
    lab.read(1, octets(mac(1), mac(9)), port=9)
    assert (look(observing), observing.lost) == ([], 1)


def test_what_was_overwritten_counts_as_not_seen(lab: Observed) -> None:
    observing = Live(lab, HEADER_OCTETS)
    for _ in range(15_000):
        lab.read(1, octets(mac(1), OUTSIDE))
    assert len(look(observing)) + observing.lost == 15_000
    assert observing.lost > 0


def test_a_pause_in_which_nothing_was_kept_is_known(lab: Observed, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.begins = True
    observing = Live(lab, HEADER_OCTETS)
    assert not observing.interrupted
    monkeypatch.setattr(live, "ASK_AGAIN", 0.0)
    look(observing)
    assert observing.interrupted


def test_a_descriptor_that_is_another_file_by_now_is_left_alone(lab: Observed) -> None:
    with open(os.devnull, "rb") as other:
        lab.announce(2, other.fileno())
        lab.announce(3, 999_999)
        observing = Live(lab, HEADER_OCTETS)
        lab.read(1, octets(mac(1), OUTSIDE))
        assert len(look(observing)) == 1


def test_a_superframe_is_seen_once_as_it_was_read_and_judged_by_its_wire_frames(lab: Observed) -> None:
    observing = Live(lab, HEADER_OCTETS)
    tcp = bytes(12) + bytes([5 << 4]) + bytes(7)
    superframe = octets(mac(1), OUTSIDE, ethertype=0x0800, payload=bytes(20) + tcp + bytes(14_600))
    header = vnet(TCPV4, gso_size=1460, csum_start=34)
    lab.read(1, superframe, header=header)
    (seen,) = look(observing)
    assert (seen.record.length, seen.frame.length) == (len(superframe), 1514)
    assert seen.octets == superframe[:HEADER_OCTETS]
    assert re.fullmatch(
        r"\d\d:\d\d:\d\d\.\d{6} from wire ring 0, 14654 octets for 10 wire frames", seen.arrival
    )
    assert seen.verdict.drop is None


@pytest.mark.parametrize("csum_start", [0, 65_535])
def test_a_header_that_lies_is_explained_all_the_same(csum_start: int, lab: Observed) -> None:
    observing = Live(lab, HEADER_OCTETS)
    lab.read(1, bytes(3), header=vnet(TCPV4, gso_size=1, csum_start=csum_start))
    lab.read(1, bytes(MOST_OCTETS - 10), header=vnet(TCPV4, gso_size=1, csum_start=csum_start))
    assert len([seen.explain() for seen in look(observing)]) == 2
