"""Processes of a namespace are found and ended, also those that will not go."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from netns import namespace, processes
from netns.lab import Lab
from netns.processes import Identity

pytestmark = pytest.mark.system

NS = f"processes-{os.getpid()}"
DEAF = "trap '' TERM; echo ready; while :; do sleep 1000 & wait $!; done"


@pytest.fixture
def inside() -> Iterator[Identity]:
    with Lab() as lab:
        lab.namespace(NS)
        yield processes.identity(Path(namespace.RUN_DIR) / NS)


def test_a_namespace_is_one_by_whatever_name(inside: Identity) -> None:
    with namespace.entered(NS):
        assert processes.identity(Path("/proc/thread-self/ns/net")) == inside
    assert processes.identity(Path("/proc/self/ns/net")) != inside


def test_who_lives_inside_is_found_and_ended(inside: Identity) -> None:
    assert processes.inside(inside) == []
    sleeper = namespace.start(NS, ["sleep", "1000"])
    assert processes.inside(inside) == [sleeper.pid]
    assert processes.end(inside, deadline=5) == []
    assert sleeper.wait(5) != 0


def test_who_ignores_sigterm_is_killed(inside: Identity) -> None:
    deaf = namespace.start(NS, ["bash", "-c", DEAF], stdout=subprocess.PIPE)
    assert deaf.stdout is not None
    assert deaf.stdout.readline() == "ready\n"
    assert processes.end(inside, deadline=0.1) == []
    assert deaf.wait(5) == -9
    deaf.stdout.close()
