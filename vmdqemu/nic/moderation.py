"""Interrupt moderation: how soon after an interrupt the next one may follow.

The counter of a vector restarts at each interrupt (X550 7.3.2). An event that comes while it runs waits until
it ends; when a whole interval has passed without an event, the next one interrupts at once. So moderation
costs an idle queue nothing, and a busy one at most an interval of delay. Time is passed in, in seconds.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

MICROSECOND: Final = 1000  # nanoseconds


class Units(NamedTuple):
    """What a chip's interval register can hold (EITR), in nanoseconds."""

    step: int
    most: int

    def settle(self, interval: int) -> int:
        """The interval that the register takes for one that is asked for: whole steps, 0 only for 0.

        The drivers cut off what is less than a step. Raises ValueError if it does not fit.
        """
        if not 0 <= interval <= self.most:
            last = self.most // MICROSECOND
            raise ValueError(f"an interval of {interval / MICROSECOND:g} does not fit; use 0 to {last}")
        return max(self.step, interval - interval % self.step) if interval else 0


_TICK = 256  # nanoseconds: 575-SDM 14.3.45, 598-DS p.318

# By adapter model. 82576: bits 14:2 of 1 us. 82599: bits 11:3 of 2 us, which its drivers count although it is
# 2.048 at 10 Gbit/s (X550 7.3.2). "ideal" is no chip: 16 bits of a microsecond.
UNITS: Final[Mapping[str, Units]] = {
    "82575": Units(_TICK, 0xFFFF * _TICK),
    "82576": Units(1000, 8191 * 1000),
    "82598": Units(_TICK, 0xFFFF * _TICK),
    "82599": Units(2000, 511 * 2000),
    "x550": Units(2000, 511 * 2000),
    "ideal": Units(1000, 0xFFFF * 1000),
}


class Moderation(NamedTuple):
    """What an operator asks for."""

    interval: int  # nanoseconds; 0 is off. Of an adaptive one: what it starts with
    adaptive: bool = False  # the interval follows the load

    @property
    def spelled(self) -> float | str:
        """As it is written: microseconds, or "adaptive"."""
        return "adaptive" if self.adaptive else self.interval / MICROSECOND


LATENCY, BALANCE, BULK = 10_000, 50_000, 84_000  # ns: 100K, 20K and 12K interrupts a second (ixgbe.h)

OFF: Final = Moderation(0)

# NDIS: NDIS_NIC_SWITCH_VPORT_INTERRUPT_MODERATION names the levels and no times. The times are the values of
# the Windows driver's ITR keyword (StarTech ST2000SPEXI manual, p. 10); that it counts ticks is an inference.
LEVELS: Final[Mapping[str, Moderation]] = {
    "off": OFF,
    "low": Moderation(400 * _TICK),
    "medium": Moderation(950 * _TICK),
    "high": Moderation(2000 * _TICK),
    "adaptive": Moderation(LATENCY, adaptive=True),
}


def read(value: object) -> Moderation:
    """A level's name or whole microseconds, as an operator writes it. Raises ValueError with the cure."""
    if isinstance(value, str) and value in LEVELS:
        return LEVELS[value]
    text = str(value)
    if isinstance(value, bool) or not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"no interrupt moderation; use whole microseconds or one of {', '.join(LEVELS)}")
    return Moderation(int(text) * MICROSECOND)


def adapt(octets: int, seconds: float) -> int:
    """The interval, in nanoseconds, for the load of the last one: ixgbe's classes (ixgbe_update_itr).

    Up to 10 octets a microsecond latency counts; above 20 it is bulk.
    """
    load = octets / max(seconds, 1e-9) * 1e-6
    if load <= 10:
        return LATENCY
    return BALANCE if load <= 20 else BULK


class Throttle:
    """The interval counter of one vector."""

    __slots__ = ("_adaptive", "_fired_at", "_octets", "interval")

    def __init__(self, moderation: Moderation) -> None:
        self._adaptive = moderation.adaptive
        self.interval = moderation.interval  # nanoseconds
        self._fired_at = float("-inf")
        self._octets = 0

    @property
    def due(self) -> float:
        """When the next interrupt may be raised."""
        return self._fired_at + self.interval * 1e-9

    def carried(self, octets: int) -> None:
        """So much was received since the last interrupt."""
        self._octets += octets

    def fire(self, now: float) -> None:
        """An interrupt is raised, and the counter restarts."""
        if self._adaptive:
            self.interval = adapt(self._octets, now - self._fired_at)
        self._fired_at, self._octets = now, 0
