"""What groups of commands have in common."""

import pytest

from tests.unit.asking import ended
from vmdqemu.cli.group import given


def test_a_group_alone_shows_its_help(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "queue") == 2
    printed = capsys.readouterr()
    assert "The adapter's receive queues." in printed.out + printed.err


def test_what_was_not_used_is_left_out() -> None:
    assert given(weight=None, rate=0.0, strict=False) == {"rate": 0.0, "strict": False}
