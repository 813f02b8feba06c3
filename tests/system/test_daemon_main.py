"""A daemon's life from outside: what it answers, and how it ends."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from netns import namespace
from tests.system.harness import DEADLINE, running, started
from tests.system.workers import workers
from vmdqemu.config import parse
from vmdqemu.daemon import control, runtime
from vmdqemu.errors import NotRunning, VmdqemuError

pytestmark = pytest.mark.system

NAME = f"life{os.getpid() % 100_000}"
LAB = f"""
prefix = "{NAME}-"
vm = [{{ name = "vm1", queues = 2 }}]
"""


def test_it_answers_every_reading_verb_and_refuses_others(tmp_path: Path) -> None:
    with running('vm = [{ name = "vm1", queues = 2 }]', tmp_path) as lab:
        for verb in ("status", "vport.list", "queue.list", "stats"):
            assert lab.call(verb)["schema_version"] == 1
        assert lab.call("vport.list")["vports"][1]["name"] == "vm1"
        assert len(lab.call("stats")["ports"][0]["rings"]) == 2
        with pytest.raises(VmdqemuError, match="no method 'format'"):
            lab.call("format")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, "stop"])
def test_it_ends_when_told_and_leaves_nothing(end: signal.Signals | str, tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.toml"
    file.write_text(LAB)
    with started(file) as daemon:
        pids = workers(daemon)
        assert len(pids) == 2
        socket = runtime.path(NAME, "sock")
        if isinstance(end, str):
            assert control.call(socket, end) == {"stopping": True}
        else:
            daemon.send_signal(end)
        assert daemon.wait(DEADLINE) == 0
        with pytest.raises(NotRunning):
            control.call(socket, "status")
    config = parse(LAB, NAME)
    assert not any(namespace.exists(config.namespace(vm)) for vm in config.vms)
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
    assert not list(runtime.DIRECTORY.glob(f"{NAME}.*"))


# A daemon that is told to end when a function of its own returns, and again when it is ready.
TOLD: Final = """
import os, signal, sys
from importlib import import_module
from pathlib import Path
from vmdqemu import config
from vmdqemu.daemon import main

lab, module, name = sys.argv[1:]
owner = import_module(module)
work = getattr(owner, name)

def end(*_):
    os.kill(os.getpid(), signal.SIGTERM)

def told(*arguments, **options):
    done = work(*arguments, **options)
    end()
    return done

setattr(owner, name, told)
main.run(config.load(Path(lab)), Path(lab), end)
"""


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("vmdqemu.daemon.runtime", "_write"),
        ("netns.namespace", "create"),
        ("vmdqemu.daemon.plant", "build_vm"),
        ("uvloop", "new_event_loop"),
        ("vmdqemu.daemon.supervisor", "WorkerProcess"),
        ("netns.namespace", "remove"),
    ],
    ids=["recorded", "first step", "first VM", "loop made", "workers start", "undoing"],
)
def test_a_signal_in_the_worst_moment_leaves_nothing_and_says_nothing(
    module: str, name: str, tmp_path: Path
) -> None:
    file = tmp_path / f"{NAME}.toml"
    file.write_text(LAB.replace("}]", '}, { name = "vm2" }]'))
    argv = [sys.executable, "-c", TOLD, str(file), module, name]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=3 * DEADLINE, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert not list(namespace.RUN_DIR.glob(f"{NAME}-*"))
    assert not list(runtime.DIRECTORY.glob(f"{NAME}.*"))
