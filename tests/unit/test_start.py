"""What a daemon said before it ended, as the error that it was."""

from io import StringIO

import pytest

from vmdqemu.daemon.start import failure
from vmdqemu.errors import LabFileError, Missing, VmdqemuError


@pytest.mark.parametrize(
    "error",
    [
        LabFileError(["vm[0].mac: wrong", "vm[1].vlan: wrong"]),
        Missing("the kernel has no TAPs; not even one", "modprobe tun"),
        VmdqemuError("lab four is already running"),
    ],
)
def test_the_daemons_error_is_raised_again(error: VmdqemuError) -> None:
    again = failure({"error": str(error), "exit_code": error.exit_code}, StringIO())
    assert (type(again), vars(again), str(again)) == (type(error), vars(error), str(error))


@pytest.mark.parametrize(
    ("log", "last"), [("Traceback ...\nValueError: 7\n", "ValueError: 7"), ("", "it said nothing")]
)
def test_a_daemon_that_ended_without_an_answer_is_quoted(log: str, last: str) -> None:
    assert str(failure({}, StringIO(log))) == f"the daemon did not come up: {last}"
