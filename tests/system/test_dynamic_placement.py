"""Dynamic placement on real load: the rows of the Microsoft rules that need frames."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Final

import pytest

from tests.system.command import refused, vmdqemu
from tests.system.harness import RunningLab, eventually, running
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

VMS: Final = 4
PATIENCE: Final = 30.0  # seconds: a busy machine gives TCP little, and the balancer has periods to wait for
LAB: Final = """
[adapter]
mode = "{mode}"
[host]
processors = 4
speed = 0.06
placement = "{placement}"
[host.balancer]
period = 0.2
patience = 0.4
rest = 0.6
[wire]
address = "10.0.0.254/24"
""" + "".join(
    f'[[vm]]\nname = "vm{number}"\naddress = "10.0.0.{number}/24"\nqueues = {{queues}}\n'
    for number in range(1, VMS + 1)
)


BROKEN: Final = """
import runpy
from vmdqemu.host.balancer import Balancer

def plan(*_):
    raise ArithmeticError("made to")

Balancer.plan = plan
runpy.run_module("vmdqemu.daemon.main", run_name="__main__")
"""


def _lab(mode: str = "vmq", placement: str = "dynamic", queues: int = 1) -> str:
    return LAB.format(mode=mode, placement=placement, queues=queues)


def _processors(lab: RunningLab) -> dict[int, int]:
    """Who serves each RX queue."""
    rows = lab.call("queue.list")["queues"]
    return {row["QueueID"]: int(row["Processor"].partition(":")[2]) for row in rows}


def _moves(lab: RunningLab) -> list[dict[str, Any]]:
    return [event for event in lab.call("events")["events"] if event["event"] == "queue-moved"]


def _events(lab: RunningLab) -> list[str]:
    return [event["event"] for event in lab.call("events")["events"]]


@contextmanager
def _receiving(lab: RunningLab, *vms: int, flows: int = 1) -> Iterator[None]:
    """iperf3 from ext into VMs for as long as the block runs."""
    with ExitStack() as stack:
        for vm in vms:
            server = lab.start(f"vm{vm}", "iperf3", "-s")
            stack.callback(server.wait)
            stack.callback(server.kill)
        for vm in vms:
            _until_listening(lab, f"vm{vm}")
            client = lab.start("ext", "iperf3", "-c", f"10.0.0.{vm}", "-t", "60", "-P", str(flows))
            stack.callback(client.wait)
            stack.callback(client.kill)
        yield


def _until_listening(lab: RunningLab, vm: str) -> None:
    eventually(lambda: "5201" in lab.run(vm, "ss", "-Hltn"), "iperf3 listens")


def test_idle_queues_are_at_home(tmp_path: Path) -> None:  # D1
    with running(_lab(), tmp_path) as lab:
        lab.run("ext", "ping", "-c", "5", "-i", "0.1", "10.0.0.1")
        assert set(_processors(lab).values()) == {0}
        assert _moves(lab) == []


def test_queues_spread_under_load_and_are_drawn_together_after_it(tmp_path: Path) -> None:  # D2, D3, D11
    with running(_lab(), tmp_path) as lab:
        with _receiving(lab, 1, 2, 3, 4):
            eventually(lambda: len(set(_processors(lab).values())) == 4, "every processor serves", PATIENCE)
        eventually(lambda: set(_processors(lab).values()) == {0}, "all are back at home", PATIENCE)
        moves = _moves(lab)
        assert {move["by"] for move in moves} == {"balancer"}
        assert 0 not in {move["queue"] for move in moves}
        shown = vmdqemu("events", "--lab", lab.config.name).stdout
        assert shown.count("queue-moved") >= len(moves)


def test_one_queue_has_one_processor_however_many_flows_it_carries(tmp_path: Path) -> None:  # D7
    with running(_lab(), tmp_path) as lab, _receiving(lab, 2, flows=4):
        before = lab.port("vm2")["writes"]
        eventually(lambda: lab.port("vm2")["writes"] > before + 2000, "data flows")
        # Away from the default queue, perhaps, and back while nothing flows; to share gains nothing.
        assert all(0 in (move["source"], move["target"]) for move in _moves(lab))
        assert {queue for queue, processor in _processors(lab).items() if processor} <= {2}


def test_static_placement_goes_round_and_never_moves(tmp_path: Path) -> None:  # D10
    with running(_lab(placement="static"), tmp_path) as lab:
        placed = {0: 0, 1: 0, 2: 1, 3: 2, 4: 3}
        assert _processors(lab) == placed
        with _receiving(lab, 1):
            before = lab.port("vm1")["writes"]
            eventually(lambda: lab.port("vm1")["writes"] > before + 1000, "data flows")
        assert (_processors(lab), _moves(lab)) == (placed, [])


def test_the_entries_of_a_vports_table_move_one_by_one(tmp_path: Path) -> None:  # D12
    def entries() -> set[int]:
        (vm1,) = (row for row in lab.call("rss.list")["vports"] if row["name"] == "vm1")
        return set(vm1["processors"])

    with running(_lab(mode="vmmq", queues=4), tmp_path) as lab:
        assert (set(_processors(lab).values()), entries()) == ({0}, {0})
        with _receiving(lab, 1, flows=16):
            eventually(lambda: len(entries()) > 1, "vm1's entries spread", PATIENCE)
        eventually(lambda: entries() == {0}, "all are back at home", PATIENCE)
        eventually(lambda: set(_processors(lab).values()) == {0}, "with the queues of old", PATIENCE)
        moved = [event for event in lab.call("events")["events"] if event["event"] == "entries-moved"]
        assert {event["by"] for event in moved} == {"balancer"}
        assert "vm1" in {event["vport"] for event in moved}


def test_a_balancer_that_fails_leaves_the_last_placement_working(tmp_path: Path) -> None:
    with running(_lab(), tmp_path, program=("-c", BROKEN)) as lab:
        lab.call("queue.set", queue=2, processor=3)
        eventually(lambda: "balancer-failed" in _events(lab), "the balancer fails")
        with _receiving(lab, 1, 2):
            before = lab.port("vm2")["writes"]
            eventually(lambda: lab.port("vm2")["writes"] > before + 1000, "data flows")
        assert _processors(lab) == {0: 0, 1: 0, 2: 3, 3: 0, 4: 0}
        assert _events(lab).count("balancer-failed") == 1
        assert {move["by"] for move in _moves(lab)} == {"operator"}


def test_a_mode_may_bring_its_placement_along(tmp_path: Path) -> None:
    with running(_lab(mode="off", placement="static"), tmp_path) as lab:
        lab.call("mode.set", mode="dvmq")
        status = lab.call("status")
        assert (status["mode"], status["placement"]) == ("vmq", "dynamic")
        assert set(_processors(lab).values()) == {0}
        lab.call("mode.set", mode="vmq")
        assert lab.call("status")["placement"] == "static"
        assert _processors(lab) == {0: 0, 1: 0, 2: 1, 3: 2, 4: 3}
        lab.call("mode.set", mode="vmmq", placement="dynamic")
        assert set(_processors(lab).values()) == {0}
        with pytest.raises(VmdqemuError, match="placement: 'fast' is not known; use one of static, dynamic"):
            lab.call("mode.set", mode="vmq", placement="fast")


def test_dynamic_placement_needs_the_sorter(tmp_path: Path) -> None:
    text = _lab(placement="static").replace("[adapter]", '[adapter]\nsorter = "software"')
    with running(text, tmp_path) as lab:
        done = vmdqemu("mode", "set", "dvmq", "--lab", lab.config.name)
        assert refused(done, 2).startswith("one ring carries every queue's frames")
