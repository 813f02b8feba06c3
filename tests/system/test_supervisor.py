"""Every role is served, whoever dies."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.system.harness import eventually, running
from tests.system.workers import LAB, old_enough, replacement, spare, workers
from vmdqemu.daemon.supervisor import SHORT_LIFE

pytestmark = pytest.mark.system


def test_each_role_has_a_processor_of_its_own(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        cpus = sorted(os.sched_getaffinity(0))
        found = {
            worker["role"]: os.sched_getaffinity(worker["pid"]) for worker in lab.call("status")["workers"]
        }
        assert found == {"nic": {cpus[-1]}, "cpu0": {cpus[0]}}


def test_a_killed_spare_is_replaced(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        serving = lab.call("status")["workers"]
        killed = spare(lab)
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: killed not in workers(lab.daemon), "the spare's death is seen")
        assert spare(lab) != killed
        assert lab.call("status")["workers"] == serving
        assert lab.call("status")["crashes"] == 0


def test_a_worker_that_dies_again_at_once_is_given_time(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        victim, age = old_enough(lab, "nic"), SHORT_LIFE
        while age >= SHORT_LIFE:  # it was no repetition: this process was not quick enough
            os.kill(victim, signal.SIGKILL)
            died = time.monotonic()
            victim = replacement(lab, "nic", victim)
            os.kill(victim, signal.SIGKILL)
            age = time.monotonic() - died  # at most
        died = time.monotonic()
        replacement(lab, "nic", victim)
        assert time.monotonic() >= died + 0.9 * SHORT_LIFE


def test_a_worker_killed_before_it_serves_is_replaced_too(tmp_path: Path) -> None:
    with running(LAB, tmp_path) as lab:
        spare(lab)
        before = workers(lab.daemon)
        for pid in before:
            os.kill(pid, signal.SIGKILL)
        for pid in eventually(lambda: workers(lab.daemon) - before, "workers start"):
            os.kill(pid, signal.SIGKILL)
        eventually(lambda: lab.worker("nic") and lab.worker("cpu0"), "both roles are served")
        spare(lab)
        lab.run("vm1", "ping", "-c", "1", "-w", "10", "10.0.0.254")
