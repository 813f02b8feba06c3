"""Queue filters: the order of the decision, and that only the first copy is moved."""

from typing import Any

import pytest

from tests.unit.builders import OUTSIDE, mac, packet, parsed
from vmdqemu.nic import queue_filters
from vmdqemu.nic.frame import Frame
from vmdqemu.nic.queue_filters import EthertypeFilter, QueueFilters, TupleFilter
from vmdqemu.nic.queue_rules import RULES

PTP = EthertypeFilter(0x88F7, queue=90)
WEB = TupleFilter(80, destination_port=80, protocol=6)
ALL = QueueFilters(ethertypes=(PTP,), syn=91, tuples=(WEB,))


def tcp(ports: tuple[int, int] = (1000, 80), ips: tuple[str, str] = ("10.0.0.9", "10.0.0.1")) -> Frame:
    ethertype, payload = packet(*ips, 6, ports)
    return parsed(mac(1), OUTSIDE, ethertype=ethertype, payload=payload)


def udp() -> Frame:
    ethertype, payload = packet("10.0.0.9", "10.0.0.1", 17, (1000, 80))
    return parsed(mac(1), OUTSIDE, ethertype=ethertype, payload=payload)


@pytest.mark.parametrize(
    ("frame", "syn", "filters", "queue"),
    [
        (parsed(mac(1), OUTSIDE, ethertype=0x88F7), False, ALL, 90),
        (parsed(mac(1), OUTSIDE, (5,), ethertype=0x88F7), False, ALL, 90),  # behind the tag
        (parsed(mac(1), OUTSIDE, ethertype=0x88F6), False, ALL, None),
        (tcp(), True, ALL, 91),  # before the 5-tuple
        (tcp(), False, ALL, 80),
        (tcp(), True, ALL._replace(syn=None), 80),
        (tcp(), True, ALL._replace(ethertypes=(EthertypeFilter(0x0800, 92),)), 92),  # before both
        (tcp((1000, 81)), False, ALL, None),
        (udp(), False, ALL, None),
        (udp(), True, ALL, None),
        (tcp(ips=("fd00::1", "fd00::2")), False, ALL, None),  # IPv4 alone
        (parsed(mac(1), OUTSIDE), False, QueueFilters(), None),
    ],
)
def test_ethertype_goes_before_syn_and_syn_before_the_5_tuple(
    frame: Frame, syn: bool, filters: QueueFilters, queue: int | None
) -> None:
    assert queue_filters.filtered_queue(frame, syn, filters) == queue


EXACT: dict[str, Any] = {
    "source": bytes([10, 0, 0, 9]),
    "destination": bytes([10, 0, 0, 1]),
    "source_port": 1000,
    "destination_port": 80,
    "protocol": 6,
}
WRONG: dict[str, Any] = {
    "source": bytes([10, 0, 0, 8]),
    "destination": bytes([10, 0, 0, 9]),
    "source_port": 80,
    "destination_port": 1000,
    "protocol": 17,
}


@pytest.mark.parametrize("field", EXACT)
def test_each_field_of_the_5_tuple_is_compared_unless_it_is_left_out(field: str) -> None:
    assert TupleFilter(1, **EXACT).takes(tcp())
    assert not TupleFilter(1, **{**EXACT, field: WRONG[field]}).takes(tcp())
    assert TupleFilter(1, **{**EXACT, field: None}).takes(tcp())


def test_the_highest_priority_wins_and_of_equals_the_first() -> None:
    tuples = TupleFilter(1, priority=2), TupleFilter(2, priority=7), TupleFilter(3, priority=7)
    assert queue_filters.filtered_queue(tcp(), False, QueueFilters(tuples=tuples)) == 2


def test_a_fragment_matches_no_port() -> None:
    fragment = tcp()._replace(fragment=True, ports=b"")
    assert not WEB.takes(fragment)
    assert TupleFilter(1, protocol=6).takes(fragment)


def test_only_the_copy_of_the_first_pool_is_moved() -> None:
    rules = RULES["82599"].layouts["B"]

    def formula(pool: int) -> int:
        return rules.queue(pool, entry=1)

    assert queue_filters.queues(tcp(), False, (2, 3, 4), ALL, formula) == (80, 7, 9)
    assert queue_filters.queues(udp(), False, (2, 3, 4), ALL, formula) == (5, 7, 9)


def test_a_frame_of_no_pool_is_discarded_unless_a_filter_takes_it() -> None:
    assert queue_filters.queues(udp(), False, (), ALL, lambda pool: pool) == ()
    assert queue_filters.queues(tcp(), False, (), ALL, lambda pool: pool) == (80,)


@pytest.mark.parametrize(
    ("model", "filters", "message"),
    [
        ("82599", QueueFilters(ethertypes=(PTP,) * 9), "^ethertypes: 9 filters; use at most 8$"),
        ("82599", QueueFilters(tuples=(WEB,) * 129), "^tuples: 129 filters; use at most 128$"),
        ("82576", QueueFilters(tuples=(WEB,) * 9), "^tuples: 9 filters; use at most 8$"),
        ("ideal", QueueFilters(syn=1), "^syn: 1 filters; use at most 0$"),
        ("82599", QueueFilters(tuples=(WEB._replace(priority=8),)), r"^tuples\[0\]: priority 8; use 1 to 7$"),
    ],
)
def test_what_the_model_cannot_hold_is_refused(model: str, filters: QueueFilters, message: str) -> None:
    queue_filters.check(QueueFilters((PTP,) * 8, 1, (WEB,) * 8), RULES["82576"])
    with pytest.raises(ValueError, match=message):
        queue_filters.check(filters, RULES[model])
