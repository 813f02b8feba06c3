"""The wire with a bridge in place of the adapter carries traffic, and goes with whoever started it."""

import subprocess
import sys
from pathlib import Path

import pytest

from netns import namespace
from tests.system.command import Write
from tests.system.harness import DEADLINE, eventually
from vmdqemu.experiments.bare_lab import READY

pytestmark = pytest.mark.system

LAB = """
vm = [{ name = "vm1", address = "10.0.0.1/24" }, { name = "vm2", address = "10.0.0.2/24" }]
[wire]
address = "10.0.0.254/24"
rate = 1000
"""
STARTER = """
import subprocess, sys, time
subprocess.Popen([sys.executable, "-m", "vmdqemu.experiments.wire_only", sys.argv[1]], stdin=subprocess.PIPE)
time.sleep(60)
"""


def test_every_machine_reaches_every_other(write: Write) -> None:
    file = write(LAB)
    argv = [sys.executable, "-m", "vmdqemu.experiments.wire_only", str(file.path)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as wire:
        assert wire.stdout is not None
        assert wire.stdout.readline() == READY
        for source, target in (("ext", "10.0.0.1"), ("vm1", "10.0.0.2"), ("vm2", "10.0.0.254")):
            namespace.run(f"{file.lab}-{source}", ["ping", "-c", "1", "-W", "5", target])
    assert wire.returncode == 0
    assert file.left == set()


def test_it_is_taken_down_when_its_starter_is_killed(write: Write) -> None:
    file = write(LAB)
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER, str(file.path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert starter.stdout is not None
    assert starter.stdout.readline() == READY
    starter.kill()
    starter.communicate(timeout=DEADLINE)
    eventually(lambda: file.left == set(), "the wire is taken down")
