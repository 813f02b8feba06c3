"""How long a VM hears nothing when it gets a VF, gives it back or loses it, and which frames that costs."""

from functools import partial
from pathlib import Path
from typing import Final

from tests.perf import load, silence, steady
from tests.perf.report import Table, percentile, say
from tests.perf.silence import Missed
from tests.system.harness import running

LAB: Final = """
adapter.mode = "vmq"
vm = [{ name = "vm1", address = "10.0.0.1/24" }]
[wire]
address = "10.0.0.254/24"
"""
SETTLED, GRANTED, RELEASED, SURPRISED = "nothing happens", "VF granted", "VF released", "VF gone by surprise"


def measure(times: int, directory: Path) -> Table:
    """Grant and take again and again, under a steady stream from the outside."""
    missed: dict[str, list[Missed]] = {name: [] for name in (SETTLED, GRANTED, RELEASED, SURPRISED)}
    with running(LAB, directory) as lab:
        ext = load.Vm(lab.ns("ext"), lab.mac("ext"), "10.0.0.254", "wire0")
        vm = load.Vm(lab.ns("vm1"), lab.mac("vm1"), "10.0.0.1")
        with silence.listening(vm) as sink, load.steady(ext, vm):
            for _ in range(times):
                for taken, surprise in ((RELEASED, False), (SURPRISED, True)):
                    remove = partial(lab.call, "vf.remove", vm="vm1", surprise=surprise)
                    missed[SETTLED].append(silence.around(sink))
                    missed[GRANTED].append(silence.around(sink, partial(lab.call, "vf.add", vm="vm1")))
                    missed[taken].append(silence.around(sink, remove))
    rows = [_row(name, mine) for name, mine in missed.items()]
    for row in rows:
        say("failover: " + ", ".join(row))
    title = f"Longest silence in ms at a VM, {steady.FRAMES_A_SECOND // 1000} kpps of UDP from outside"
    return Table(title, ("", "p50", "p95", "max", "frames lost, most in one"), rows)


def _row(name: str, missed: list[Missed]) -> tuple[str, ...]:
    times = [each.silence for each in missed]
    spread = (percentile(times, 50), percentile(times, 95), max(times))
    return name, *(f"{value:.1f}" for value in spread), str(max(each.frames for each in missed))
