"""What goes on is said on stderr."""

import pytest

from vmdqemu.cli.progress import progress


def test_without_a_terminal_each_step_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress() as say:
        say("round 1")
        say("round 2")
    assert capsys.readouterr() == ("", "round 1\nround 2\n")
