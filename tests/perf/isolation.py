"""What one VM's flood of never-seen addresses takes from another VM."""

from pathlib import Path
from typing import Final

from tests.perf import load
from tests.perf.report import Table, say
from tests.system.harness import running

LAB: Final = """
vm = [
  { name = "vm1", address = "10.0.0.1/24" },
  { name = "vm2", address = "10.0.0.2/24" },
  { name = "vm3", address = "10.0.0.3/24", spoof_check = false },
]
"""
_RANDOM_ADDRESSES = "{ 2, drnd(5), 2, drnd(5), 0x88, 0xb5, fill(0, 46) }\n"


def measure(seconds: float, directory: Path) -> Table:
    """A steady stream from vm1 to vm2, alone and while vm3 floods."""
    with running(LAB, directory) as lab:
        ends = [load.Vm(lab.ns(f"vm{n}"), lab.mac(f"vm{n}"), f"10.0.0.{n}") for n in (1, 2, 3)]
        sender, receiver, flooder = ends
        with load.bound(receiver), load.steady(sender, receiver):
            alone = load.rate(sender, receiver, seconds)
            with load.flooding(flooder, _RANDOM_ADDRESSES, directory):
                beside = load.rate(sender, receiver, seconds)
                flood = load.rate(flooder, receiver, seconds)
    say(f"isolation: {alone.arrived:.0f} frames/s alone, {beside.arrived:.0f} beside a flood")
    rows = [
        ("alone", f"{alone.offered / 1000:.1f}", f"{alone.arrived / 1000:.1f}"),
        ("beside the flood", f"{beside.offered / 1000:.1f}", f"{beside.arrived / 1000:.1f}"),
        ("the flood itself", f"{flood.offered / 1000:.1f}", f"{flood.forwarded / 1000:.1f} read, all misses"),
    ]
    return Table(
        "A steady stream beside a VM that floods random addresses (kpps)", ("", "offered", "delivered"), rows
    )
