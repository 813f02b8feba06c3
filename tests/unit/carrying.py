"""What contenders might have carried."""

from typing import Any

from vmdqemu.experiments.carried import Carried
from vmdqemu.experiments.contenders import ACROSS, Contender, Load
from vmdqemu.experiments.measure import RoundTrip
from vmdqemu.experiments.row import Cpu


def trip(middle_ms: float, load: Load = ACROSS) -> RoundTrip:
    return RoundTrip(load.pairs[0], 30, 29, middle_ms, 2 * middle_ms, 3 * middle_ms, middle_ms)


def row(contender: Contender, load: Load, **changes: Any) -> Carried:
    """Without a host's work, unless told."""
    fields: dict[str, Any] = {
        "at": 1000.0,
        "contender": contender,
        "load": load,
        "gbit_per_s": 10.0,
        "retransmits": 3,
        "resting": trip(0.05, load),
        "loaded": trip(0.2, load),
        "cpu": Cpu(outside=0.2, adapter=0.0, host=0.0, guest=0.3),
        "busy": 1.5,
        "steal": 0.0,
        "handled": 0,
    }
    return Carried(**fields | changes)
