"""VFs live: VMs get them and lose them under traffic, and notice nothing but the speed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.system import iperf
from tests.system.harness import RunningLab, eventually, running
from tests.system.stream import let_flow, streaming
from tests.system.vf_lab import ADDRESSES, LAB, as_new, give, ping, vfs
from vmdqemu.errors import UsageError, VmdqemuError

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(LAB, tmp_path_factory.mktemp("vfs")) as lab:
        yield lab


@pytest.fixture
def two(lab: RunningLab) -> RunningLab:
    """vm1 and vm2 have a VF; vm3 has none."""
    return as_new(lab)


@pytest.fixture
def times(full: bool) -> int:
    return 100 if full else 3


def happened(lab: RunningLab, kind: str) -> list[dict[str, Any]]:
    return [event for event in lab.call("events")["events"] if event["event"] == kind]


def books(lab: RunningLab) -> dict[str, tuple[int, int]]:
    """What the workers read and wrote at each port, with nothing of it under way."""
    lab.assert_law()
    return {row["port"]: (row["reads"], row["writes"]) for row in lab.call("stats")["ports"]}


def worked(lab: RunningLab) -> float:
    """CPU seconds of all workers."""
    pids = [worker["pid"] for worker in lab.call("status")["workers"]]
    fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    return sum(int(field[11]) + int(field[12]) for field in fields) / os.sysconf("SC_CLK_TCK")


def connections(lab: RunningLab) -> set[str]:
    """The TCP connections of iperf3 in ext, by their ends."""
    lines = lab.run("ext", "ss", "-tnH", "state", "established", "dport", "=", ":5201").splitlines()
    return {" ".join(line.split()[2:4]) for line in lines}


def it_goes_on(lab: RunningLab) -> None:
    """vm1 receives."""
    had = lab.port("vm1")["total"]["rx_bytes"]
    eventually(lambda: lab.port("vm1")["total"]["rx_bytes"] > had, "it receives")


@pytest.mark.parametrize(
    ("sender", "receiver"), [("ext", "vm1"), ("vm1", "ext"), ("vm3", "vm1"), ("vm1", "vm3"), ("vm2", "vm1")]
)
def test_grants_and_removals_lose_and_double_no_frame(
    lab: RunningLab, sender: str, receiver: str, times: int
) -> None:
    """N12, N17, N18. vm2 has a VF all the time."""
    give(lab, "vm2")
    with streaming(lab, sender, receiver) as stream:
        for _ in range(times):
            let_flow(stream)
            lab.call("vf.add", vm="vm1")
            let_flow(stream)
            lab.call("vf.remove", vm="vm1")
        let_flow(stream)
    stream.assert_whole(disturbances=2 * times)


def test_frames_take_the_synthetic_path_first_and_the_vf_from_then_on(lab: RunningLab) -> None:
    """N17."""
    give(lab)
    ping(lab, "ext", "vm1")
    before = books(lab)["vm1"]
    assert before[0] >= 3
    lab.call("vf.add", vm="vm1")
    ping(lab, "ext", "vm1")
    assert books(lab)["vm1"] == before
    assert vfs(lab)["vm1"]["sent"]["skbs"] >= 3


def test_a_connection_outlives_grants_removals_and_surprises(lab: RunningLab, times: int) -> None:
    """N18."""
    give(lab)
    with iperf.sending(lab, ["ext"], "vm1", ADDRESSES["vm1"]):
        before = eventually(lambda: len(found := connections(lab)) == 2 and found, "iperf3 is connected")
        for number in range(times):
            lab.call("vf.add", vm="vm1")
            it_goes_on(lab)
            lab.call("vf.remove", vm="vm1", surprise=number % 2 == 1)
            it_goes_on(lab)
        assert connections(lab) == before
    gaps = [event["gap_ms"] for event in happened(lab, "vf-removed")]
    assert min(gaps[-times:]) == 0 < max(gaps[-times:]), "a gap comes of a surprise alone"


def test_what_crosses_vfs_leaves_the_host_alone(two: RunningLab) -> None:
    """N16. Only the VFs' counters move; the workers spend no CPU on it."""
    ping(two, "vm1", "vm2")
    before, spent, counted = books(two), worked(two), vfs(two)
    done = iperf.iperf3(two, "vm1", "vm2", ADDRESSES["vm2"], "-t", "1")
    assert books(two) == before
    assert worked(two) - spent < 0.1
    octets = int(done["sum_received"]["bytes"])
    after = vfs(two)
    assert after["vm1"]["sent"]["octets"] - counted["vm1"]["sent"]["octets"] > octets
    assert after["vm2"]["received"]["octets"] - counted["vm2"]["received"]["octets"] > octets
    assert two.port("vm2")["total"]["rx_bytes"] > octets


def test_a_reset_is_noticed_by_no_other_vf(two: RunningLab, times: int) -> None:
    """N15."""
    with streaming(two, "ext", "vm1") as reset, streaming(two, "ext", "vm2") as other:
        for _ in range(times):
            two.call("vf.reset", vm="vm1")
            let_flow(reset)
            let_flow(other)
    other.assert_whole(disturbances=0)
    assert reset.doubled == 0


def test_a_policy_takes_the_vf_until_it_is_gone(two: RunningLab) -> None:
    """N19: what only the vSwitch can enforce."""
    with streaming(two, "ext", "vm1") as stream:
        let_flow(stream)
        two.call("share.set", vm="vm1", rate=5000)
        assert "vm1" not in vfs(two)
        assert "bandwidth policy" in happened(two, "vf-removed")[-1]["reason"]
        with pytest.raises(VmdqemuError, match="vm1 stays on the synthetic path: it has a bandwidth policy"):
            two.call("vf.add", vm="vm1")
        let_flow(stream)
        two.call("share.set", vm="vm1", rate=0)
        assert "vm1" in vfs(two)
        let_flow(stream)
    stream.assert_whole(disturbances=2)


def test_the_synthetic_path_works_under_a_flood_of_vfs(two: RunningLab) -> None:
    flood = iperf.sending(two, ["vm1"], "vm2", ADDRESSES["vm2"])
    with flood, streaming(two, "ext", "vm3", rate=1000) as stream:
        let_flow(stream, 1000)
    stream.assert_whole(disturbances=0)


def test_the_death_of_a_worker_does_not_reach_vfs(two: RunningLab) -> None:
    with streaming(two, "vm1", "vm2") as stream:
        eventually(lambda: two.call("status")["spare"], "a spare is ready")
        os.kill(eventually(lambda: two.worker("nic"), "somebody transmits"), signal.SIGKILL)
        let_flow(stream)
        eventually(lambda: two.call("status")["spare"], "another spare is ready")
        let_flow(stream)
    stream.assert_whole(disturbances=0)


def test_a_vms_queue_comes_and_goes_beside_its_vf(two: RunningLab) -> None:
    """Whoever the default queue serves has a VF all the same, and is reached without it."""
    two.call("vm.set", vm="vm1", vmq_weight=0)
    ping(two, "ext", "vm1")
    two.call("vf.remove", vm="vm1")
    ping(two, "ext", "vm1")
    two.call("vf.add", vm="vm1")
    two.call("vm.set", vm="vm1", vmq_weight=100)
    ping(two, "vm3", "vm1")
    two.call("vf.remove", vm="vm1")
    ping(two, "vm3", "vm1")


def test_every_vm_has_a_vf_in_mode_sriov(lab: RunningLab) -> None:
    give(lab)
    lab.call("mode.set", mode="sriov")
    assert (lab.call("status")["mode"], set(vfs(lab))) == ("vmq", {"vm1", "vm2", "vm3"})
    before = books(lab)["vm3"]
    ping(lab, "vm3", "vm1")
    assert books(lab)["vm3"] == before
    lab.call("mode.set", mode="vmmq")
    assert set(vfs(lab)) == {"vm1", "vm2", "vm3"}
    lab.call("mode.set", mode="vmq")


def test_who_is_not_there_has_no_vf(lab: RunningLab) -> None:
    with pytest.raises(UsageError, match="no VM 'vm9'; choose one of: vm1, vm2, vm3"):
        lab.call("vf.add", vm="vm9")


def test_a_vm_that_goes_gives_its_vf_up(two: RunningLab) -> None:
    two.call("vm.add", tables='[[vm]]\nname = "vm4"\naddress = "10.0.0.4/24"\niov = true\n')
    assert set(vfs(two)) == {"vm1", "vm2", "vm4"}
    assert two.call("vm.list")["vms"][-1]["port"] == 4
    two.call("vm.remove", vm="vm4")
    assert set(vfs(two)) == {"vm1", "vm2"}
