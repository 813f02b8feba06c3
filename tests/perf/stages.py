"""What each stage of receiving costs, and what sorting and shared memory save of it."""

import os
from typing import Final

from tests.perf.report import Table, say
from vmdqemu.datapath import stages

ROUNDS: Final = 9


def measure() -> Table:
    """CPU nanoseconds a frame, by its size."""
    costs = stages.measure(f"bench{os.getpid() % 10_000}", ROUNDS)
    rows = [
        *((name, *(f"{cost.stages[name]:.0f}" for cost in costs)) for name in costs[0].stages),
        *((f"all of `{name}`", *(f"{cost.modes[name]:.0f}" for cost in costs)) for name in costs[0].modes),
    ]
    for name, *figures in rows:
        say(f"stages: {name} {', '.join(figures)} ns")
    sizes = [f"{cost.octets:,} octets ({cost.wire_frames} wire frames)" for cost in costs]
    return Table("CPU time of one received frame, by stage and by mode (ns, median)", ("", *sizes), rows)
