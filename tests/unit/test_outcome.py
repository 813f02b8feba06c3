"""What every experiment leaves has the same shape."""

import json

import pytest

from tests.unit.measured_rows import STATUS
from vmdqemu.experiments import claims
from vmdqemu.experiments.gates import Gate
from vmdqemu.experiments.outcome import Outcome, all_hold, document
from vmdqemu.experiments.picture import Bars

BARS = Bars("", ("", ""), ["4"], {"off": [5.4]}, {}, None)
DESIGNED = {"schema_version", "experiment", "machine", "lab", "emulated", "claims", "rows", "ratios", "law"}


def outcome(*gates: Gate) -> Outcome:
    said = claims.without_fit("nothing is chosen")
    law = {"holds": True, "checks": []}
    return Outcome(
        "scaling", STATUS, (), said, [{"mode": "off"}], {"a/b": 1.0}, gates, law, BARS, {"jain": 1}
    )


def test_the_document_has_the_keys_of_every_result_and_the_experiments_own() -> None:
    written = json.loads(json.dumps(document(outcome())))
    assert set(written) >= DESIGNED | {"jain"}
    assert written["void"] is False
    assert written["answer"] is None


def test_one_that_was_made_for_a_question_has_its_answer() -> None:
    assert document(outcome()._replace(answer="No."))["answer"] == "No."


def test_one_gate_that_does_not_hold_makes_it_void() -> None:
    found = outcome(Gate("a", "1", True), Gate("b", "2", False))
    assert document(found)["void"] is True
    assert [gate.name for gate in found.broken] == ["b"]


@pytest.mark.parametrize("broken", [False, True])
def test_the_laws_of_several_labs_hold_together(broken: bool) -> None:
    laws = [{"holds": True, "checks": [{"name": "a"}]}, {"holds": not broken, "checks": [{"name": "b"}]}]
    assert all_hold(laws) == {"holds": not broken, "checks": [{"name": "a"}, {"name": "b"}]}
