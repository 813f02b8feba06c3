"""Which processors serve queues, as [host.processor_set] selects them, seen by who reads the frames."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.system import numbered
from tests.system.harness import RunningLab, running

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1" }, { name = "vm2" }, { name = "vm3" }, { name = "vm4" }]
[adapter]
mode = "vmq"
[host]
processors = 8
MACHINE
[host.processor_set]
SELECTION
[wire]
"""


@contextmanager
def up(machine: str, selection: str, tmp_path: Path) -> Iterator[RunningLab]:
    with running(LAB.replace("MACHINE", machine).replace("SELECTION", selection), tmp_path) as lab:
        yield lab


def servers(lab: RunningLab) -> list[int]:
    """The processor that reads each VM's frames; one to each arrives in its queue."""
    placed = {row["QueueID"]: row["Processor"] for row in lab.call("queue.list")["queues"]}
    with numbered.link(lab, "ext", "wire0") as outside:
        for vm in ("vm1", "vm2", "vm3", "vm4"):
            outside.send(numbered.frame(lab, vm, 0))
    lab.assert_law()
    rows = {row["QueueID"]: row["rx-packets"] for row in lab.call("queue.list")["queues"]}
    assert [rows[queue] for queue in (1, 2, 3, 4)] == [1] * 4
    serving = {
        queue: row["processor"] for row in lab.call("processor.list")["processors"] for queue in row["queues"]
    }
    assert {queue: f"0:{processor}" for queue, processor in serving.items()} == placed
    return [serving[queue] for queue in (1, 2, 3, 4)]


def test_base_last_and_siblings_are_honoured(tmp_path: Path) -> None:
    """C3, D6: in the order of their numbers, and no sibling of a hyper-thread."""
    with up("threads = 2", "base = 2\nlast = 6", tmp_path) as lab:
        assert servers(lab) == [2, 4, 6, 2]


def test_the_count_and_the_node_are_honoured(tmp_path: Path) -> None:
    """D6."""
    with up("nodes = 2", "base = 5\nnode = 1\nmax_processors = 2", tmp_path) as lab:
        assert servers(lab) == [5, 6, 5, 6]


def test_a_numa_profile_goes_round_the_nodes(tmp_path: Path) -> None:
    """R15."""
    with up("nodes = 2", 'profile = "NUMAStatic"', tmp_path) as lab:
        assert servers(lab) == [0, 4, 1, 5]
