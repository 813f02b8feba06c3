"""A VM that moves is one lab's to undo at any moment, whichever is stopped or killed, in whatever order."""

import itertools
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from netns import namespace
from tests.system.harness import DEADLINE, eventually, started
from tests.system.migrating import BRIDGE, ONE, OTHER, OUT, VM, bridge, ping
from vmdqemu.daemon import control, runtime
from vmdqemu.daemon.stop import stop
from vmdqemu.errors import VmdqemuError

pytestmark = pytest.mark.system

FILES: Final = {"a": ONE, "b": OTHER}  # vm2 is at home in a
ALIVE, GONE = "the VM answers", "the VM is gone"
_numbers = itertools.count(1)


class Labs:
    """Labs a and b; a step of a migration may kill the daemon that takes it."""

    def __init__(self, path: Path, stack: ExitStack) -> None:
        self._prefix = f"w{os.getpid() % 10_000}-{next(_numbers)}"
        self._word = path / "word"
        self._word.touch()
        program = ("-m", "tests.system.failing", str(self._word))
        self.vm2 = f"{self._prefix}-vm2"
        self._daemons = {}
        for lab, text in FILES.items():
            file = path / f"{self.name(lab)}.toml"
            file.write_text(f'prefix = "{self._prefix}-"\n{text}')
            self._daemons[lab] = stack.enter_context(started(file, program))

    def name(self, lab: str) -> str:
        return f"{self._prefix}{lab}"

    def migrate(self, kill_at: str = "") -> None:
        """From a to b."""
        self._word.write_text(kill_at and f"kill {kill_at}")
        control.call(runtime.path(self.name("a"), "sock"), "migrate", {"vm": "vm2", "to": self.name("b")})

    def vms(self, lab: str) -> list[str]:
        rows = control.call(runtime.path(self.name(lab), "sock"), "vm.list")["vms"]
        return [vm["name"] for vm in rows]

    def act(self, what: str) -> None:
        """`kill LAB`, `down LAB`, or a look at the VM."""
        if what == ALIVE:
            ping(OUT, VM)
        elif what == GONE:
            assert not namespace.exists(self.vm2)
        else:
            verb, lab = what.split()
            {"kill": self.kill, "down": self.down}[verb](lab)

    def kill(self, lab: str) -> None:
        self._daemons[lab].send_signal(signal.SIGKILL)
        self.await_death(lab)

    def await_death(self, lab: str) -> None:
        self._daemons[lab].wait(DEADLINE)
        eventually(lambda: not runtime.running(self.name(lab)), "nobody holds the lock")

    def down(self, lab: str) -> None:
        (record,) = [record for record in runtime.records() if record.lab == self.name(lab)]
        stop(record)

    def assert_nothing_is_left(self) -> None:
        assert not list(namespace.RUN_DIR.glob(f"{self._prefix}*"))
        assert not list(runtime.DIRECTORY.glob(f"{self._prefix}*"))
        ports = ["ip", "-o", "link", "show", "master", BRIDGE]
        eventually(lambda: not namespace.run(OUT, ports).stdout, "no port is left on the bridge")


@pytest.fixture(scope="module")
def wire() -> Iterator[None]:
    with bridge():
        yield


@pytest.fixture
def labs(wire: None, tmp_path: Path) -> Iterator[Labs]:  # noqa: ARG001
    with ExitStack() as stack:
        labs = Labs(tmp_path, stack)
        yield labs
        labs.assert_nothing_is_left()


@pytest.mark.parametrize(
    "story",
    [
        ("down a", ALIVE, "down b", GONE),
        ("down b", GONE, "down a"),
        ("kill a", "down a", ALIVE, "kill b", "down b", GONE),
        ("kill b", "kill a", "down a", "down b", GONE),
    ],
    ids=" ".join,
)
def test_a_vm_that_moved_is_the_destinations(story: tuple[str, ...], labs: Labs) -> None:
    labs.migrate()
    for what in (ALIVE, *story):
        labs.act(what)


def test_a_destination_that_dies_over_it_leaves_the_vm_at_home(labs: Labs) -> None:
    with pytest.raises(VmdqemuError, match=f"own: lab {labs.name('b')} does not answer any more"):
        labs.migrate(kill_at="own")
    labs.await_death("b")
    assert labs.vms("a") == ["vm1", "vm2"]
    for what in (ALIVE, "down b", ALIVE, "down a", GONE):
        labs.act(what)


def test_a_source_that_dies_before_the_vm_is_the_destinations_takes_it_along(labs: Labs) -> None:
    with pytest.raises(VmdqemuError):
        labs.migrate(kill_at="free")
    labs.await_death("a")
    eventually(lambda: labs.vms("b") == ["vm3"], "the destination has undone its steps")
    for what in ("down a", GONE, "down b"):
        labs.act(what)


def test_a_source_that_dies_after_that_takes_nothing_along(labs: Labs) -> None:
    with pytest.raises(VmdqemuError):
        labs.migrate(kill_at="forget")
    labs.await_death("a")
    for what in (ALIVE, "down a", ALIVE, "down b", GONE):
        labs.act(what)
