"""Disciplines: how ports that have frames share turns.

Theory of operation: the ports stand in a circle and each has credit. The next one that has any gets a visit,
which spends it; when none has any left, all get their refill. That is the weighted round robin of X550
7.2.1.2.3. What is spent, what a refill brings and how long a visit lasts make the others of it:

    round robin   a wire frame a visit, and a refill is a wire frame
    weighted      a wire frame a visit, and a refill is the weight in credits of 64 octets
    deficit       a visit lasts as long as the credit does, and refills are long
                  (Shreedhar and Varghese, Deficit Round Robin)

A frame's size is known only once it was read, and the wire frames of a superframe cannot be parted. So a port
may overdraw by its last frame, and refills pay that back before it sends again ("a TSO packet counts frame by
frame"). Over time the shares are exact.
"""

from enum import Enum
from typing import Final, NamedTuple

BUDGET_FRAMES: Final = 64  # reads in one visit at most, so that nobody waits long for his turn
QUANTUM_OCTETS: Final = 16_384  # of a long refill of weight 1; a superframe takes up to four
CREDIT_OCTETS: Final = 64  # X550 7.2.1.2.3


class Discipline(Enum):
    """The disciplines by the names that a lab file has for them."""

    ROUND_ROBIN = "round-robin"
    WEIGHTED = "weighted"
    DEFICIT = "deficit"


class Rule(NamedTuple):
    """What makes a discipline."""

    by_frames: bool  # spends wire frames; else octets
    weighted: bool
    refill: int  # of weight 1
    frames: int  # reads in one visit at most
    gathered: int  # refills that a port without frames can gather


RULES: Final = {
    Discipline.ROUND_ROBIN: Rule(by_frames=True, weighted=False, refill=1, frames=1, gathered=1),
    Discipline.WEIGHTED: Rule(by_frames=False, weighted=True, refill=CREDIT_OCTETS, frames=1, gathered=2),
    Discipline.DEFICIT: Rule(
        by_frames=False, weighted=True, refill=QUANTUM_OCTETS, frames=BUDGET_FRAMES, gathered=1
    ),
}


class Account:
    """One port's credit. Refills come in rounds, and are booked when somebody looks."""

    __slots__ = ("_by_frames", "_most", "_refill", "_round", "credit")

    def __init__(self, rule: Rule, weight: int, since: int) -> None:
        """since: the round in which it is opened, with its first refill."""
        self._by_frames = rule.by_frames
        self._refill = self.credit = rule.refill * (weight if rule.weighted else 1)
        self._most = self._refill * rule.gathered
        self._round = since

    def has_credit(self, now: int) -> bool:
        """Whether there is any in this round."""
        missed = now - self._round
        if missed:
            self.credit = min(self.credit + missed * self._refill, max(self.credit, self._most))
            self._round = now
        return self.credit > 0

    def spend(self, wire_frames: int, octets: int) -> None:
        """Book a visit."""
        self.credit -= wire_frames if self._by_frames else octets

    def give_up(self) -> None:
        """Have no more until the next refill."""
        self.credit = min(self.credit, 0)

    def skip(self, rounds: int) -> None:
        """Get nothing in these rounds."""
        self._round += rounds

    @property
    def missing(self) -> int:
        """Refills until it has credit again."""
        return 0 if self.credit > 0 else -self.credit // self._refill + 1
