"""What is to be expected, said before it is measured.

    T(mode, n) = min(wire, processors in use x speed / c(mode))

c(mode) is the CPU time that one processor needs for one wire frame, measured while one VM receives: so the
step from one VM to several is a prediction, and no fit.
"""

from typing import NamedTuple

from vmdqemu.experiments import line
from vmdqemu.experiments.row import Limit


class Prediction(NamedTuple):
    """What a mode should give with so many VMs."""

    mode: str
    vms: int
    processors: int  # in use
    ns_per_frame: float  # c(mode)
    gbit_per_s: float
    cpu_s_per_gbit: float
    limit: Limit


def predict(
    mode: str, vms: int, processors: int, ns_per_frame: float, speed: float, wire: float, mtu: int
) -> Prediction:
    """wire: Gbit/s that it carries."""
    reached = line.gbit_per_s(processors * speed * 1e9 / ns_per_frame, mtu)
    return Prediction(
        mode,
        vms,
        processors,
        ns_per_frame,
        min(wire, reached),
        ns_per_frame / 1e9 / line.gbit_per_s(1, mtu),
        Limit.WIRE if reached >= wire else Limit.PROCESSOR,
    )
