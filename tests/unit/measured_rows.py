"""Rows as figure3 might have measured them."""

from typing import Any

from vmdqemu.experiments.calibrate import Fit, Point
from vmdqemu.experiments.controls import Control
from vmdqemu.experiments.figure3 import QUICK, Plan, Run
from vmdqemu.experiments.predict import predict
from vmdqemu.experiments.row import Cpu, Limit, Row

CAPACITY = 9.415
STATUS: dict[str, Any] = {
    "lab": "figure3",
    "model": "ideal",
    "mode": "vmq",
    "mtu": 1500,
    "offloads": "checksum, TSO, USO",
    "wire": None,
    "vms": [],
}


def row(mode: str = "off", gbit_per_s: float = 5.4, **changes: Any) -> Row:
    """A row of four VMs."""
    fields: dict[str, Any] = {
        "at": 1000.0,
        "mode": mode,
        "vms": 4,
        "processors": 1 if mode == "off" else 4,
        "speed": 0.25,
        "gbit_per_s": gbit_per_s,
        "retransmits": 0,
        "ns_per_frame": 500.0,
        "busy": (0.25, 0.0, 0.0, 0.0),
        "waiting": (0.0, 0.0, 0.0, 0.0),
        "idle": 0.5,
        "steal": 0.0,
        "cpu": Cpu(outside=0.1, adapter=0.1, host=0.27, guest=0.1),
        "limit": Limit.PROCESSOR if mode == "off" else Limit.WIRE,
    }
    return Row(**fields | changes)


def run(*rows: Row, plan: Plan = QUICK, controls: tuple[Control, ...] = (), law: bool = True) -> Run:
    """A run that has come to its end."""
    fit = Fit(5.4, 0.25, (Point(0.22, 4.8), Point(0.25, 5.41)))
    predictions = tuple(
        predict(mode, 4, 1 if mode == "off" else 4, 540.0, 0.25, CAPACITY, 1500) for mode in plan.modes
    )
    rows = rows or (row("off"), row("vmq", 9.3))
    return Run(plan, fit, STATUS, 900.0, predictions, rows, controls, law={"holds": law, "checks": []})
