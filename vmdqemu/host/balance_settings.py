"""The knobs of the balancer, each with where its default comes from."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Settings:
    """Shares are of one processor, times in seconds. Raises ValueError, naming the field and the cure.

    `upper` is Microsoft's; nothing else is published. The other defaults are ours, tried in simulation.
    """

    upper: float = 0.90  # a processor above gives items away ("VMQ CPU assignment tips and tricks")
    lower: float = 0.60  # a processor below is emptied
    margin: float = 0.10  # a processor is filled up to `upper` less this
    period: float = 1.0  # from one plan to the next
    patience: float = 2.0  # how long a processor stays below `lower` before it is emptied
    rest: float = 10.0  # how long an item that moved is not drawn together
    budget: int = 6  # moves of one item in any minute
    saturated: float = 0.97  # a processor as busy as this hides how much more its items want
    growth: float = 2.0  # what all on a saturated processor are then taken to want

    def __post_init__(self) -> None:
        for field, sound, cure in (
            ("upper", 0 < self.upper <= 1, "a share above 0, at most 1"),
            ("lower", 0 <= self.lower < self.upper, f"a share from 0, below upper ({self.upper})"),
            ("margin", 0 <= self.margin < self.upper, f"a share from 0, below upper ({self.upper})"),
            ("period", self.period > 0, "more than 0 seconds"),
            ("patience", self.patience >= 0, "0 seconds or more"),
            ("rest", self.rest >= 0, "0 seconds or more"),
            ("budget", self.budget >= 1, "at least 1 move"),
            ("saturated", 0 < self.saturated <= 1, "a share above 0, at most 1"),
            ("growth", self.growth >= 1, "at least 1"),
        ):
            if not sound:
                raise ValueError(f"{field}: {getattr(self, field)} cannot be; use {cure}")

    @property
    def full(self) -> float:
        """The load that a processor may be given."""
        return self.upper - self.margin


DYNAMIC_VMQ: Final = Settings()
VRSS: Final = Settings(upper=0.80, lower=0.50)  # one processor's load at which vRSS extends (vRSS FAQ)
