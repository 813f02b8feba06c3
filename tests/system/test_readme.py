"""Every command of README.md, run as it stands there. The demo is test_figure3_run's."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.system.harness import eventually, left_since, residue

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def _run(script: str) -> str:
    """Run a block as a reader would, in one shell; root needs no sudo."""
    without_sudo = re.sub(r"\bsudo ", "", script)
    done = subprocess.run(
        ["bash", "-e", "-c", without_sudo], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_two_commands_are_there() -> None:
    commands = [line.split("#")[0].strip() for line in BLOCKS[0].splitlines()]
    assert commands == ["scripts/demo", "scripts/test"]
    assert all(os.access(ROOT / command, os.X_OK) for command in commands)


def test_a_lab_of_ones_own() -> None:
    before = residue()
    ping_and_queues, scapy_and_stats = BLOCKS[1], BLOCKS[2]
    try:
        shown = _run(ping_and_queues)
        assert ", 0% packet loss" in shown
        assert "QueueID" in shown
        shown = _run(scapy_and_stats)
        assert "Sent 1 packets." in shown
        assert "vm2" in shown
    finally:
        subprocess.run([ROOT / ".venv/bin/vmdqemu", "down", "four-vms"], capture_output=True, check=False)
    eventually(lambda: not left_since(before), "nothing is left")


def test_asking_why_and_changing_a_running_lab() -> None:
    before = residue()
    assert len(BLOCKS) == 4
    try:
        shown = _run(BLOCKS[3])
    finally:
        subprocess.run([ROOT / ".venv/bin/vmdqemu", "down", "sriov"], capture_output=True, check=False)
    assert "verdict: to vm1 channel 0 by processor 0" in shown
    assert "verdict: to pool1 channel 0, pool2 channel 0 by processor 0" in shown
    assert "spoofchk" in shown
    eventually(lambda: not left_since(before), "nothing is left")
