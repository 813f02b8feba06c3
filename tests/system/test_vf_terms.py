"""What VFs may send and what reaches them, live: by the switch's rules and the terms that the PF has set."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.system import iperf
from tests.system.command import vmdqemu
from tests.system.frames import BROADCAST, frame, ports, tag
from tests.system.harness import RunningLab, running
from tests.system.rates import assert_limit, of_vf
from tests.system.vf_lab import ADDRESSES, LAB, as_new, ping, vfs
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningLab]:
    with running(LAB, tmp_path_factory.mktemp("vfs")) as lab:
        yield lab


@pytest.fixture
def two(lab: RunningLab) -> RunningLab:
    """vm1 and vm2 have a VF; vm3 has none."""
    return as_new(lab)


def tagged(octets: bytes, vid: int) -> bytes:
    return octets[:12] + tag(vid) + octets[12:]


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


def test_a_vf_has_its_number_its_routing_id_and_one_vport(two: RunningLab) -> None:
    """N4, N7, N13, N14: and what it carries stays, whoever asks to take a part of it away."""
    rows = two.call("OID_NIC_SWITCH_ENUM_VFS")["answer"]
    assert {row["VFId"] for row in rows} == {0, 1}
    assert len({row["RequestorId"] for row in rows}) == 2
    found = two.call("OID_NIC_SWITCH_ENUM_VPORTS")["answer"]
    on_vfs = {row["FunctionId"]: row for row in found if row["FunctionId"] != "PF"}
    assert {(vf, row["VPortState"]) for vf, row in on_vfs.items()} == {(0, "Activated"), (1, "Activated")}
    for oid, what in (
        ("CREATE_VPORT", {"name": "vm1", "vf": 0}),
        ("DELETE_VPORT", {"vport": on_vfs[0]["VPortId"]}),
        ("DELETE_VPORT", {"vport": on_vfs[0]["VPortId"], "caller": "somebody"}),
        ("FREE_VF", {"vf": 0}),
        ("FREE_VF", {"vf": 9}),
    ):
        assert two.call(f"OID_NIC_SWITCH_{oid}", **what)["status"] == "NDIS_STATUS_INVALID_PARAMETER"
    assert two.call("OID_SRIOV_RESET_VF", vf=9)["status"] == "NDIS_STATUS_FAILURE"
    ping(two, "ext", "vm1")


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


def test_a_rate_limit_holds_what_the_vf_sends(two: RunningLab) -> None:
    """Intel 42."""
    two.call("vf.set", vm="vm1", rate=100)
    with iperf.sending(two, ["vm1"], "vm2", ADDRESSES["vm2"]):
        assert_limit(of_vf(two, "vm1"), 100e6, least=0.85, most=1.05)
    two.call("vf.set", vm="vm1", rate=0)
    assert vfs(two)["vm1"]["rate"] is None


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
