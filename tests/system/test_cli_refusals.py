"""What the command refuses: one line with the cure, the right exit code, nothing left behind."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from netns import namespace
from tests.system.command import READINGS, TWO_VMS, WIRE, Write, refused, vmdqemu

pytestmark = pytest.mark.system


def test_down_of_a_lab_that_is_not_there_says_so() -> None:
    assert refused(vmdqemu("down", "no-such-lab"), 3)


@pytest.mark.parametrize("reading", READINGS, ids=" ".join)
def test_reading_a_lab_that_is_not_running_says_how_to_start_it(reading: tuple[str, ...]) -> None:
    assert "vmdqemu up" in refused(vmdqemu(*reading, "-j", "--lab", "no-such-lab"), 3)


def vm(line: str) -> str:
    return f'[[vm]]\nname = "vm1"\n{line}\n'


BAD_LABS: Final = {
    "unknown key": (vm("colour = 1"), "vm[0].colour: unknown key"),
    "unknown table": (vm("") + "[paint]\n", "paint: unknown key"),
    "multicast MAC": (vm('mac = "01:00:5e:00:00:01"'), "vm[0].mac: "),
    "VLAN 0": (vm("vlan = 0"), "vm[0].vlan: 0 is too small"),
    "VLAN 4095": (vm("vlan = 4095"), "vm[0].vlan: 4095 is too large"),
    "VLAN x": (vm('vlan = "x"'), 'vm[0].vlan: "x" is not a whole number'),
    "17 characters": ('vm = [{ name = "abcdefghijklmnopq" }]', "vm[0].name: "),
    "no queue": (vm("queues = 0"), "vm[0].queues: 0 is too small"),
    "300 queues": (vm("queues = 300"), "vm[0].queues: 300 is too large"),
    "duplicate MAC and VLAN": (
        'vm = [{ name = "vm1", mac = "02:00:00:00:00:01", vlan = 7 },'
        ' { name = "vm2", mac = "02:00:00:00:00:01", vlan = 7 }]',
        "vm[1].mac: 02:00:00:00:00:01 is already vm[0]'s in VLAN 7",
    ),
    "no VM": ("", "vm: missing"),
    "not TOML": ("vm = [", "not TOML: "),
}


@pytest.mark.parametrize(("text", "problem"), BAD_LABS.values(), ids=BAD_LABS.keys())
def test_a_bad_lab_file_is_one_line_with_the_file_and_the_place(
    text: str, problem: str, write: Write
) -> None:
    file = write(text)
    error = refused(vmdqemu("validate", file.path), 4)
    assert error.startswith(f"{file.path}: {problem}")


def test_up_with_a_bad_lab_file_says_the_same_and_leaves_nothing(write: Write) -> None:
    text, problem = BAD_LABS["unknown key"]
    file = write(text)
    assert refused(vmdqemu("up", file.path), 4).startswith(f"{file.path}: {problem}")
    assert file.left == set()


def test_every_problem_of_a_lab_file_has_its_line(write: Write) -> None:
    file = write(vm("vlan = 0\nqueues = 300\ncolour = 1"))
    error = refused(vmdqemu("validate", file.path), 4, lines=3)
    assert all(line.startswith(f"{file.path}: vm[0].") for line in error.splitlines())


def test_a_right_lab_file_is_ok(write: Write) -> None:
    file = write(TWO_VMS)
    done = vmdqemu("validate", file.path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{file.path}: ok\n", "")


# A user namespace makes root a nobody who can still read this checkout, wherever it is.
NOBODY: Final = ("unshare", "--user", "--")


@pytest.mark.parametrize("detach", [(), ("--detach",)], ids=["foreground", "detached"])
@pytest.mark.parametrize(
    ("through", "cure"),
    [
        (NOBODY, "run as root, or with sudo"),
        (("setpriv", "--bounding-set", "-all", "--inh-caps", "-all", "--"), "--privileged"),
    ],
    ids=["no root", "root without capabilities"],
)
def test_without_privileges_up_names_the_cure(
    through: tuple[str, ...], cure: str, detach: tuple[str, ...], write: Write
) -> None:
    file = write(TWO_VMS)
    assert cure in refused(vmdqemu("up", file.path, *detach, through=through), 5)
    assert file.left == set()


def test_without_privileges_down_names_the_cure() -> None:
    assert "run as root" in refused(vmdqemu("down", "--all", through=NOBODY), 5)


# In a mount namespace of its own, the directory of the device is empty.
HIDE: Final = 'mount -t tmpfs none /dev/net && exec "$@"'
WITHOUT_TUN: Final = ("unshare", "--mount", "--", "sh", "-c", HIDE, "sh")


@pytest.mark.parametrize("detach", [(), ("--detach",)], ids=["foreground", "detached"])
def test_without_the_tun_device_up_names_the_cure(detach: tuple[str, ...], write: Write) -> None:
    file = write(TWO_VMS + WIRE)
    assert "modprobe tun" in refused(vmdqemu("up", file.path, *detach, through=WITHOUT_TUN), 5)
    assert file.left == set()


def findings(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """What doctor says of each thing it looked for."""
    document = json.loads(done.stdout)
    assert (document["schema_version"], done.stderr) == (1, "")
    assert document["ready"] == (done.returncode == 0)
    return {entry["check"]: entry for entry in document["checks"]}


def test_doctor_finds_this_machine_fit_and_leaves_nothing() -> None:
    done = vmdqemu("doctor", "-j")
    assert done.returncode == 0, done.stdout
    found = findings(done)
    for check in ("privileges", "/dev/net/tun", "namespaces", "TAP", "eBPF", "seccomp", "memfd", "iperf3"):
        assert found[check]["state"] == "ok"
    assert not list(Path(namespace.RUN_DIR).glob("vmdqemu-doctor-*"))


@pytest.mark.parametrize(
    ("through", "missing"),
    [
        (NOBODY, {"privileges", "namespaces", "TAP", "eBPF"}),
        (WITHOUT_TUN, {"/dev/net/tun", "TAP", "eBPF"}),
        (("env", "PATH=/nowhere"), {"ip", "iperf3", "ping", "namespaces", "TAP", "eBPF"}),
    ],
    ids=["no root", "no tun device", "no tools"],
)
def test_doctor_names_what_is_missing_each_with_its_cure(through: tuple[str, ...], missing: set[str]) -> None:
    done = vmdqemu("doctor", "-j", through=through)
    assert done.returncode == 5
    found = findings(done)
    assert {name for name, entry in found.items() if entry["state"] == "missing"} == missing
    assert all(entry["cure"] for entry in found.values() if entry["state"] != "ok")
    assert not list(Path(namespace.RUN_DIR).glob("vmdqemu-doctor-*"))
