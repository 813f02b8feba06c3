"""What a short run of the demo might have found."""

from typing import Any

from vmdqemu.cli.demo_results import Results, Run
from vmdqemu.experiments.measure import Pair, RoundTrip, Throughput

PAIR, OTHER = Pair("vm1", "vm2"), Pair("vm3", "vm4")
STATUS = {
    "lab": "four-vms",
    "model": "ideal",
    "mode": "off",
    "mtu": 1500,
    "offloads": "none",
    "wire": None,
    "vms": [],
}
PORT = {"port": "vm1", "reads": 5, "writes": 4, "read_wire": 50, "write_wire": 4}


def measured(right: int = 5) -> Results:
    """Results whose law holds if the right side of its equation is 5."""
    check = {"name": "vm1: tx_packets = reads", "left": 5, "right": right, "slack": 0, "holds": right == 5}
    stats: dict[str, Any] = {
        "ports": [PORT | {"drops": {"oversize": 1}, "ring_overflow": 2}],
        "law": {"holds": right == 5, "checks": [check]},
    }
    runs = [
        Run("alone", 1.0, [Throughput(PAIR, 10.0, 0, 0.5, 0.4)], []),
        Run(
            "two at once", 1.0, [Throughput(PAIR, 6.0, 7, 0.3, 0.2), Throughput(OTHER, 6.5, 0, 0.3, 0.2)], []
        ),
        Run("ping", 0.5, [], [RoundTrip(PAIR, 50, 50, 0.093, 0.15, 0.2, 0.094)]),
    ]
    queues = {"queues": [{"QueueID": 0, "VmFriendlyName": "", "rx-packets": 1234}]}
    return Results(runs, STATUS, stats, queues)
