"""Stage costs as one document."""

import json
import subprocess
import sys

import pytest

from vmdqemu.datapath.stages import SIZES

pytestmark = pytest.mark.system


def test_every_size_has_its_stages_and_its_modes() -> None:
    argv = [sys.executable, "-m", "vmdqemu.experiments.stage_costs"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True)
    costs = json.loads(done.stdout)
    assert [cost["octets"] for cost in costs] == list(SIZES)
    assert all({"off", "vmq"} <= set(cost["modes"]) and cost["stages"] for cost in costs)
