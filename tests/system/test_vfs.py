"""VFs live: VMs get them and lose them under traffic, and notice nothing but the speed."""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.system import iperf
from tests.system.command import vmdqemu
from tests.system.frames import BROADCAST, frame, ports, tag
from tests.system.harness import RunningLab, eventually, running
from tests.system.stream import let_flow, streaming
from vmdqemu.errors import UsageError, VmdqemuError

pytestmark = pytest.mark.system

LAB = """
[adapter]
mode = "vmq"
[host]
processors = 2
[wire]
address = "10.0.0.254/24"
[[vm]]
name = "vm1"
address = "10.0.0.1/24"
[[vm]]
name = "vm2"
address = "10.0.0.2/24"
[[vm]]
name = "vm3"
address = "10.0.0.3/24"
"""
ADDRESSES = {"ext": "10.0.0.254", "vm1": "10.0.0.1", "vm2": "10.0.0.2", "vm3": "10.0.0.3"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(LAB, tmp_path_factory.mktemp("vfs")) as lab:
        yield lab


@pytest.fixture
def two(lab: RunningLab) -> RunningLab:
    """vm1 and vm2 have a VF, on the terms that it starts with; vm3 has none."""
    give(lab, "vm1", "vm2")
    for vm in ("vm1", "vm2"):
        lab.call("vf.set", vm=vm, mac=lab.mac(vm), vlan=0, spoofchk=True, trust=False, rate=0)
    return lab


@pytest.fixture
def times(full: bool) -> int:
    return 100 if full else 3


def vfs(lab: RunningLab) -> dict[str, dict[str, Any]]:
    """The VFs by VM."""
    return {vf["vm"]: vf for vf in lab.call("vf.list")["vfs"]}


def give(lab: RunningLab, *vms: str) -> None:
    """These VMs have a VF, and no other has."""
    had = vfs(lab)
    for vm in had.keys() - set(vms):
        lab.call("vf.remove", vm=vm)
    for vm in sorted(set(vms) - had.keys()):
        lab.call("vf.add", vm=vm)


def happened(lab: RunningLab, kind: str) -> list[dict[str, Any]]:
    return [event for event in lab.call("events")["events"] if event["event"] == kind]


def tagged(octets: bytes, vid: int) -> bytes:
    return octets[:12] + tag(vid) + octets[12:]


def ping(lab: RunningLab, sender: str, receiver: str) -> None:
    said = lab.run(sender, "ping", "-c", "3", "-i", "0.02", "-W", "5", ADDRESSES[receiver])
    assert "3 received" in said


def books(lab: RunningLab) -> dict[str, tuple[int, int]]:
    """What the workers read and wrote at each port."""
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


@pytest.mark.parametrize("sender", ADDRESSES)
def test_everybody_reaches_everybody_with_and_without_a_vf(two: RunningLab, sender: str) -> None:
    for receiver in ADDRESSES.keys() - {sender}:
        ping(two, sender, receiver)


def test_a_broadcast_reaches_everybody_once(two: RunningLab) -> None:
    """N22."""
    with ports(two) as links:
        for sender in ADDRESSES:
            sent = frame(BROADCAST, two.mac(sender))
            received = links.send(sender, sent)
            assert received == {name: [sent] for name in ADDRESSES.keys() - {sender}}


def test_vf_to_vf_stays_inside(two: RunningLab) -> None:
    """N8: also seen from the wire."""
    with ports(two) as links:
        sent = frame(two.mac("vm2"), two.mac("vm1"))
        assert links.send("vm1", sent) == {"vm2": [sent]}


def test_what_is_spoofed_never_arrives(two: RunningLab) -> None:
    """N20, intel 27, 28: another's address, another's VLAN; until the check is off."""
    stolen = frame(two.mac("vm2"), two.mac("vm3"))
    foreign = frame(two.mac("vm2"), two.mac("vm1"), tag(200))
    before = vfs(two)["vm1"]["drops"]
    with ports(two) as links:
        assert links.send("vm1", stolen, foreign) == {}
        drops = vfs(two)["vm1"]["drops"]
        assert drops["anti_spoof_mac"] - before.get("anti_spoof_mac", 0) == 1
        assert drops["anti_spoof_vlan"] - before.get("anti_spoof_vlan", 0) == 1
        two.call("vf.set", vm="vm1", spoofchk=False)
        assert links.send("vm1", stolen) == {"vm2": [stolen]}
        two.call("vf.set", vm="vm1", spoofchk=True)
        assert links.send("vm1", stolen) == {}


def test_a_port_vlan_is_the_vfs_and_stays_when_it_is_taken(two: RunningLab) -> None:
    """N21, intel 29, 63."""
    for vm in ("vm1", "vm2"):
        two.call("vf.set", vm=vm, vlan=10)
    with ports(two) as links:
        inside = frame(two.mac("vm2"), two.mac("vm1"))
        assert links.send("vm1", inside) == {"vm2": [inside]}
        out, back = frame(two.mac("ext"), two.mac("vm1")), frame(two.mac("vm1"), two.mac("ext"))
        assert links.send("vm1", out) == {"ext": [tagged(out, 10)]}
        assert links.send("ext", back, tagged(back, 20)) == {}
        assert links.send("ext", tagged(back, 10)) == {"vm1": [back]}
        assert links.send("vm1", frame(two.mac("vm2"), two.mac("vm1"), tag(10))) == {}, "it sends no tag"
        two.call("vf.remove", vm="vm1")
        assert links.send("vm1", inside) == {"vm2": [inside]}
        two.call("vf.add", vm="vm1")
        assert links.send("vm1", inside) == {"vm2": [inside]}


def test_an_address_is_changed_for_the_vf_and_its_vm(two: RunningLab) -> None:
    new = "02:00:00:00:77:77"
    with pytest.raises(VmdqemuError, match="NDIS_STATUS_INVALID_PARAMETER"):
        two.call("vf.set", vm="vm1", mac=two.mac("vm2"))
    two.call("vf.set", vm="vm1", mac=new)
    assert new in two.run("vm1", "cat", "/sys/class/net/eth0/address")
    two.run("ext", "ip", "neigh", "flush", "all")
    ping(two, "ext", "vm1")


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


def test_a_rate_limit_holds_what_the_vf_sends(two: RunningLab) -> None:
    """Intel 42."""
    two.call("vf.set", vm="vm1", rate=100)
    done = iperf.iperf3(two, "vm1", "vm2", ADDRESSES["vm2"], "-t", "2", "-O", "1")
    assert 0.85 < done["sum_received"]["bits_per_second"] / 94.15e6 < 1.03  # of a 100 Mbit/s wire's TCP
    two.call("vf.set", vm="vm1", rate=0)
    assert vfs(two)["vm1"]["rate"] is None


def test_the_synthetic_path_works_under_a_flood_of_vfs(two: RunningLab) -> None:
    with ExitStack() as stack:
        stack.enter_context(iperf.sending(two, ["vm1"], "vm2", ADDRESSES["vm2"]))
        with streaming(two, "ext", "vm3", rate=1000) as stream:
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


def test_the_back_channel_answers_its_own_vm_alone(two: RunningLab) -> None:
    """N23: ixgbe's messages; a VLAN that a guest asked for reaches it."""
    vf, ack, cts = vfs(two)["vm1"]["vf"], 0x80000000, 0x20000000

    def say(*words: int, caller: str = "vm1") -> dict[str, Any]:
        answer: dict[str, Any] = two.call("vf.mailbox", vf=vf, caller=caller, words=list(words))
        return answer

    assert say(1, caller="vm2") == {"status": "NDIS_STATUS_INVALID_PARAMETER", "words": []}
    assert say(*range(17))["status"] == "NDIS_STATUS_INVALID_LENGTH"
    assert say(1)["words"][0] == 1 | ack
    in_vlan_7 = frame(two.mac("vm1"), two.mac("ext"), tag(7))
    with ports(two) as links:
        assert links.send("ext", in_vlan_7) == {}
        assert say(4 | 1 << 16, 7)["words"] == [4 | 1 << 16 | ack | cts, 7]
        assert links.send("ext", in_vlan_7) == {"vm1": [in_vlan_7]}
        two.call("vf.reset", vm="vm1")
        assert links.send("ext", in_vlan_7) == {}


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


def test_the_command_speaks_as_ip_link_does(two: RunningLab) -> None:
    lab = ("--lab", two.config.name)
    said = vmdqemu("vf", "set", "vm1", "--trust", "on", "--rate", "1000", *lab)
    assert (said.returncode, said.stderr) == (0, "")
    row = next(line.split() for line in said.stdout.splitlines() if "vm1" in line)
    assert row[1:] == ["vm1", two.mac("vm1"), "-", "on", "on", "1000", row[-1]]
    assert vmdqemu("vf", "set", "vm1", "--trust", "off", "--rate", "0", *lab).returncode == 0
    assert vmdqemu("vf", "reset", "vm1", *lab).returncode == 0
    assert vmdqemu("vf", "del", "vm1", *lab).returncode == 0
    gone = vmdqemu("vf", "del", "vm1", *lab)
    assert (gone.returncode, gone.stderr) == (2, "vm1 has no VF; give it one: vmdqemu vf add vm1\n")
    assert "VF 1 of vm2" in vmdqemu("status", *lab).stdout
    assert "vm2" in vmdqemu("stats", *lab).stdout


def test_who_is_not_there_has_no_vf(lab: RunningLab) -> None:
    with pytest.raises(UsageError, match="no VM 'vm9'; choose one of: vm1, vm2, vm3"):
        lab.call("vf.add", vm="vm9")


def test_a_vm_that_goes_gives_its_vf_up(two: RunningLab) -> None:
    two.call("vm.add", tables='[[vm]]\nname = "vm4"\naddress = "10.0.0.4/24"\niov = true\n')
    assert set(vfs(two)) == {"vm1", "vm2", "vm4"}
    assert two.call("vm.list")["vms"][-1]["port"] == 4
    two.call("vm.remove", vm="vm4")
    assert set(vfs(two)) == {"vm1", "vm2"}
