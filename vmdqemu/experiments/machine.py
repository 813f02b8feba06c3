"""The machine that a result was measured on."""

import os
import platform
import subprocess
from pathlib import Path
from typing import Final

CPUINFO: Final = Path("/proc/cpuinfo")
TREE: Final = Path(__file__).parents[2]  # of a checkout; a wheel has no .git there


def describe() -> dict[str, str | int | None]:
    """Processor, how many, kernel, Python, and the commit if this runs from a checkout."""
    return {
        "cpu": cpu_model(CPUINFO.read_text()),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "commit": _commit() if (TREE / ".git").exists() else None,
    }


def cpu_model(cpuinfo: str) -> str:
    """The processor's name; of an architecture that tells none there, the architecture."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    return next((value.strip() for key, _, value in lines if key.strip() == "model name"), platform.machine())


def _commit() -> str | None:
    try:
        # The checkout may be another user's than root's: git asks to be told that this is meant.
        argv = ["git", "-c", f"safe.directory={TREE}", "-C", str(TREE), "rev-parse", "HEAD"]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=5.0, check=False)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() or None
