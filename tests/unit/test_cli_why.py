"""`why`: a line for each finding, and a word where there is none."""

import json
from typing import Any

import pytest

from vmdqemu.cli import client, why


@pytest.mark.parametrize(
    ("findings", "printed"), [(["a; b", "c; d"], "a; b\nc; d\n"), ([], "nothing is in vm1's way\n")]
)
def test_findings_are_lines_or_a_document(
    findings: list[str], printed: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document: dict[str, Any] = {"schema_version": 1, "vm": "vm1", "findings": findings}
    monkeypatch.setattr(client, "ask", lambda *_, vm: document | {"vm": vm})
    why.why("vm1", None, as_json=False)
    assert capsys.readouterr().out == printed
    why.why("vm1", None, as_json=True)
    assert json.loads(capsys.readouterr().out) == document
