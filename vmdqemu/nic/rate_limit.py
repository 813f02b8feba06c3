"""Rate limits: how much may go, and when more may.

A chip states a rate as a factor, link speed by rate, which has 14 bits of integer and 14 of fraction: what it
lets out is the link's speed by that factor, a little more than was asked for. Rates here are in octets on the
wire a second, those that an operator writes in Mbit/s. Time is passed in, in seconds.
"""

from typing import NamedTuple

BUCKET_SECONDS = 0.005  # a limit lets out at once what it earns in this time
NO_LIMIT = 1 << 40  # octets
FACTOR_BITS = 14  # of the integer, and of the fraction (RTTBCNRC)


class RateLimits(NamedTuple):
    """Which rates a chip's transmit queues can be held to, in Mbit/s."""

    link: int | None = None  # what the factor is relative to; None: any rate, exactly
    above: int = 0  # the driver refuses what is no more than this

    def settle(self, rate: float) -> float:
        """The rate that the chip's factor comes to. Raises ValueError if there is none for it.

        10000 by 300 is 33 and 5461 / 16384 (ixgbe_sriov.c, ixgbe_set_vf_rate_limit).
        """
        if self.link is None:
            return rate
        if not self.above < rate <= self.link:
            raise ValueError(f"a rate of {rate:g} does not fit; use more than {self.above}, to {self.link}")
        factor = int(self.link * (1 << FACTOR_BITS) / rate)
        if factor >= 1 << 2 * FACTOR_BITS:
            least = self.link / (1 << FACTOR_BITS)
            raise ValueError(f"a rate of {rate:g} does not fit; use more than {least:.2g}, to {self.link}")
        return self.link * (1 << FACTOR_BITS) / factor


class Bucket:
    """What a rate lets out, in octets on the wire. Overdrawn, it is closed until that is paid back."""

    __slots__ = ("_filled_at", "_rate", "_size", "_tokens")

    def __init__(self, rate: float | None) -> None:
        """rate: octets a second, None for no limit."""
        self._rate = rate
        self._size = self._tokens = 0.0 if rate is None else rate * BUCKET_SECONDS
        self._filled_at = 0.0

    def fill(self, now: float) -> bool:
        """Earn tokens up to the bucket's size, unless it is in debt; whether it is not."""
        if self._rate is None:
            return True
        if now < self.solvent_at():
            return False
        self._tokens = min(self._size, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        return True

    def take(self, octets: int) -> None:
        """Spend tokens."""
        if self._rate is not None:
            self._tokens -= octets

    @property
    def limited(self) -> bool:
        """Whether there is a rate at all."""
        return self._rate is not None

    @property
    def spendable(self) -> int:
        """Octets that may go now: at least one, so that every turn moves a frame."""
        return NO_LIMIT if self._rate is None else max(0, int(self._tokens)) + 1

    def solvent_at(self) -> float:
        """When the debt will have been paid back."""
        assert self._rate is not None
        return self._filled_at + max(0.0, -self._tokens) / self._rate
