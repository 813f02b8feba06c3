"""VFs in labs of their own kind: fewer than VMs want, beside VMMQ, and after the daemon was killed."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system import iperf
from tests.system.command import Write, up, vmdqemu
from tests.system.frames import BROADCAST, frame, ports
from tests.system.harness import RunningLab, eventually, residue, running
from tests.system.stream import let_flow, streaming
from tests.system.vf_lab import owners
from vmdqemu.daemon import runtime
from vmdqemu.errors import VmdqemuError
from vmdqemu.host.vf_steps import NO_VF_LEFT

pytestmark = pytest.mark.system

MIXED = """
[adapter]
mode = "vmmq"
vfs = 1
[host]
processors = 2
[wire]
address = "10.0.0.254/24"
[[vm]]
name = "vm1"
address = "10.0.0.1/24"
iov = true
[[vm]]
name = "vm2"
address = "10.0.0.2/24"
iov = true
[[vm]]
name = "vm3"
address = "10.0.0.3/24"
queues = 2
"""


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(MIXED, tmp_path_factory.mktemp("mixed")) as lab:
        yield lab


def test_a_vm_without_a_vf_left_is_on_the_synthetic_path_until_there_is_one(mixed: RunningLab) -> None:
    """N11."""
    assert owners(mixed) == ["vm1"]
    event = next(event for event in mixed.call("events")["events"] if event["event"] == "vf-refused")
    assert (event["vm"], event["reason"]) == ("vm2", NO_VF_LEFT)
    (found,) = mixed.call("why", vm="vm2")["findings"]
    assert found == f"it is on the synthetic path: {NO_VF_LEFT}"
    with streaming(mixed, "ext", "vm2") as stream:
        let_flow(stream)
        with pytest.raises(VmdqemuError, match="vm3 stays on the synthetic path: the NIC switch has no VF"):
            mixed.call("vf.add", vm="vm3")
        with pytest.raises(VmdqemuError, match="vm3 has no VF"):
            mixed.call("vf.remove", vm="vm3")
        mixed.call("vf.remove", vm="vm1")
        mixed.call("vf.add", vm="vm2")
        let_flow(stream)
        assert owners(mixed) == ["vm2"]
        mixed.call("vf.remove", vm="vm2")
        mixed.call("vf.add", vm="vm1")
        let_flow(stream)
    stream.assert_whole(disturbances=2)


def test_vfs_and_the_vports_of_vmmq_stream_together(mixed: RunningLab) -> None:
    """V13."""
    before = {row["QueueID"]: row["rx-packets"] for row in mixed.call("queue.list")["queues"]}
    vf = mixed.call("vf.list")["vfs"][0]["received"]["skbs"]
    # Linux gives these connections every other port: eight of them may all hash to one queue, 16 cannot.
    with iperf.sending(mixed, ["ext"], "vm1", "10.0.0.1"):
        done = iperf.iperf3(mixed, "ext", "vm3", "10.0.0.3", "-t", "1", "-P", "16")
    assert done["sum_received"]["bytes"] > 0
    rows = mixed.call("queue.list")["queues"]
    grown = [
        row["QueueID"]
        for row in rows
        if row["VmFriendlyName"] == "vm3" and row["rx-packets"] > before[row["QueueID"]]
    ]
    assert len(grown) == 2, "RSS spreads the VPort without a VF"
    assert mixed.call("vf.list")["vfs"][0]["received"]["skbs"] > vf


def test_vfs_outlive_the_daemon_and_go_with_down(write: Write) -> None:
    before = residue()["namespaces"]
    file = write(MIXED.replace("vfs = 1", "vfs = 2"))
    up(file)
    record = runtime.find(file.lab)
    os.kill(record.pid, signal.SIGKILL)
    eventually(lambda: not runtime.running(file.lab), "the daemon is dead")
    said = vmdqemu("exec", "vm1", "--lab", file.lab, "--", "true")
    assert said.returncode == 3, "nobody answers"
    ping = ("ip", "netns", "exec", f"{file.lab}-vm1", "ping", "-c", "3", "-i", "0.02", "-W", "5", "10.0.0.2")
    assert os.spawnvp(os.P_WAIT, ping[0], ping) == 0, "the VFs are switched all the same"
    assert vmdqemu("down", file.lab).returncode == 0
    assert residue()["namespaces"] == before


def test_frames_flow_while_a_vm_with_a_vf_comes_and_goes(mixed: RunningLab, tmp_path: Path) -> None:
    more = tmp_path / "more.toml"
    more.write_text('[[vm]]\nname = "vm4"\naddress = "10.0.0.4/24"\niov = true\n')
    with streaming(mixed, "ext", "vm1") as stream:
        let_flow(stream)
        assert vmdqemu("vm", "add", more, "--lab", mixed.config.name).returncode == 0
        assert owners(mixed) == ["vm1"]
        mixed.call("vm.remove", vm="vm4")
        let_flow(stream)
    stream.assert_whole(disturbances=0)


def test_a_vepa_sends_everything_out_and_takes_back_what_is_reflected(tmp_path: Path) -> None:
    """Intel 64."""
    vepa = MIXED.replace("vfs = 1", 'vfs = 2\nbridge = "vepa"')
    with running(vepa, tmp_path) as lab, ports(lab) as links:
        inside = frame(lab.mac("vm2"), lab.mac("vm1"))
        assert links.send("vm1", inside) == {"ext": [inside]}
        assert links.send("ext", inside) == {"vm2": [inside]}
        everybody = frame(BROADCAST, lab.mac("vm1"))
        assert links.send("vm1", everybody) == {"ext": [everybody]}


def test_a_chip_has_vfs_as_far_as_it_has_pools(tmp_path: Path) -> None:
    chip = MIXED.replace('mode = "vmmq"\nvfs = 1', 'model = "82576"\nmode = "vmq"')
    with running(chip, tmp_path) as lab:
        assert [vf["vport"] for vf in lab.call("vf.list")["vfs"]] == [7, 6]
        for sender, address in (
            ("vm1", "10.0.0.2"),
            ("vm1", "10.0.0.3"),
            ("vm3", "10.0.0.2"),
            ("ext", "10.0.0.1"),
        ):
            assert "3 received" in lab.run(sender, "ping", "-c", "3", "-i", "0.02", "-W", "5", address)
