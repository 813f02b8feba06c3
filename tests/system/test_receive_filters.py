"""Filters of a running lab: whose frames an address is can be changed, and every frame has one owner."""

from pathlib import Path

import pytest

from tests.system import numbered
from tests.system.command import Write, refused, up, vmdqemu
from tests.system.harness import RunningLab, running, shared
from vmdqemu.errors import UsageError, VmdqemuError

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1", mac = "02:00:00:00:00:01" }, { name = "vm2", mac = "02:00:00:00:00:02" }]
[adapter]
mode = "vmq"
[host]
processors = 2
[wire]
address = "10.0.0.254/24"
"""
EXTRA = "02:00:00:00:00:aa"

lab = shared(LAB)


def test_a_frame_is_its_owners_at_the_time_and_none_is_lost(tmp_path: Path) -> None:
    turns, burst = 20, 20
    with (
        running(LAB, tmp_path) as lab,
        numbered.on_one_cpu(),
        numbered.link(lab, "ext", "wire0") as outside,
        numbered.link(lab, "vm1", "eth0") as vm1,
        numbered.link(lab, "vm2", "eth0") as vm2,
    ):
        sent: list[list[int]] = [[], []]
        for turn in range(turns):
            for number in range(turn * burst, (turn + 1) * burst):
                outside.send(numbered.frame(lab, "vm1", number))
                sent[turn % 2].append(number)
            owner = ("vm2", "vm1")[turn % 2]
            moved = lab.call("filter.move", filter=1, vm=owner)["filters"][0]
            assert (moved["filter"], moved["name"], moved["mac"]) == (1, owner, "02:00:00:00:00:01")
        for link, numbers in ((vm1, sent[0]), (vm2, sent[1])):
            received: list[int] = []
            numbered.receive(link, received, len(numbers))
            assert received == numbers
        assert lab.port("wire")["drops"] == {}


def test_a_second_address_is_the_vms_until_it_is_removed(lab: RunningLab) -> None:
    with (
        numbered.link(lab, "ext", "wire0") as outside,
        numbered.link(lab, "vm2", "eth0") as vm2,
    ):
        frame = bytes.fromhex(EXTRA.replace(":", "")) + numbered.frame(lab, "vm1", 7)[6:]
        added = lab.call("filter.set", vm="vm2", mac=EXTRA)["filters"]
        assert added[2] == {"filter": 3, "vport": 2, "name": "vm2", "mac": EXTRA, "vlan": None}
        outside.send(frame)
        received: list[int] = []
        numbered.receive(vm2, received, 1)
        assert received == [7]
        assert len(lab.call("filter.clear", filter=3)["filters"]) == 2
        outside.send(frame)
        lab.assert_law()
        assert lab.port("wire")["drops"] == {"port_list_is_empty": 1}
        assert numbered.read(vm2) == []


def test_a_vm_without_a_filter_has_no_traffic_and_no_address(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        lab.call("filter.clear", filter=1)
        vports = lab.call("vport.list")["vports"]
        assert vports[1]["filters"] == []
        assert lab.call("queue.list")["queues"][1]["MacAddress"] == ""
        lab.call("vm.remove", vm="vm1")


@pytest.mark.parametrize(
    ("method", "params", "kind", "cure"),
    [
        (
            "filter.set",
            {"vm": "vm1", "mac": "1:2"},
            UsageError,
            "'1:2' is not a MAC address",
        ),
        ("filter.set", {"vm": "vm9", "mac": EXTRA}, UsageError, "no VM 'vm9'; choose one of: vm1, vm2"),
        ("filter.set", {"vm": "vm2", "mac": "02:00:00:00:00:01"}, VmdqemuError, "INVALID_PARAMETER"),
        ("filter.set", {"vm": "vm2", "mac": EXTRA, "vlan": 4095}, VmdqemuError, "INVALID_PARAMETER"),
        ("filter.move", {"filter": 1, "vm": "vm9"}, UsageError, "no VM 'vm9'"),
        (
            "filter.move",
            {"filter": 9, "vm": "vm1"},
            UsageError,
            "no filter 9; vmdqemu filter list",
        ),
        ("filter.clear", {"filter": 9}, UsageError, "no filter 9"),
    ],
)
def test_a_wrong_filter_is_refused_and_changes_nothing(
    method: str, params: dict[str, object], kind: type[Exception], cure: str, lab: RunningLab
) -> None:
    before = lab.call("filter.list")
    with pytest.raises(kind, match=cure):
        lab.call(method, **params)
    assert lab.call("filter.list") == before


def test_the_command_line_does_the_same(write: Write) -> None:
    file = write(LAB)
    up(file)
    lab = ("--lab", file.lab)
    assert "02:00:00:00:00:01" in vmdqemu("filter", "list", *lab).stdout
    assert EXTRA in vmdqemu("filter", "add", "vm1", EXTRA, "--vlan", "5", *lab).stdout
    assert "vm2" in vmdqemu("filter", "move", "3", "vm2", *lab).stdout
    assert EXTRA not in vmdqemu("filter", "del", "3", *lab).stdout
    refused(vmdqemu("filter", "del", "3", *lab), 2)
