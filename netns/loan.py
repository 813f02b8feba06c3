"""A loan: a link of the machine's own that a lab has, or is about to have, and how to give it back.

A value, so that it can be written down before the link is taken; `lending` acts on it.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from netns.processes import Identity


class Loan(NamedTuple):
    """A link, where it goes, and how it was at home."""

    ifname: str
    to: str  # the borrower's namespace
    home: Identity
    up: bool
    mtu: int
    features: Mapping[str, bool]  # of those that are changed

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Self:
        """A loan that was written down as JSON."""
        device, inode = document["home"]
        return cls(**{**document, "home": (device, inode)})
