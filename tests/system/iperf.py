"""iperf3 between two ports of a lab, and what it measured."""

import json
import subprocess
from typing import Any

from tests.system.harness import DEADLINE, RunningLab


def iperf3(lab: RunningLab, client: str, server: str, address: str, *options: str) -> dict[str, Any]:
    """One run, from `client` to `server` at `address`; the "end" part of iperf3's own report."""
    # It says that it listens, and ends by itself after one client.
    listening = lab.start(server, "iperf3", "-s", "-1", "--forceflush", stdout=subprocess.PIPE)
    try:
        assert listening.stdout is not None
        while "listening" not in listening.stdout.readline():
            assert listening.poll() is None, "the iperf3 server ended"
        report = json.loads(lab.run(client, "iperf3", "-c", address, "-J", *options))
        listening.communicate(timeout=DEADLINE)
    finally:
        listening.kill()
        listening.wait()
    end: dict[str, Any] = report["end"]
    return end
