"""The one fitted number: how fast a processor is, so that one of them moves what the paper's did.

What a CPU second moves varies by a quarter between runs on a shared machine, so the fit is made in the run.
"""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Final, NamedTuple

from vmdqemu.errors import AssertionFailed
from vmdqemu.experiments.row import Limit, Row

CLOSE: Final = 0.03  # another row moves the speed by less: the fit ends
RECENT: Final = 5  # rows that count: fewer may all be luck, and the machine may have changed since others
DRIFT: Final = 0.06  # of the target: more than this in the counted rounds, and the fit was none
TRIES: Final = 8
FIRST: Final = 0.22  # a guess
FASTEST, SLOWEST = 1.0, 0.01  # [host] speed


class Point(NamedTuple):
    """What came through at a speed."""

    speed: float
    gbit_per_s: float


class Fit(NamedTuple):
    """The fitted speed, and what it was fitted to."""

    target: float  # Gbit/s
    speed: float
    points: tuple[Point, ...]


def fitted(points: Sequence[Point | Row], target: float) -> float:
    """The speed that gives `target`: while a processor is the limit, Gbit/s grow in proportion to it."""
    return target / median(point.gbit_per_s / point.speed for point in points)


def fit(measured: Callable[[float], Row], target: float, guess: float = FIRST) -> Fit:
    """Find the speed at which a row gives `target`; measured(speed) measures one.

    Raises AssertionFailed if the machine cannot do it.
    """
    points: list[Point] = []
    speed = guess
    for _ in range(TRIES):
        row = measured(speed)
        if row.limit is not Limit.PROCESSOR:  # the machine's, or the wire's
            speed = min(speed, target / row.gbit_per_s * speed)
            continue
        points.append(Point(speed, row.gbit_per_s))
        before, speed = speed, fitted(points[-RECENT:], target)
        if not SLOWEST <= speed <= FASTEST:
            break
        if len(points) >= RECENT and is_close(speed, before, CLOSE):
            return Fit(target, speed, tuple(points))
    else:
        if len(points) >= RECENT:  # a restless machine; whether it drifts too far, the counted rounds show
            return Fit(target, speed, tuple(points))
    raise AssertionFailed(
        f"no speed gives {target} Gbit/s on this machine now; it is too slow, or busy with something else"
    )


def is_close(value: float, target: float, tolerance: float) -> bool:
    """Whether a value is the target within a share of it."""
    return abs(value / target - 1) <= tolerance
