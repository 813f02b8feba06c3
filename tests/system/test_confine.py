"""What a worker may do: read, write, wait."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from netns import namespace
from netns.lab import Lab
from tests.system.flood import Flood, flooding
from tests.system.harness import DEADLINE, RunningLab, eventually, running
from tests.system.workers import spare, status, workers
from vmdqemu.datapath import tap
from vmdqemu.datapath.confine import NOBODY

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1" }, { name = "vm2" }]
[wire]
"""
STEADY = {"read", "write", "epoll_wait", "epoll_pwait"}


def test_a_worker_has_no_privilege_and_no_bpf(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        spare(lab)
        pids = workers(lab.daemon)
        assert len(pids) == 3
        for pid in pids:
            found = status(pid)
            sets = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")
            assert {int(found[name], 16) for name in sets} == {0}
            assert (found["NoNewPrivs"], found["Seccomp"], found["Seccomp_filters"]) == ("1", "2", "2")
            assert set(found["Uid"].split() + found["Gid"].split()) == {str(NOBODY)}
            assert found["Groups"] == ""
            assert found["Threads"] == "1"
            files = [os.readlink(file) for file in Path(f"/proc/{pid}/fd").iterdir()]
            assert files
            assert not [file for file in files if "bpf" in file or "io_uring" in file]


def test_whoever_captures_a_worker_can_do_nothing_with_it() -> None:
    ns = f"captive{os.getpid()}"
    with Lab() as lab:
        lab.namespace(ns)
        device = tap.open_tap(ns, "eth0", rings=2, ring=64, offloads=True)
        lab.push(tap.close, device.fds)
        before = link(ns)
        argv = [sys.executable, "-m", "tests.system.captive", str(device.fds[0])]
        printed = subprocess.run(
            argv, pass_fds=device.fds, stdout=subprocess.PIPE, timeout=DEADLINE, check=True
        ).stdout
        assert link(ns) == before
    outcomes = json.loads(printed)
    assert len(outcomes) == 21
    assert set(outcomes.values()) == {"EPERM"}, outcomes


def link(ns: str) -> str:
    """What `ip` shows of eth0."""
    return namespace.run(ns, ["ip", "-d", "link", "show", "eth0"]).stdout


def test_a_worker_that_forwards_only_reads_writes_and_waits(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab, flooding(lab, {"vm1": Flood("small", "vm2", rate=2000)}):
        eventually(lambda: lab.port("vm1")["reads"] > 1000, "frames flow")
        assert traced(lab, "nic", tmp_path / "trace") <= STEADY


def traced(lab: RunningLab, role: str, file: Path, frames: int = 1000) -> set[str]:
    """Names of the system calls that a worker makes while it forwards so many frames of vm1."""
    pid = lab.worker(role)
    assert pid is not None
    argv = ["strace", "-f", "-qq", "-e", "signal=none", "-o", str(file), "-p", str(pid)]
    with subprocess.Popen(argv) as strace:
        try:
            eventually(lambda: status(pid)["TracerPid"] == str(strace.pid), "strace is attached")
            goal = lab.port("vm1")["reads"] + frames
            eventually(lambda: lab.port("vm1")["reads"] > goal, "frames flow")
        finally:
            strace.terminate()
    calls = {line.split(maxsplit=1)[1].partition("(")[0] for line in file.read_text().splitlines()}
    return {name for name in calls if name[0] not in "+-<"}
