"""The other experiments, end to end in their quick form."""

import json
import os
from pathlib import Path

import pytest

from tests.system.command import vmdqemu

pytestmark = pytest.mark.system

DESIGNED = {"schema_version", "experiment", "machine", "lab", "emulated", "claims", "rows", "ratios", "law"}


@pytest.mark.parametrize("name", ["scaling", "latency", "fairness"])
def test_an_experiment_leaves_its_rows_a_picture_and_balanced_books(name: str, tmp_path: Path) -> None:
    done = vmdqemu("experiment", name, "--quick", "--out", tmp_path, timeout=120)
    assert done.returncode in (0, 6), done.stderr  # 6: a busy machine may make it void
    found = json.loads((tmp_path / "results.json").read_text())
    assert set(found) >= DESIGNED
    assert found["experiment"] == name
    assert found["rows"]
    assert found["law"]["holds"]
    assert {"results.csv", f"{name}.png", f"{name}.svg"} <= set(os.listdir(tmp_path))
    assert f"experiment {name} --quick" in done.stdout
