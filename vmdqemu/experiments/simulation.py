"""The balancer past this machine: the same code on a virtual clock, 64 processors and 255 queues.

Every second each queue is offered a load, by one of three traces, and the simulated processors serve what
they can. The balancer sees what a supervisor can measure: how busy each processor was and, as the adapter
counts arrivals, what each queue was offered; with `hidden`, only what each queue got, as with TCP, which
sends no more than is taken. Two runs with one seed are equal.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count, islice
from random import Random
from typing import Final, NamedTuple

from vmdqemu.host.balance_settings import DYNAMIC_VMQ, Settings
from vmdqemu.host.balancer import Balancer
from vmdqemu.host.demand import ROUNDING, Item, Sample

PROCESSORS: Final = 64  # one group
QUEUES: Final = 255  # of a TAP's 256, the default queue apart
HOUR: Final = 3600

Offered = Sequence[float]  # to each queue, in shares of a processor
Trace = Callable[[Random, int], Iterator[Offered]]  # one value a second, without end


def diurnal(random: Random, queues: int, day: int = HOUR) -> Iterator[Offered]:
    """A day in an hour: quiet at night, busy at noon; few queues are large, and all of them flutter."""
    peaks = _peaks(random, queues, total=queues / 6)
    offsets = [random.gauss(0, day / 24) for _ in peaks]
    flutter = [0.0] * queues
    for second in count():
        flutter = [0.95 * value + random.gauss(0, 0.04) for value in flutter]
        yield [
            peak * (0.55 - 0.45 * math.cos(math.tau * (second - offset) / day)) * math.exp(noise)
            for peak, offset, noise in zip(peaks, offsets, flutter, strict=True)
        ]


def bursty(random: Random, queues: int) -> Iterator[Offered]:
    """Queues that are nearly silent most of the time, then busy for seconds to minutes (Pareto, as flows)."""
    peaks = _peaks(random, queues, total=queues / 4)
    busy = [False] * queues
    until = [random.uniform(0, 60) for _ in peaks]
    for second in count():
        for queue in range(queues):
            if second >= until[queue]:
                busy[queue] = not busy[queue]
                until[queue] = second + random.paretovariate(1.5) * (3 if busy[queue] else 20)
        yield [peak if on else 0.01 * peak for peak, on in zip(peaks, busy, strict=True)]


def square(random: Random, queues: int) -> Iterator[Offered]:
    """An adversary that knows the settings: quiet until all is drawn together, busy until all has rested."""
    peaks = _peaks(random, queues, total=queues / 6)
    half = math.ceil(DYNAMIC_VMQ.rest + DYNAMIC_VMQ.patience) + 1
    for second in count():
        on = second // half % 2 == 0
        yield [peak if on else 0.01 * peak for peak in peaks]


TRACES: Final[Mapping[str, Trace]] = {"diurnal": diurnal, "bursty": bursty, "square": square}


def _peaks(random: Random, queues: int, total: float) -> list[float]:
    """Log-normal shares that sum up to `total` before what exceeds 0.7 of a processor is cut off."""
    weights = [random.lognormvariate(0, 1) for _ in range(queues)]
    scale = total / sum(weights)
    return [min(0.7, weight * scale) for weight in weights]


class Simulated(NamedTuple):
    """What a run came to."""

    trace: str
    seed: int
    seconds: int
    moves: int
    most_moves: int  # in one minute of the clock
    used: int  # processors that had a queue, summed over the seconds
    bound: int  # processors that no placement could do without, summed over the seconds
    overload_seconds: int  # in which some processor was offered more than it can do
    overloads: int  # the same, summed over the processors

    @property
    def moves_per_minute(self) -> float:
        return self.moves / self.seconds * 60

    @property
    def ratios(self) -> dict[str, float]:
        """As a results file names them."""
        return {
            "processors/bound": self.used / self.bound,
            "overload": self.overload_seconds / self.seconds,
            "overload/processor": self.overloads / self.used,
        }


def simulate(
    trace: str,
    seed: int,
    seconds: int = HOUR,
    processors: int = PROCESSORS,
    queues: int = QUEUES,
    settings: Settings = DYNAMIC_VMQ,
    hidden: bool = False,
) -> Simulated:
    """Run one of TRACES. All queues start on processor 0; each second is one period."""
    balancer = Balancer(range(processors), settings)
    placement: dict[Item, int] = dict.fromkeys(range(queues), 0)
    moves: Counter[int] = Counter()  # minute -> how many
    used = bound = overload_seconds = overloads = 0
    for second, offered in enumerate(islice(TRACES[trace](Random(seed), queues), seconds)):
        loads = _loads(offered, placement)
        too_much = sum(load > 1 for load in loads.values())
        overload_seconds += too_much > 0
        overloads += too_much
        used += len(loads)
        bound += lower_bound(offered, settings.upper)
        for move in balancer.plan(_measure(offered, placement, loads, hidden), now=second):
            placement[move.item] = move.target
            moves[second // 60] += 1
    most = max(moves.values(), default=0)
    return Simulated(trace, seed, seconds, moves.total(), most, used, bound, overload_seconds, overloads)


def lower_bound(offered: Offered, upper: float) -> int:
    """Processors that it takes if none may be above `upper`; a queue too large for that has one to itself."""
    return max(1, math.ceil(sum(min(load, upper) for load in offered) / upper - ROUNDING))


def _loads(offered: Offered, placement: Mapping[Item, int]) -> dict[int, float]:
    """What each processor in use is offered."""
    loads: defaultdict[int, float] = defaultdict(float)
    for load, processor in zip(offered, placement.values(), strict=True):
        loads[processor] += load
    return loads


def _measure(
    offered: Offered, placement: Mapping[Item, int], loads: Mapping[int, float], hidden: bool
) -> Sample:
    """An overloaded processor gives each of its queues the same part of what it is offered."""
    busy = {processor: min(1.0, load) for processor, load in loads.items()}
    shares = {
        queue: load / max(1.0, loads[processor]) if hidden else load
        for load, (queue, processor) in zip(offered, placement.items(), strict=True)
    }
    return Sample(busy, shares, placement)
