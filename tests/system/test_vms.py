"""VMs that come and go on a running lab: whole or not at all, and with exact books."""

import os
import signal
from pathlib import Path

import pytest

from netns import namespace
from tests.system.command import Write, refused, up, vmdqemu
from tests.system.harness import RunningLab, eventually, residue, running, shared
from tests.system.lab_texts import two_vms
from vmdqemu.daemon import runtime
from vmdqemu.errors import LabFileError, UsageError, VmdqemuError

pytestmark = pytest.mark.system

LAB = two_vms()
VM3 = '[[vm]]\nname = "vm3"\naddress = "10.0.0.3/24"\nqueues = 2\n'


lab = shared(LAB)


def ping(lab: RunningLab, name: str, address: str) -> None:
    """Three answers out of three."""
    said = lab.run(name, "ping", "-c", "3", "-i", "0.05", "-W", "5", address)
    assert "3 received" in said


def test_a_vm_that_is_added_is_like_the_others(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        added = lab.call("vm.add", tables=VM3)["vms"]
        assert [(vm["name"], vm["port"], vm["queues"]) for vm in added] == [
            ("vm1", 1, 1),
            ("vm2", 2, 1),
            ("vm3", 3, 2),
        ]
        ping(lab, "ext", "10.0.0.3")
        ping(lab, "vm3", "10.0.0.1")
        ping(lab, "vm2", "10.0.0.3")
        lab.assert_law()
        queue = lab.call("queue.list")["queues"][3]
        assert (queue["QueueID"], queue["VmFriendlyName"], queue["arrivals"]) == (
            3,
            "vm3",
            queue["rx-packets"],
        )
        assert queue["arrivals"] >= 3
        assert set(runtime.find(lab.config.name).namespaces) == {
            lab.ns(name) for name in ("nic", "ext", "vm1", "vm2", "vm3")
        }


def test_a_vm_that_is_removed_leaves_its_number_and_its_queue_to_the_next(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        ping(lab, "ext", "10.0.0.1")
        ping(lab, "vm1", "10.0.0.2")
        lab.start("vm1", "sleep", "60")
        lab.call("vm.remove", vm="vm1")
        assert not namespace.exists(lab.ns("vm1"))
        lab.assert_law()
        lab.call("vm.add", tables=VM3)
        vports = lab.call("vport.list")["vports"]
        assert {vport["name"]: (vport["vport"], vport["queues"]) for vport in vports} == {
            "default": (0, [0]),
            "vm2": (2, [2]),
            "vm3": (1, [1]),
        }
        assert lab.port("vm3")["reads"] == 0, "its books begin at zero"
        ping(lab, "ext", "10.0.0.3")
        ping(lab, "vm2", "10.0.0.3")


@pytest.mark.parametrize(
    ("tables", "problems"),
    [
        ('[[vm]]\nname = "vm2"\n', ['vm[0].name: "vm2" is already vm2\'s; use another name']),
        (
            '[[vm]]\nname = "vm3"\naddress = "10.0.0.254/24"\n',
            ["vm[0].address: 10.0.0.254 is already wire's; use another address"],
        ),
        ("[host]\n", ["host: unknown key; known keys: vm"]),
    ],
)
def test_tables_that_do_not_fit_the_lab_are_refused(
    tables: str, problems: list[str], lab: RunningLab
) -> None:
    before = lab.call("vport.list")
    with pytest.raises(LabFileError) as caught:
        lab.call("vm.add", tables=tables)
    assert list(caught.value.problems[: len(problems)]) == problems
    assert lab.call("vport.list") == before


def test_what_cannot_be_built_is_undone(lab: RunningLab) -> None:
    """The second VM's IPv6 address is refused by the kernel; the first one was built already."""
    before, record = lab.call("vport.list"), runtime.find(lab.config.name)
    foreign = lab.ns("vm4")
    namespace.create(foreign)
    try:
        with pytest.raises(VmdqemuError, match="exists and is not ours"):
            lab.call("vm.add", tables=VM3 + '[[vm]]\nname = "vm4"\n')
        assert namespace.exists(foreign)
    finally:
        namespace.remove(foreign)
    assert not namespace.exists(lab.ns("vm3"))
    assert (lab.call("vport.list"), runtime.find(lab.config.name)) == (before, record)
    lab.call("vm.add", tables=VM3)
    ping(lab, "ext", "10.0.0.3")
    lab.call("vm.remove", vm="vm3")


def test_the_last_vm_and_one_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        with pytest.raises(UsageError, match="no VM 'vm9'; choose one of: vm1, vm2"):
            lab.call("vm.remove", vm="vm9")
        lab.call("vm.remove", vm="vm1")
        with pytest.raises(UsageError, match="the last VM; stop the lab: vmdqemu down"):
            lab.call("vm.remove", vm="vm2")
        ping(lab, "ext", "10.0.0.2")


@pytest.mark.parametrize("role", ["nic", "cpu1"])
def test_a_worker_that_is_replaced_knows_who_came_and_who_went(role: str, tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        lab.call("vm.add", tables=VM3)
        lab.call("vm.remove", vm="vm1")
        eventually(lambda: lab.call("status")["spare"], "a spare is ready")
        os.kill(eventually(lambda: lab.worker(role), f"somebody serves {role}"), signal.SIGKILL)
        ping(lab, "ext", "10.0.0.3")
        ping(lab, "vm3", "10.0.0.2")
        lab.call("vm.remove", vm="vm3")
        assert not namespace.exists(lab.ns("vm3"))
        assert lab.call("status")["crashes"] == 1


def test_a_lab_that_was_killed_is_cleaned_up_with_the_vms_that_were_added(write: Write) -> None:
    before = residue()["namespaces"]
    file = write(LAB)
    up(file)
    more = file.path.with_name("more.toml")
    more.write_text(VM3)
    said = vmdqemu("vm", "add", more, "--lab", file.lab)
    assert (said.returncode, said.stderr) == (0, "")
    assert "vm3" in said.stdout
    record = runtime.find(file.lab)
    os.kill(record.pid, signal.SIGKILL)
    eventually(lambda: not runtime.running(file.lab), "the daemon is dead")
    assert vmdqemu("down", file.lab).returncode == 0
    assert residue()["namespaces"] == before


def test_a_file_that_does_not_fit_is_an_invalid_lab_file(write: Write) -> None:
    file = write(LAB)
    up(file)
    more = file.path.with_name("more.toml")
    more.write_text('[[vm]]\nname = "vm1"\n')
    said = refused(vmdqemu("vm", "add", more, "--lab", file.lab), 4)
    assert said == f'{more}: vm[0].name: "vm1" is already vm1\'s; use another name\n'
    refused(vmdqemu("vm", "remove", "vm9", "--lab", file.lab), 2)
    assert vmdqemu("vm", "remove", "vm1", "--lab", file.lab).returncode == 0
