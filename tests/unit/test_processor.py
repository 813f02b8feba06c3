"""`processor list`: the daemon's rows, each with what its process did meanwhile."""

import os
from typing import Any

import pytest

from vmdqemu.cli import client, processor
from vmdqemu.errors import VmdqemuError

ROW = {"processor": 0, "cpu": 1, "pid": os.getpid(), "speed": 0.25, "queues": [0, 4]}


def _document(**changes: Any) -> dict[str, Any]:
    return {"schema_version": 1, "processors": [ROW | changes]}


def test_every_processor_and_the_machine_have_their_shares() -> None:
    document = processor.watch(_document(), 0.02)
    (row,) = document["processors"]
    assert {"busy", "waiting"} <= set(row)
    assert set(document["machine"]) == {"busy", "idle", "steal"}


def test_a_processor_that_nobody_serves_has_no_share(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(client, "ask", lambda *_: _document(pid=None))
    monkeypatch.setattr(processor, "SECONDS", 0.0)
    processor.show(None, as_json=False)
    assert "0 1 0.25 - - 0 4" in " ".join(capsys.readouterr().out.split())


def test_a_worker_that_was_replaced_meanwhile_is_no_number() -> None:
    with pytest.raises(VmdqemuError, match="ask again"):
        processor.watch(_document(pid=2**22 + 1), 0.0)
