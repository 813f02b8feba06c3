"""What the daemon answers is JSON, has every column, and says what it does not know."""

import json
from collections import deque
from types import SimpleNamespace
from typing import Any, cast

import pytest

from netns import counters as kernel_counters
from tests.unit.plants import Kernel, counters, plant
from vmdqemu.daemon import reports
from vmdqemu.daemon.supervisor import Role, Supervisor
from vmdqemu.daemon.workers import WorkerProcess
from vmdqemu.datapath.shm import QUEUE_COLUMNS, RING_COLUMNS
from vmdqemu.nic.coalescing import CoalescingFilter, read_test

LAB = """
adapter.mode = "vmq"
vm = [
  { name = "vm1", mac = "02:00:00:00:00:01", address = "10.0.0.1/24", vlan = 10 },
  { name = "vm2", mac = "02:00:00:00:00:02", queues = 4 },
]
"""


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    kernel = Kernel(plant(LAB))
    monkeypatch.setattr(kernel_counters, "read", kernel.read)
    return kernel


@pytest.fixture
def supervisor() -> Supervisor:
    """All that a report reads of one."""
    built = plant(LAB)
    return cast(
        Supervisor,
        SimpleNamespace(
            plant=built,
            counters=counters(built),
            crashes=0,
            gone={2},
            spare_ready=True,
            events=deque({"event": str(number)} for number in range(20)),
            roles=(
                Role("nic", 0, 1, 1.0, worker=cast(WorkerProcess, SimpleNamespace(pid=99))),
                Role("cpu0", 1, 0, 1.0, processor=0),
            ),
        ),
    )


def as_read(document: reports.Document) -> Any:
    """A document as its reader gets it."""
    assert document["schema_version"] == reports.SCHEMA_VERSION
    return json.loads(json.dumps(document))


def test_status_tells_who_serves_and_what_is_missing(supervisor: Supervisor) -> None:
    status = as_read(reports.status(supervisor))
    assert (status["lab"], status["mode"], status["wire"]) == ("lab", "vmq", None)
    assert status["workers"] == [{"role": "nic", "cpu": 1, "pid": 99}]
    assert (status["spare"], status["crashes"], status["gone"]) == (True, 0, [2])
    assert status["offloads"] == "checksum, TSO, USO"
    assert status["vms"][0] == {
        "name": "vm1",
        "namespace": "vm1",
        "port": 1,
        "queues": 1,
        "vmq_weight": 100,
        "mac": "02:00:00:00:00:01",
        "vlan": 10,
        "addresses": ["10.0.0.1/24"],
    }
    assert [event["event"] for event in status["events"]] == [str(number) for number in range(10, 20)]


def test_vports_are_listed_with_their_filters_and_queues(supervisor: Supervisor) -> None:
    default, vm1, vm2 = as_read(reports.vports(supervisor))["vports"]
    assert default == {"vport": 0, "name": "default", "queues": [0], "filters": []}
    assert vm1 == {
        "vport": 1,
        "name": "vm1",
        "queues": [1],
        "filters": [{"mac": "02:00:00:00:00:01", "vlan": 10}],
    }
    assert vm2["queues"] == [2]


def test_queues_have_the_columns_of_the_windows_cmdlet(supervisor: Supervisor) -> None:
    rows = as_read(reports.queues(supervisor))["queues"]
    assert [row["QueueID"] for row in rows] == [0, 1, 2]
    assert [row["VmFriendlyName"] for row in rows] == ["", "vm1", "vm2"]
    columns = {"QueueID", "MacAddress", "VlanID", "Processor", "VmFriendlyName"}
    columns |= {"moderation", "arrivals", "rx-hw-drop-overruns", *map(str, QUEUE_COLUMNS)}
    assert all(set(row) == columns for row in rows)


def test_coalescing_filters_are_spelled_as_they_are_set(supervisor: Supervisor) -> None:
    held = CoalescingFilter((read_test("ethertype=0x806"),), delay=50)
    supervisor.plant.tables = supervisor.plant.tables._replace(coalescing={3: held})
    document = as_read(reports.coalescing(supervisor))
    assert document["filters"] == [{"filter": 3, "delay": 50, "tests": ["ethertype=0x806"]}]
    assert document["coalesced"] == 0


def test_filters_name_their_vport(supervisor: Supervisor) -> None:
    first, second = as_read(reports.filters(supervisor))["filters"]
    assert first == {"filter": 1, "vport": 1, "name": "vm1", "mac": "02:00:00:00:00:01", "vlan": 10}
    assert (second["filter"], second["name"], second["vlan"]) == (2, "vm2", None)


def test_stats_have_both_sets_of_books(supervisor: Supervisor, kernel: Kernel) -> None:
    kernel.set("vm1", tx_dropped=3)
    stats = as_read(reports.stats(supervisor))
    vm1, vm2 = stats["ports"]
    assert (vm1["port"], vm1["ring_overflow"], vm1["kernel"]["tx_dropped"]) == ("vm1", 3, 3)
    assert len(vm2["rings"]) == 4
    assert all(set(ring) == set(map(str, RING_COLUMNS)) for ring in vm2["rings"])
    assert stats["law"]["holds"]
    assert {"name", "left", "right", "slack", "holds"} == set(stats["law"]["checks"][0])


def test_a_broken_law_is_said(supervisor: Supervisor, kernel: Kernel) -> None:
    kernel.set("vm1", tx_packets=1)
    assert not as_read(reports.stats(supervisor))["law"]["holds"]


def test_what_the_kernel_knew_of_a_removed_device_is_null(supervisor: Supervisor, kernel: Kernel) -> None:
    del kernel.links["vm2"]
    vm1, vm2 = as_read(reports.stats(supervisor))["ports"]
    assert vm1["ring_overflow"] == 0
    assert (vm2["ring_overflow"], vm2["kernel"]) == (None, None)


def test_a_processor_is_listed_with_its_speed_though_nobody_serves_it(supervisor: Supervisor) -> None:
    (row,) = as_read(reports.processors(supervisor))["processors"]
    assert row == {"processor": 0, "cpu": 0, "pid": None, "speed": 1.0, "queues": []}
