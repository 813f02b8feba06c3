"""The other experiments, end to end in their quick form."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from tests.system.command import COMMAND
from vmdqemu.experiments.contenders import SRIOV
from vmdqemu.experiments.sriov import AT_REST, EVERYBODY, STRAY

pytestmark = pytest.mark.system

DESIGNED = {"schema_version", "experiment", "machine", "lab", "emulated", "claims", "rows", "ratios", "law"}


NAMES: Final = ("scaling", "latency", "fairness", "sriov")
PATIENCE: Final = 300.0  # seconds; they take 30


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[Path, subprocess.Popen[str]]]]:
    """All at once: they wait more than they work, and nobody looks at how much they measured."""
    with ExitStack() as stack:
        found = {}
        for name in NAMES:
            out = tmp_path_factory.mktemp(name)
            argv = [*COMMAND, "experiment", name, "--quick", "--out", str(out)]
            run = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            found[name] = out, stack.enter_context(run)
            stack.callback(run.terminate)
        yield found


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_leaves_its_rows_a_picture_and_balanced_books(
    name: str, runs: dict[str, tuple[Path, subprocess.Popen[str]]]
) -> None:
    out, run = runs[name]
    printed, said = run.communicate(timeout=PATIENCE)
    assert run.returncode in (0, 6), said  # 6: a busy machine may make it void
    found = json.loads((out / "results.json").read_text())
    assert set(found) >= DESIGNED
    assert found["experiment"] == name
    assert found["rows"]
    assert found["law"]["holds"]
    assert {"results.csv", f"{name}.png", f"{name}.svg"} <= set(os.listdir(out))
    assert f"experiment {name} --quick" in printed


def test_sr_iov_is_beside_every_mode_and_its_rows_leave_the_host_alone(
    runs: dict[str, tuple[Path, subprocess.Popen[str]]],
) -> None:
    out, run = runs["sriov"]
    run.communicate(timeout=PATIENCE)
    rows = json.loads((out / "results.json").read_text())["rows"]
    wanted = {(contender.name, load.name) for contender in EVERYBODY for load in contender.loads}
    assert {(row["contender"], row["load"]) for row in rows} == wanted
    assert all(row["gbit_per_s"] > 0 < row["rtt_ms"] for row in rows)
    for row in rows:
        if row["mode"] is not None:
            at_work = (row["handled"] > STRAY, row["cpu_adapter"] + row["cpu_host"] > AT_REST)
            assert at_work == (row["contender"] != SRIOV.name,) * 2
