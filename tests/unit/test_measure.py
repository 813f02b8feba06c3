"""What iperf3 and fping report, as values."""

import json

import pytest

from vmdqemu.cli.demo import LAB
from vmdqemu.config import load, parse
from vmdqemu.errors import VmdqemuError
from vmdqemu.experiments.measure import (
    Pair,
    RoundTrip,
    Throughput,
    address_of,
    middle,
    parse_fping,
    parse_iperf3,
)

PAIR = Pair("vm1", "vm2")


def test_the_throughput_is_what_the_receiver_got() -> None:
    end = {
        "sum_sent": {"bits_per_second": 9.9e9, "retransmits": 3},
        "sum_received": {"bits_per_second": 9.5e9},
        "cpu_utilization_percent": {"host_total": 60.0, "remote_total": 40.0},
    }
    assert parse_iperf3(PAIR, json.dumps({"end": end})) == Throughput(PAIR, 9.5, 3, 0.6, 0.4)


@pytest.mark.parametrize(
    ("report", "reason"),
    [
        ('{"error": "unable to connect"}', "unable to connect"),
        ("iperf3: not JSON", "not JSON"),
        ("", "without a word"),
    ],
)
def test_a_failed_run_is_an_error_with_the_pair_and_the_reason(report: str, reason: str) -> None:
    with pytest.raises(VmdqemuError, match=rf"iperf3 vm1 -> vm2: .*{reason}"):
        parse_iperf3(PAIR, report)


def test_echoes_that_did_not_come_back_are_counted_and_not_timed() -> None:
    report = "10.0.0.2 : 0.30 - 0.10 0.25 0.20\n"
    assert parse_fping(PAIR, report) == RoundTrip(PAIR, 5, 4, 0.225, 0.3, 0.3, 0.225)


@pytest.mark.parametrize(
    ("values", "mean"),
    [([3.0], 3.0), ([1.0, 2.0], 1.5), ([9.0, 1.0, 2.0, 3.0], 2.5), ([0, 1, 2, 3, 90], 2.0)],
)
def test_outliers_have_no_part_in_the_middle(values: list[float], mean: float) -> None:
    assert middle(values) == mean


@pytest.mark.parametrize("report", ["10.0.0.2 : - -\n", "fping: no such host", ""])
def test_a_ping_without_any_answer_is_an_error(report: str) -> None:
    with pytest.raises(VmdqemuError, match="fping vm1 -> vm2: no answer"):
        parse_fping(PAIR, report)


def test_a_machine_is_reached_at_its_ipv4_address() -> None:
    lab = load(LAB)
    assert [address_of(lab, name) for name in ("vm1", "ext")] == ["10.0.0.1", "10.0.0.254"]
    both = parse('vm = [{ name = "a", address = ["fd00::1/64", "10.0.0.7/24"] }]', "both")
    assert address_of(both, "a") == "10.0.0.7"
