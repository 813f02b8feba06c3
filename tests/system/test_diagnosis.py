"""Who has a queue of its own, and why not (row D9), with frames for those who have none."""

from pathlib import Path
from typing import Final

import pytest

from tests.system.command import refused, vmdqemu
from tests.system.harness import RunningLab, running
from vmdqemu.errors import UsageError

pytestmark = pytest.mark.system

LAB: Final = """
[adapter]
mode = "vmq"
rx_queues = 3
local_switch = true
[host]
processors = 2
[wire]
address = "10.0.0.254/24"
""" + "".join(
    f'[[vm]]\nname = "vm{number}"\naddress = "10.0.0.{number}/24"\nvmq_weight = {weight}\n'
    for number, weight in ((1, 0), (2, 100), (3, 1), (4, 100))
)


def _owners(lab: RunningLab) -> dict[str, int]:
    """Which VM has which queue."""
    rows = lab.call("queue.list")["queues"]
    return {row["VmFriendlyName"]: row["QueueID"] for row in rows if row["QueueID"]}


def _look_ups(lab: RunningLab, vm: str) -> int:
    """Of frames from the wire, while a VM is pinged."""
    before = int(lab.port("wire")["lookups"])
    lab.run("ext", "ping", "-c", "4", "-i", "0.05", f"10.0.0.{vm.removeprefix('vm')}")
    lab.assert_law()  # ping does not wait for a late answer, nor does it know what is still looked up
    return int(lab.port("wire")["lookups"]) - before


def _why(lab: RunningLab, vm: str) -> str:
    return vmdqemu("why", vm, "--lab", lab.config.name).stdout


def test_first_come_first_served_and_a_freed_queue_goes_to_a_vm_that_waits(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        assert _owners(lab) == {"vm2": 1, "vm3": 2}
        for vm in ("vm1", "vm4"):
            assert _look_ups(lab, vm) >= 4
        assert _look_ups(lab, "vm2") < 4
        lab.run("vm1", "ping", "-c", "2", "-i", "0.05", "10.0.0.4")  # neither has a queue
        lab.run("vm2", "ping", "-c", "2", "-i", "0.05", "10.0.0.4")
        assert "its VmqWeight is 0; set it to 1 or more" in _why(lab, "vm1")
        assert "the adapter has no free queue; free one" in _why(lab, "vm4")
        assert _why(lab, "vm2") == "nothing is in vm2's way\n"
        lab.call("vm.remove", vm="vm2")
        assert _owners(lab) == {"vm4": 1, "vm3": 2}
        assert _look_ups(lab, "vm4") < 4
        lab.call("vm.set", vm="vm3", vmq_weight=0)
        lab.call("vm.set", vm="vm1", vmq_weight=50)
        assert _owners(lab) == {"vm1": 2, "vm4": 1}
        assert _look_ups(lab, "vm3") >= 4


def test_every_vm_is_asked_for_again_where_the_mode_changes(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        lab.call("mode.set", mode="off")
        assert "mode off sorts nothing by address; vmdqemu mode set vmq" in _why(lab, "vm3")
        lab.call("mode.set", mode="vmmq")  # the default VPort has two of the three queues
        assert _owners(lab) == {"": 1, "vm2": 2}
        lab.run("ext", "ping", "-c", "2", "-i", "0.05", "10.0.0.4")
        lab.call("mode.set", mode="vmq")
        assert _owners(lab) == {"vm2": 1, "vm3": 2}


def test_a_weight_that_cannot_be_is_refused(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        done = vmdqemu("vm", "set", "vm1", "--vmq-weight", "101", "--lab", lab.config.name)
        assert refused(done, UsageError.exit_code).startswith("vmq_weight: 101 cannot be; use 0 to 100")
        done = vmdqemu("why", "vm9", "--lab", lab.config.name)
        assert refused(done, UsageError.exit_code).startswith("no VM 'vm9'; choose one of: vm1, vm2")


def test_the_host_uses_no_vmq_while_an_override_says_so(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        before = _owners(lab)
        vmdqemu("host", "set", "--ten-gig-vmq", "2", "--lab", lab.config.name)
        assert _owners(lab) == {}
        assert _look_ups(lab, "vm2") >= 4
        assert "TenGigVmqEnabled or BelowTenGigVmqEnabled to 1 (vmdqemu host set)" in _why(lab, "vm2")
        vmdqemu("host", "set", "--ten-gig-vmq", "0", "--lab", lab.config.name)
        assert _owners(lab) == before
        assert _look_ups(lab, "vm2") < 4
        done = vmdqemu("host", "set", "--ten-gig-vmq", "3", "--lab", lab.config.name)
        assert refused(done, UsageError.exit_code).startswith("ten_gig_vmq: 3 cannot be; use 0 (default)")
        done = vmdqemu("host", "set", "--lab", lab.config.name)
        assert refused(done, UsageError.exit_code).startswith("nothing to set; give ten_gig_vmq or")
