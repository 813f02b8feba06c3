"""Four VMs that only receive: looked up by the host, or sorted by the adapter, by turns on one running lab.

The paper's setting: 1500-byte frames from the outside into four VMs. `off` has one queue and one processor,
`vmdq` and `vmq` a queue for each VM, and four processors to serve them. A peer does the same beside them.
"""

import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.perf import openvswitch
from tests.perf.report import Table, say, spread
from tests.system.harness import RunningLab, running
from tests.system.iperf import Machines, received_at_once

VMS: Final = {f"vm{number}": f"10.0.0.{number}" for number in range(1, 5)}
OUTSIDE: Final = "10.0.0.254"
PEER: Final = "Open vSwitch, userspace, TSO"
MODES: Final = ("off", "off-nocopy", "vmdq", "vmq")
LAB: Final = """
[host]
processors = 4
speed = {speed}
[wire]
address = "10.0.0.254/24"
{rate}
""" + "".join(f'[[vm]]\nname = "{name}"\naddress = "{address}/24"\n' for name, address in VMS.items())

Candidates = dict[str, Callable[[], float]]  # each measures once: Gbit/s


def compare(rounds: int, seconds: int, directory: Path) -> list[Table]:
    """Free-running beside the peer, then on a 10 GbE wire."""
    addresses = {name: f"{address}/24" for name, address in {**VMS, "ext": OUTSIDE}.items()}
    with (
        running(LAB.format(speed=1.0, rate=""), directory) as lab,
        openvswitch.running(addresses, directory) as peer,
    ):
        everyone = {**_modes(lab, seconds), PEER: lambda: _receive(peer, seconds)}
        free = _by_turns("free-running", everyone, rounds)
    with running(LAB.format(speed=0.25, rate="rate = 10000"), directory) as lab:
        held = _by_turns("10 GbE, processors at 25 % of a CPU", _modes(lab, seconds), rounds)
    return [free, held]


def _modes(lab: RunningLab, seconds: int) -> Candidates:
    def in_mode(mode: str) -> Callable[[], float]:
        def measure() -> float:
            lab.call("mode.set", mode=mode)
            return _receive(lab, seconds)

        return measure

    return {mode: in_mode(mode) for mode in MODES}


def _receive(machines: Machines, seconds: int) -> float:
    return received_at_once(machines, "ext", VMS, seconds) / 1e9


def _by_turns(setting: str, candidates: Candidates, rounds: int) -> Table:
    """Each measures once a round; every other round the other way round. Ratios are of the same round."""
    reached: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds):
        for name in sorted(candidates, key=list(candidates).index, reverse=bool(number % 2)):
            reached[name].append(candidates[name]())
    first = next(iter(candidates))
    rows = []
    for name, values in reached.items():
        ratios = [value / base for value, base in zip(values, reached[first], strict=True)]
        rows.append((name, spread(values, 1), spread(ratios, 2)))
        say(f"{setting}: {name} {statistics.median(values):.1f} Gbit/s, {spread(ratios, 2)} of {first}")
    columns = (setting, "Gbit/s", f"of {first}, round by round")
    return Table("TCP from the outside into four VMs", columns, rows)
