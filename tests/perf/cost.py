"""What a frame costs in our code alone: no kernel ring, written to /dev/null."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Final

from tests.perf.report import Table, say, spread
from tests.unit.builders import OUTSIDE, Vm, mac, octets, packet
from tests.unit.pumping import PLAIN, Fabric
from vmdqemu.datapath.pump import Pump
from vmdqemu.datapath.vnet import Buffer

FRAMES: Final = 20_000
REPEATS: Final = 5

Kind = Callable[[int], bytes]


def same_address(_: int) -> bytes:
    """A frame whose verdict is remembered by its addresses."""
    return PLAIN + octets(mac(2), OUTSIDE)


def same_flow(_: int) -> bytes:
    """A frame whose verdict is remembered by its flow: its VM has four channels."""
    return PLAIN + octets(mac(3), OUTSIDE, (), *packet("192.0.2.1", "192.0.2.2", 6))


def new_flow(number: int) -> bytes:
    """A frame of a flow that was never seen."""
    ports = number >> 16, number & 0xFFFF
    return PLAIN + octets(mac(3), OUTSIDE, (), *packet("192.0.2.1", "192.0.2.2", 6, ports))


def new_address(number: int) -> bytes:
    """A frame from an address that was never seen."""
    return PLAIN + octets(mac(2), b"\x02\xbb" + number.to_bytes(4, "big"))


KINDS: Final[tuple[tuple[str, Kind], ...]] = (
    ("known address", same_address),
    ("known flow of a VM with 4 channels", same_flow),
    ("new address: a verdict is made", new_address),
    ("new flow: a verdict is made, with its hash", new_flow),
)


def measure() -> Table:
    """Microseconds a frame, burst by burst, median of the repeats."""
    rows = []
    with _null_fabric() as fabric:
        for name, kind in KINDS:
            rows.append((name, spread([_time(fabric, kind, start) for start in range(REPEATS)], 2)))
    say(f"cost: {', '.join(f'{name} {figure} us' for name, figure in rows)}")
    return Table("One frame in the pump, without the kernel's rings", ("", "microseconds"), rows)


@contextmanager
def _null_fabric() -> Iterator[Fabric]:
    """Every ring is /dev/null."""
    null = os.open(os.devnull, os.O_WRONLY)
    with Fabric(Vm(), Vm(), Vm(queue_pairs=4)) as fabric:
        fabric.rings = fabric.rings._replace(fds=dict.fromkeys(fabric.rings.fds, null))
        yield fabric
    os.close(null)


def _time(fabric: Fabric, kind: Kind, repeat: int) -> float:
    frames = [kind(repeat * FRAMES + number) for number in range(FRAMES)]
    numbers = count()

    def read(buffer: Buffer) -> int | None:
        number = next(numbers)
        if number >= FRAMES:
            return None
        frame = frames[number]
        buffer[: len(frame)] = frame
        return len(frame)

    pump = Pump(0, 0, read, fabric.tables, fabric.rings)
    begin = time.perf_counter()
    while not pump.burst(64, 1 << 40).empty:
        pass
    return (time.perf_counter() - begin) / FRAMES * 1e6
