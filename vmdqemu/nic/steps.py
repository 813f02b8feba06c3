"""Steps: why a verdict is what it is, rule by rule, each with its source.

A verdict is a list of rules, and a rule is a plain function. Whoever makes a verdict takes each rule as a
step: `take(rule, frame, tables)`. Taken `plainly` it is just called; Steps write down what it found as well,
in the words that the rule was `explained` with. So there is one text of every rule, and an explanation cannot
say anything else than what was done.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
Rule = TypeVar("Rule", bound=Callable[..., Any])


class Take(Protocol):
    """How rules are called."""

    def __call__(self, rule: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What the rule finds."""


class Step(NamedTuple):
    """One rule that was applied."""

    name: str  # the rule's function, in words
    outcome: str
    source: str  # the section that the rule is taken from


class _Explanation(NamedTuple):
    source: str
    outcome: Callable[..., str]


_explanations: dict[Callable[..., Any], _Explanation] = {}


def explained(source: str, outcome: Callable[..., str]) -> Callable[[Rule], Rule]:
    """Give a rule its source and its words; outcome: called with what it found, then its arguments."""

    def explain(rule: Rule) -> Rule:
        _explanations[rule] = _Explanation(source, outcome)
        return rule

    return explain


def plainly(rule: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Just call it."""
    return rule(*args, **kwargs)


class Steps:
    """Writes every step down."""

    def __init__(self) -> None:
        self.taken: list[Step] = []

    def take(self, rule: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call a rule that was `explained`, and keep what it found."""
        found = rule(*args, **kwargs)
        about = _explanations[rule]
        name = rule.__name__.strip("_").replace("_", " ")
        self.taken.append(Step(name, about.outcome(found, *args, **kwargs), about.source))
        return found
