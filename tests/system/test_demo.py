"""The main job, end to end, and what is left of it when it is cut short."""

import json
import os
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from netns import namespace
from tests.system.harness import DEADLINE, eventually, marked
from vmdqemu.cli.demo import LAB
from vmdqemu.config import load
from vmdqemu.daemon import plant, runtime
from vmdqemu.daemon.start import start_detached
from vmdqemu.daemon.stop import stop

pytestmark = pytest.mark.system

DEMO: Final = [sys.executable, "-m", "vmdqemu", "demo", "--quick"]
# Whatever the demo starts has it too: daemon, workers, tools.
MARK: Final = {"VMDQEMU_TEST": f"demo-{os.getpid()}"}
PATIENCE: Final = 6 * DEADLINE  # the demo takes six seconds


@contextmanager
def _demo(*options: str) -> Iterator[subprocess.Popen[str]]:
    """The demo while it runs; nothing of it is left afterwards."""
    demo = subprocess.Popen(
        [*DEMO, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ | MARK
    )
    try:
        yield demo
    finally:
        demo.terminate()
        demo.communicate(timeout=PATIENCE)
    assert _left_behind() == set()


def _left_behind() -> set[str]:
    """Namespaces and runtime files of the demo's lab, and processes that the demo started."""
    namespaces = filter(namespace.exists, plant.record(load(LAB), 0, "").namespaces)
    files = (file.name for file in runtime.DIRECTORY.glob(f"{LAB.stem}.*"))
    return {*namespaces, *files, *marked(MARK)}


def _ended(demo: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code, and what it said on stderr."""
    _, said = demo.communicate(timeout=PATIENCE)
    return demo.returncode, said


def _wait_for(demo: subprocess.Popen[str], step: str) -> None:
    assert demo.stderr is not None
    while step not in (line := demo.stderr.readline()):
        assert line, f"the demo ended before: {step}"


def test_the_demo_measures_writes_its_results_and_the_law_holds(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    with _demo("--json", str(file)) as demo:
        printed, said = demo.communicate(timeout=PATIENCE)
    assert demo.returncode == 0, said
    assert "law holds: yes" in printed
    assert "iperf3 ext -> vm1" in said
    results = json.loads(file.read_text())
    assert results["schema_version"] == 1
    assert results["experiment"] == "demo"
    assert results["law"]["holds"]
    assert all(check["holds"] for check in results["law"]["checks"])
    tcp = [row for row in results["rows"] if row["measurement"] == "tcp"]
    assert len(tcp) == 4
    assert all(row["gbit_per_s"] > 0.1 for row in tcp)
    assert all(row["received"] == row["sent"] for row in results["rows"] if row["measurement"] == "ping")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_it_measures_leaves_nothing(number: signal.Signals, code: int) -> None:
    with _demo() as demo:
        _wait_for(demo, "iperf3")
        demo.send_signal(number)
        ended, said = _ended(demo)
    assert ended == code
    assert all(line.startswith(("iperf3 ", "ping ")) for line in said.splitlines()), said


def test_a_demo_that_is_killed_takes_its_lab_with_it() -> None:
    with _demo() as demo:
        _wait_for(demo, "iperf3")
        demo.kill()
        demo.wait(DEADLINE)
        eventually(lambda: _left_behind() == set(), "its daemon undoes the lab")


def test_ctrl_c_at_any_moment_leaves_nothing(full: bool) -> None:
    for _ in range(30 if full else 1):
        moment = random.uniform(0.0, 6.0)
        with _demo() as demo:
            try:
                demo.wait(moment)
            except subprocess.TimeoutExpired:
                demo.send_signal(signal.SIGINT)
                demo.send_signal(signal.SIGINT)  # an impatient one
            code, said = _ended(demo)
        # 0: it was done before; -2: Python was not far enough to say 130
        assert code in (0, 130, -signal.SIGINT), f"after {moment:.3f} s: {said}"


def test_a_lab_of_that_name_that_runs_is_left_alone() -> None:
    record = start_detached(LAB)
    try:
        done = subprocess.run(DEMO, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 1
        assert "lab four-vms is already running" in done.stderr
        assert "vmdqemu down four-vms" in done.stderr
        assert runtime.running("four-vms")
    finally:
        stop(record)
    assert _left_behind() == set()


def test_what_a_killed_daemon_leaves_is_cleaned_up_by_its_demo() -> None:
    with _demo() as demo:
        _wait_for(demo, "ping vm1")  # not the last step: it would be done before we are
        os.kill(runtime.find("four-vms").pid, signal.SIGKILL)
        code, said = _ended(demo)
    assert code in (1, 3), said
    assert "Traceback" not in said
