"""What an experiment came to: rows, ratios, gates, the law, and a picture."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from vmdqemu.experiments import results
from vmdqemu.experiments.gates import Gate
from vmdqemu.experiments.picture import Picture
from vmdqemu.experiments.results import Document

Claims = Mapping[str, Sequence[str]]


class Outcome(NamedTuple):
    """Everything that is shown and written."""

    experiment: str
    status: Document | None  # of its lab, of the last if it has built several; None: it needed none
    emulated: Sequence[str]
    claims: Claims
    rows: Sequence[Mapping[str, Any]]
    ratios: Mapping[str, float]
    gates: Sequence[Gate]
    law: Document | None  # None: not looked at yet, or no frame was sent
    picture: Picture
    more: Mapping[str, Any] = {}  # what only this experiment has
    answer: str | None = None  # in a sentence, to the question that it was made for
    conditions: Sequence[str] = ()  # that were the same for everybody who is compared

    @property
    def broken(self) -> list[Gate]:
        """The gates that make it void."""
        return [gate for gate in self.gates if not gate.holds]


def document(outcome: Outcome) -> Document:
    """As every results.json has it."""
    begun = results.document(outcome.experiment, outcome.status, outcome.emulated, outcome.claims)
    return begun | {
        **outcome.more,
        "rows": list(outcome.rows),
        "ratios": dict(outcome.ratios),
        "conditions": list(outcome.conditions),
        "answer": outcome.answer,
        "gates": [gate._asdict() for gate in outcome.gates],
        "void": bool(outcome.broken),
        "law": outcome.law,
    }


def all_hold(laws: Sequence[Document]) -> Document:
    """The laws of several labs as one."""
    checks = [check for law in laws for check in law["checks"]]
    return {"holds": all(law["holds"] for law in laws), "checks": checks}
