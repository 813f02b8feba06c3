"""Shares: what each VPort may have of the transmitter, and which terms a chip can keep."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from vmdqemu.nic.disciplines import Discipline
from vmdqemu.nic.rate_limit import RateLimits


class Share(NamedTuple):
    """The terms on which a VPort's transmit queues are served."""

    weight: int = 1
    rate: float | None = None  # Mbit/s on the wire; None for no limit
    strict: bool = False  # served before all that are not


class ArbiterRules(NamedTuple):
    """How a chip arbitrates between the transmit queues of its pools."""

    disciplines: tuple[Discipline, ...]  # the first one unless another is asked for
    strict: bool
    rates: RateLimits | None  # None: it limits none
    source: str

    def choose(self, name: str | None) -> Discipline:
        """The discipline of that name, or the chip's own. Raises ValueError if it has no such discipline."""
        if name is None:
            return self.disciplines[0]
        if Discipline(name) not in self.disciplines:
            known = " or ".join(f'"{discipline.value}"' for discipline in self.disciplines)
            raise ValueError(f'"{name}" is none of the chip\'s; use {known} ({self.source})')
        return Discipline(name)

    def settle(self, share: Share) -> Share:
        """The terms that the chip keeps for those asked for. Raises ValueError if it cannot."""
        if share.strict and not self.strict:
            raise ValueError(f"no queue of this chip goes before the others ({self.source})")
        if share.rate is None:
            return share
        if self.rates is None:
            raise ValueError(f"no queue of this chip has a rate limit ({self.source})")
        try:
            return share._replace(rate=self.rates.settle(share.rate))
        except ValueError as error:
            raise ValueError(f"{error} Mbit/s ({self.source})") from None


_ROUND_ROBIN = (Discipline.ROUND_ROBIN,)
_ONE_GBIT, _TEN_GBIT = 1000, 10_000
# Between pools RTTDCS bit 1 chooses, which Linux leaves at round robin. Its limits need a link of 10 Gbit/s.
_82599 = ArbiterRules(
    disciplines=(Discipline.ROUND_ROBIN, Discipline.WEIGHTED),
    strict=False,  # "link strict" is a traffic class's
    rates=RateLimits(_TEN_GBIT, above=10),
    source="X550 7.2.1.2.3, ixgbe_sriov.c",
)

# By adapter model. "ideal" is no chip.
ARBITERS: Final[Mapping[str, ArbiterRules]] = {
    "82575": ArbiterRules(_ROUND_ROBIN, strict=False, rates=None, source="igb_main.c"),
    "82576": ArbiterRules(
        _ROUND_ROBIN, strict=True, rates=RateLimits(_ONE_GBIT), source="igb_main.c, e1000_82575.h"
    ),
    "82598": ArbiterRules(_ROUND_ROBIN, strict=False, rates=None, source="ixgbe_main.c"),
    "82599": _82599,
    "x550": _82599,
    "ideal": ArbiterRules(
        (Discipline.DEFICIT, Discipline.ROUND_ROBIN, Discipline.WEIGHTED),
        strict=True,
        rates=RateLimits(),
        source="no chip",
    ),
}
