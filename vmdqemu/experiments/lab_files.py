"""The labs that experiments build, as lab files: to be looked at, and built again with `vmdqemu up`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from vmdqemu.host.balance_settings import DYNAMIC_VMQ

HEAD: Final = """\
name = "{name}"
prefix = "{name}-"
mtu = {lab.mtu}
[adapter]
ring = {lab.ring}
offloads = {offloads}
[host]
processors = {lab.processors}
speed = {lab.speed}
[wire]
address = "10.0.0.254/24"
"""
RATE: Final = "rate = {lab.rate}\n"
VM: Final = '[[vm]]\nname = "vm{number}"\naddress = "10.0.0.{number}/24"\nqueues = {queues}\n'


class Receivers(NamedTuple):
    """VMs that receive from a wire, and processors that serve them."""

    vms: int
    processors: int
    speed: float
    rate: float | None = 10_000  # Mbit/s; None: as fast as the machine is
    mtu: int = 1500
    ring: int = 4096
    offloads: bool = True
    queues: int = 1  # of each VM


def write(out: Path, name: str, lab: Receivers) -> Path:
    """The lab file."""
    head = HEAD if lab.rate is None else HEAD + RATE
    text = head.format(name=name, lab=lab, offloads=str(lab.offloads).lower())
    vms = (VM.format(number=number, queues=lab.queues) for number in range(1, lab.vms + 1))
    file = out / f"{name}.toml"
    file.write_text(text + "".join(vms))
    return file


BALANCER: Final = """\
[host.balancer]
period = {period}
patience = {patience}
rest = {rest}
"""


def write_balanced(out: Path, name: str, lab: Receivers, period: float) -> Path:
    """The lab file of a host whose balancer has that period, and its other times in proportion."""
    file, faster = write(out, name, lab), period / DYNAMIC_VMQ.period
    times = {field: round(getattr(DYNAMIC_VMQ, field) * faster, 3) for field in ("patience", "rest")}
    file.write_text(file.read_text() + BALANCER.format(period=period, **times))
    return file


SENDERS: Final = """\
name = "{name}"
prefix = "{name}-"
[adapter]
arbiter = "{arbiter}"
[wire]
address = "10.0.0.254/24"
rate = {rate}
"""
SENDER: Final = '[[vm]]\nname = "vm{number}"\naddress = "10.0.0.{number}/24"\nweight = {weight}\n'


def write_senders(out: Path, name: str, weights: Sequence[int], arbiter: str, rate: float = 1000) -> Path:
    """The lab file of VMs that share a wire of `rate` Mbit/s."""
    text = SENDERS.format(name=name, arbiter=arbiter, rate=rate)
    vms = (SENDER.format(number=number, weight=weight) for number, weight in enumerate(weights, start=1))
    file = out / f"{name}.toml"
    file.write_text(text + "".join(vms))
    return file
