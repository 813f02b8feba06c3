"""Four VMs that only receive: looked up by the host, or sorted by the adapter, by turns on one running lab.

The paper's setting: 1500-byte frames from the outside into four VMs. `off` has one queue and one processor,
`vmq` a queue for each VM, and four processors to serve them.
"""

from pathlib import Path
from typing import Final, NamedTuple

from tests.perf.report import Table, say, spread
from tests.system.harness import RunningLab, running
from tests.system.iperf import received_at_once
from vmdqemu.daemon import control, runtime

VMS: Final = 4
OUTSIDE: Final = "10.0.0.254"
LAB: Final = """
[host]
processors = 4
speed = {speed}
[wire]
address = "10.0.0.254/24"
{rate}
""" + "".join(f'[[vm]]\nname = "vm{n}"\naddress = "10.0.0.{n}/24"\n' for n in range(1, VMS + 1))


class Setting(NamedTuple):
    """What limits the adapter."""

    name: str
    speed: float  # of each processor
    rate: str  # of the wire


SETTINGS: Final = (
    Setting("free-running", 1.0, ""),
    Setting("10 GbE, processors at 25 % of a CPU", 0.25, "rate = 10000"),
)


def compare(rounds: int, seconds: int, directory: Path) -> Table:
    """Gbit/s into four VMs; the order of the two modes changes each round."""
    rows = []
    for setting in SETTINGS:
        reached: dict[str, list[float]] = {"off": [], "vmq": []}
        with running(LAB.format(speed=setting.speed, rate=setting.rate), directory) as lab:
            for number in range(rounds):
                for mode in ("off", "vmq") if number % 2 else ("vmq", "off"):
                    reached[mode].append(_receive(lab, mode, seconds))
        ratios = [vmq / off for off, vmq in zip(reached["off"], reached["vmq"], strict=True)]
        off, vmq, ratio = spread(reached["off"], 1), spread(reached["vmq"], 1), spread(ratios, 2)
        say(f"modes, {setting.name}: off {off}, vmq {vmq} Gbit/s, ratio {ratio}")
        rows.append((setting.name, off, vmq, ratio))
    columns = ("", "off", "vmq", "vmq/off, round by round")
    return Table("TCP from the outside into four VMs (Gbit/s)", columns, rows)


def _receive(lab: RunningLab, mode: str, seconds: int) -> float:
    control.call(runtime.path(lab.config.name, "sock"), "mode.set", {"mode": mode})
    receivers = {f"vm{number}": f"10.0.0.{number}" for number in range(1, VMS + 1)}
    return received_at_once(lab, "ext", receivers, seconds) / 1e9
