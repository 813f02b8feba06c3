"""A lab's life by the command: up, read, exec, down; and whatever happens, nothing is left behind."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from netns import namespace
from tests.system.command import (
    COMMAND,
    READINGS,
    TWO_VMS,
    WIRE,
    LabFile,
    Write,
    refused,
    up,
    vmdqemu,
    writing,
)
from tests.system.harness import eventually
from vmdqemu.daemon import runtime

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabFile]:
    """One that is up; it is only looked at."""
    with writing(tmp_path_factory.mktemp("looked-at")) as write:
        file = write(TWO_VMS + WIRE + '[adapter]\nmode = "vmq"\n')
        up(file)
        yield file


@pytest.mark.parametrize("reading", READINGS, ids=" ".join)
def test_every_reading_has_a_table_and_one_json_document(reading: tuple[str, ...], file: LabFile) -> None:
    shown = vmdqemu(*reading, "--lab", file.lab)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert "vm1" in shown.stdout
    done = vmdqemu(*reading, "-j", "--lab", file.lab)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["schema_version"] == 1


def test_up_says_a_ping_that_works_and_down_leaves_nothing(write: Write) -> None:
    file = write(TWO_VMS + WIRE)
    done = vmdqemu("up", file.path, "--detach")
    ping = next(line for line in done.stdout.splitlines() if line.startswith("try:")).split()[1:]
    assert subprocess.run(ping, capture_output=True, timeout=30, check=False).returncode == 0
    assert vmdqemu("down", file.lab).returncode == 0
    assert file.left == set()


def test_exec_passes_input_output_and_exit_code(file: LabFile) -> None:
    done = vmdqemu("exec", "vm2", "--lab", file.lab, "--", "sh", "-c", "ip -br addr show eth0; exit 7")
    assert done.returncode == 7
    assert "10.0.0.2/24" in done.stdout
    assert vmdqemu("exec", "--lab", file.lab, "ext", "true").returncode == 0


def test_exec_in_an_unknown_vm_names_those_that_exist(file: LabFile) -> None:
    error = refused(vmdqemu("exec", "vm9", "--lab", file.lab, "--", "true"), 2)
    assert error == f"lab {file.lab} has no machine vm9; choose one of: vm1, vm2, ext\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_lab_in_the_foreground_ends_by_a_signal_and_leaves_nothing(
    number: signal.Signals, write: Write
) -> None:
    file = write(TWO_VMS + WIRE)
    command = [*COMMAND, "up", str(file.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"lab {file.lab} is up")
        while (line := process.stdout.readline()) != "stop: Ctrl-C\n":
            assert line, "it ended by itself"
        process.send_signal(number)
        _, error = process.communicate(timeout=30)
    assert (process.returncode, error) == (0, "")
    assert file.left == set()


def test_a_lab_under_nohup_outlives_its_terminal_and_ends_by_down(write: Write) -> None:
    file = write(TWO_VMS)
    command = ["nohup", *COMMAND, "up", str(file.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        assert vmdqemu("status", "--lab", file.lab).returncode == 0
        assert vmdqemu("down", file.lab).returncode == 0
        assert process.wait(30) == 0
    assert file.left == set()


@pytest.mark.parametrize("made", ["{lab}.json", "{lab}-nic", "{lab}-vm2", "{lab}.sock"])
def test_a_signal_while_the_lab_is_built_leaves_nothing(made: str, write: Write) -> None:
    file = write(TWO_VMS + WIRE)
    name = made.format(lab=file.lab)
    with subprocess.Popen([*COMMAND, "up", str(file.path)], stderr=subprocess.PIPE, text=True) as process:
        eventually(lambda: name in {Path(path).name for path in file.left}, f"{name} is made")
        process.terminate()
        _, error = process.communicate(timeout=30)
    assert process.returncode in (0, 130)  # 0: it was just ready
    assert error == ""
    assert file.left == set()


def test_the_same_lab_twice_is_refused_and_the_first_lives_on(file: LabFile) -> None:
    for again in (("up", file.path), ("up", file.path, "--detach")):
        error = refused(vmdqemu(*again), 1)
        assert f"lab {file.lab} is already running (pid " in error
        assert f"vmdqemu down {file.lab}" in error
    assert vmdqemu("status", "--lab", file.lab).returncode == 0


def test_two_labs_run_side_by_side(write: Write) -> None:
    first, second = write(TWO_VMS + WIRE), write(TWO_VMS + WIRE)
    up(first)
    up(second)
    ping = ("ping", "-c", "1", "-W", "10", "10.0.0.2")
    for file in (first, second):
        assert vmdqemu("exec", "vm1", "--lab", file.lab, "--", *ping).returncode == 0
    error = refused(vmdqemu("status"), 2)
    assert first.lab in error
    assert "--lab" in error
    assert vmdqemu("down", first.lab).returncode == 0
    assert first.left == set()
    assert vmdqemu("exec", "vm1", "--lab", second.lab, "--", *ping).returncode == 0


@pytest.mark.parametrize("detach", [(), ("--detach",)], ids=["foreground", "detached"])
def test_a_namespace_that_is_not_ours_is_left_alone(detach: tuple[str, ...], write: Write) -> None:
    file = write(TWO_VMS)
    strangers = f"{file.lab}-vm2"
    namespace.create(strangers)
    try:
        error = refused(vmdqemu("up", file.path, *detach), 1)
        assert error.startswith(f"namespace {strangers} exists and is not ours; ")
        assert file.left == {f"{namespace.RUN_DIR}/{strangers}"}
    finally:
        namespace.remove(strangers)


def test_down_after_everything_was_killed_leaves_nothing(write: Write) -> None:
    file = write(TWO_VMS + WIRE)
    up(file)
    guest = namespace.start(f"{file.lab}-vm1", ["tail", "-f", "/dev/null"])
    programs = _programs(file)
    assert programs
    pids = _kill_everything(file)
    assert "clean up: vmdqemu down" in refused(vmdqemu("up", file.path), 1)
    assert refused(vmdqemu("status", "--lab", file.lab), 3)
    assert file.lab in json.loads(vmdqemu("doctor", "-j").stdout)["checks"][-1]["found"]

    done = vmdqemu("down", file.lab)
    assert (done.returncode, done.stdout) == (0, f"lab {file.lab} is down\n")
    assert file.left == set()
    assert guest.wait(10) != 0
    eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "every process ended")
    eventually(lambda: not programs & _loaded(), "every program unloaded")
    up(file)


def _kill_everything(file: LabFile) -> list[int]:
    """Kill -9 the daemon and its workers, the spare too."""
    daemon = runtime.find(file.lab).pid
    children = Path(f"/proc/{daemon}/task/{daemon}/children").read_text().split()
    pids = [daemon, *map(int, children)]
    assert len(pids) == 4
    for pid in pids:
        with suppress(ProcessLookupError):  # a worker ends when its supervisor is gone
            os.kill(pid, signal.SIGKILL)
    eventually(lambda: not runtime.running(file.lab), "the daemon ended")
    return pids


def _programs(file: LabFile) -> set[int]:
    """The lab's eBPF programs: its daemon has a descriptor of each."""
    found = set()
    for descriptor in Path(f"/proc/{runtime.find(file.lab).pid}/fdinfo").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            lines = descriptor.read_text().splitlines()
            found |= {int(line.split()[1]) for line in lines if line.startswith("prog_id:")}
    return found


def _loaded() -> set[int]:
    shown = subprocess.run(["bpftool", "-j", "prog", "list"], capture_output=True, timeout=30, check=True)
    return {program["id"] for program in json.loads(shown.stdout)}


def test_a_running_lab_changes_its_mode_and_its_processors(write: Write) -> None:
    file = write(TWO_VMS + WIRE + "[host]\nprocessors = 2\n")
    up(file)
    done = vmdqemu("mode", "set", "vmq", "--lab", file.lab)
    assert done.returncode == 0
    whose, _, _ = done.stdout.partition("\n\n")
    assert [line.split()[4] for line in whose.splitlines()] == ["VmFriendlyName", "-", "vm1", "vm2"]
    moved = vmdqemu("queue", "set", "1", "--processor", "1", "--lab", file.lab, "-j")
    assert json.loads(moved.stdout)["queues"][1]["Processor"] == "0:1"
    assert json.loads(vmdqemu("status", "--lab", file.lab, "-j").stdout)["mode"] == "vmq"
    refused(vmdqemu("queue", "set", "1", "--processor", "7", "--lab", file.lab), 2)
    assert vmdqemu("mode", "set", "fast", "--lab", file.lab).returncode == 2
    vmdqemu("down", file.lab)
    assert file.left == set()
