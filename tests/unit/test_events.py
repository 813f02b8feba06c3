"""`events`: a line each, a document, or one after the other as they come."""

import json
from typing import Any

import pytest

from vmdqemu.cli import client, events
from vmdqemu.cli.events import spelled

MOVED: dict[str, Any] = {
    "number": 4,
    "time": 1.25,
    "event": "queue-moved",
    "queue": 3,
    "source": 0,
    "target": 1,
}
DIED: dict[str, Any] = {"number": 5, "time": 2.0, "event": "spare-died"}


def test_an_event_is_a_line_with_all_that_is_known() -> None:
    assert spelled(MOVED).endswith(":01.250 queue-moved queue=3 source=0 target=1")
    assert spelled(DIED).endswith(":02.000 spare-died")


def test_what_happened_is_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    document = {"schema_version": 1, "events": [MOVED, DIED]}
    monkeypatch.setattr(client, "ask", lambda *_: document)
    events.events(None, follow=False, as_json=True)
    assert json.loads(capsys.readouterr().out) == document
    events.events(None, follow=False, as_json=False)
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_what_follows_is_shown_once_each_until_ctrl_c(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [[MOVED], [], [DIED]]

    def ask(_method: str, _lab: str | None, after: int) -> dict[str, Any]:
        if not answers:
            raise KeyboardInterrupt
        return {"events": [event for event in answers.pop(0) if event["number"] > after]}

    monkeypatch.setattr(client, "ask", ask)
    monkeypatch.setattr(events, "PERIOD", 0.0)
    events.events(None, follow=True, as_json=True)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [MOVED, DIED]
