"""Tables are read by eyes: aligned, complete, in 80 columns."""

import pytest

from vmdqemu.cli import table


def test_numbers_stand_right_and_text_left(capsys: pytest.CaptureFixture[str]) -> None:
    table.show(("name", "frames", "Gbit"), [("vm1", 1_234_567, 0.5), ("a-longer-name", 8, 12.345)])
    assert [line.rstrip() for line in capsys.readouterr().out.splitlines()] == [
        "name              frames   Gbit",
        "vm1            1,234,567   0.50",
        "a-longer-name          8  12.35",
    ]


def test_a_pipe_gets_every_row_on_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    table.show(("a", "b"), [("x" * 500, "y" * 500)])
    assert [len(line) for line in capsys.readouterr().out.splitlines()] == [1002, 1002]


def test_a_narrow_terminal_folds_the_last_column_between_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "room", lambda: 20)
    table.show(("a", "b"), [("x" * 10, "one two three")])
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines == [["a", "b"], ["x" * 10, "one", "two"], ["three"]]


def test_a_terminal_too_narrow_for_the_table_loses_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(table, "room", lambda: 5)
    table.show(("a", "b"), [("x" * 30, "y" * 30)])
    assert capsys.readouterr().out.splitlines()[1] == "x" * 30 + "  " + "y" * 30


def test_a_table_may_be_empty(capsys: pytest.CaptureFixture[str]) -> None:
    table.show(("a", "b"), [])
    assert capsys.readouterr().out.split() == ["a", "b"]


def test_what_looks_like_markup_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    table.show(("a",), [("[bold]vm[0][/bold] :smile:",)])
    assert "[bold]vm[0][/bold] :smile:" in capsys.readouterr().out
