"""The workers of a daemon, as /proc shows them."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.system.harness import RunningLab, eventually, worker_pids
from vmdqemu.daemon.supervisor import SHORT_LIFE

LAB = """
vm = [
  { name = "vm1", address = "10.0.0.1/24" },
  { name = "vm2", address = "10.0.0.2/24" },
]
wire = { address = "10.0.0.254/24" }
"""


def workers(daemon: subprocess.Popen[str]) -> set[int]:
    """The workers of one daemon, the spare among them."""
    return {pid for pid in worker_pids() if status(pid).get("PPid") == str(daemon.pid)}


def status(pid: int) -> dict[str, str]:
    """A process's /proc/PID/status; empty when it ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return {}
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


@contextmanager
def stopped(lab: RunningLab, role: str) -> Iterator[None]:
    """Nobody serves a role meanwhile: its frames wait."""
    pid = lab.worker(role)
    assert pid is not None
    os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: status(pid).get("State", "").startswith("T"), "it has come to rest")
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def spare(lab: RunningLab) -> int:
    """The worker that waits, once there is one."""

    def waiting() -> set[int]:
        """It; nobody while the daemon has yet to hear of its death, or of a worker's."""
        serving = {worker["pid"] for worker in lab.call("status")["workers"]}
        others = workers(lab.daemon) - serving
        return others if len(others) == 1 and lab.call("status")["spare"] else set()

    (pid,) = eventually(waiting, "a spare is ready")
    return int(pid)


def old_enough(lab: RunningLab, role: str) -> int:
    """A role's worker, once its death would be no repetition."""
    pid = eventually(lambda: lab.worker(role), f"somebody serves {role}")
    served = time.monotonic()
    eventually(lambda: time.monotonic() > served + SHORT_LIFE, "it has lived for a while")
    return int(pid)


def replacement(lab: RunningLab, role: str, killed: int) -> int:
    """Who serves a role after a worker was killed."""
    return int(eventually(lambda: (pid := lab.worker(role)) != killed and pid, f"{role} is served again"))
