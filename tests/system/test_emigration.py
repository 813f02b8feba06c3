"""A VM that leaves: whatever step fails it is at home as before, and it is exactly one lab's to undo."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.command import vmdqemu
from tests.system.harness import RunningLab, eventually
from tests.system.migrating import OUT, VM, Numbered, Pair, migrate, ping, two_labs, vms
from vmdqemu.errors import NotRunning, UsageError, VmdqemuError
from vmdqemu.host.migration import COMMIT, plan

pytestmark = pytest.mark.system

STEPS = [step.name for step in plan(vf=False)]
REVERSIBLE = STEPS[: STEPS.index(COMMIT) + 1]


class Failing:
    """Two labs, and a word that makes a step of a migration fail in either."""

    def __init__(self, pair: Pair, word: Path) -> None:
        self.pair = pair
        self._word = word

    def at(self, step: str) -> None:
        """Let a step fail; none with an empty name."""
        self._word.write_text(step)


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failing]:
    path = tmp_path_factory.mktemp("emigration")
    word = path / "word"
    word.touch()
    with two_labs(path, program=("-m", "tests.system.failing", str(word))) as pair:
        yield Failing(pair, word)


def state(lab: RunningLab) -> tuple[object, ...]:
    return lab.call("vm.list"), lab.call("vport.list"), lab.call("filter.list"), lab.call("share.list")


def open_files(lab: RunningLab) -> int:
    return len(os.listdir(f"/proc/{lab.daemon.pid}/fd"))


@pytest.mark.parametrize("step", REVERSIBLE)
def test_a_step_that_fails_leaves_the_vm_at_home_as_before(step: str, failing: Failing) -> None:
    pair = failing.pair
    ping(OUT, VM)
    before = state(pair.one), state(pair.other)
    numbered = Numbered(pair.one.ns("vm2"))
    failing.at(step)
    try:
        with pytest.raises(VmdqemuError, match=rf"{step}: .*injected; vm2 is in lab {pair.one.config.name}"):
            pair.go()
    finally:
        failing.at("")
        arrivals = numbered.stop()
    assert (arrivals.lost, arrivals.doubled) == (0, 0)
    eventually(lambda: (state(pair.one), state(pair.other)) == before, "all is as it was")
    for machine in (OUT, pair.one.ns("vm1"), pair.other.ns("vm3")):
        ping(machine, VM)
    assert pair.one.call("events")["events"][-1]["event"] == "migration-failed"
    pair.assert_laws()


def test_neither_moves_nor_failures_leak_files(failing: Failing) -> None:
    pair = failing.pair

    def round_trip() -> None:
        pair.go()
        pair.come_back()
        failing.at("own")
        with pytest.raises(VmdqemuError):
            pair.go()
        failing.at("")

    round_trip()
    files = [open_files(lab) for lab in pair]  # with those, perhaps, of a conversation that is just over
    for _ in range(3):
        round_trip()
    eventually(
        lambda: all(open_files(lab) <= before for lab, before in zip(pair, files, strict=True)),
        "no more files than before",
    )


def test_what_makes_no_sense_is_refused(failing: Failing) -> None:
    pair = failing.pair
    here = pair.one.config.name
    with pytest.raises(UsageError, match=f"vm2 is in lab {here} already"):
        migrate(pair.one, pair.one, "vm2")
    with pytest.raises(UsageError, match="no VM 'vm9'; choose one of: vm1, vm2"):
        pair.go("vm9")
    with pytest.raises(UsageError, match="vm3 is the last VM"):
        pair.come_back("vm3")
    with pytest.raises(NotRunning, match="lab nowhere is not running"):
        pair.one.call("migrate", vm="vm2", to="nowhere")


def test_the_command_prints_its_plan_and_what_it_did(failing: Failing) -> None:
    one, other = (lab.config.name for lab in failing.pair)
    planned = vmdqemu("migrate", "vm2", "--to", other, "--dry-run")
    assert (planned.returncode, vms(failing.pair.other)) == (0, ["vm3"])
    assert all(f" {step} " in planned.stdout for step in STEPS)
    done = vmdqemu("migrate", "vm2", "--to", other)
    assert done.stdout.startswith(f"vm2 went from lab {one} to lab {other}\n"), done.stderr
    assert vmdqemu("migrate", "vm2", "--to", one, "--lab", other).returncode == 0
