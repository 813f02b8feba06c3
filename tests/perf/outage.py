"""How long a receiver hears nothing when the worker is killed with -9, and which frames that costs."""

import os
import signal
import socket
import time
from pathlib import Path
from typing import Final

from tests.perf import load, silence, steady
from tests.perf.report import Table, percentile, say
from tests.system.harness import RunningLab, eventually, running

LAB: Final = """
vm = [
  { name = "vm1", address = "10.0.0.1/24" },
  { name = "vm2", address = "10.0.0.2/24" },
]
"""
SETTLED: Final = 1.1  # seconds a worker serves before its death counts as an accident and not as a defect


def measure(kills: int, directory: Path) -> Table:
    """Kill the worker again and again under a steady stream; each time the longest silence, in ms."""
    with running(LAB, directory) as lab:
        sender, receiver = (load.Vm(lab.ns(f"vm{n}"), lab.mac(f"vm{n}"), f"10.0.0.{n}") for n in (1, 2))
        with silence.listening(receiver) as sink, load.steady(sender, receiver):
            calm, cut = [], []
            for _ in range(kills):
                calm.append(silence.around(sink).silence)
                cut.append(_silence_of_a_kill(lab, sink))
        lost = sum(port["lost_in_crash"] for port in lab.call("stats")["ports"])
    say(f"outage: {kills} kills, p50 {percentile(cut, 50):.1f} ms, p95 {percentile(cut, 95):.1f} ms")
    rows = [
        (name, *(f"{value:.1f}" for value in (percentile(times, 50), percentile(times, 95), max(times))))
        for name, times in (("worker killed", cut), ("nothing killed", calm))
    ]
    title = (
        f"Longest silence at the receiver in ms, {steady.FRAMES_A_SECOND // 1000} kpps of UDP, "
        f"{kills} kills, which cost {lost} frames in all"
    )
    return Table(title, ("", "p50", "p95", "max"), rows)


def _silence_of_a_kill(lab: RunningLab, sink: socket.socket) -> float:
    worker = lab.worker("nic")
    assert worker is not None
    cut = silence.around(sink, lambda: os.kill(worker, signal.SIGKILL)).silence
    eventually(lambda: lab.call("status")["spare"] and lab.worker("nic") not in (None, worker), "a new spare")
    time.sleep(SETTLED)
    return cut
