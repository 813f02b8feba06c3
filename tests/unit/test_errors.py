"""Each kind of trouble has its exit code, and its message is what the operator reads."""

import pytest

from vmdqemu import errors


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (errors.VmdqemuError("failed"), 1),
        (errors.UsageError("no VM vm9"), 2),
        (errors.NotRunning("lab demo is not running"), 3),
        (errors.LabFileError(["mtu: 1 is too small"]), 4),
        (errors.Missing("/dev/net/tun is missing", "run modprobe tun"), 5),
        (errors.AssertionFailed("the law does not hold"), 6),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_kind_of_trouble_has_its_exit_code(error: errors.VmdqemuError, exit_code: int) -> None:
    assert error.exit_code == exit_code


def test_a_lab_file_error_prints_every_problem_on_a_line() -> None:
    error = errors.LabFileError(problem for problem in ("mtu: wrong", "vm: missing"))
    assert error.problems == ("mtu: wrong", "vm: missing")
    assert str(error) == "mtu: wrong\nvm: missing"


def test_what_is_missing_is_printed_with_its_cure() -> None:
    error = errors.Missing("/dev/net/tun is missing", "run modprobe tun")
    assert (error.message, error.cure) == ("/dev/net/tun is missing", "run modprobe tun")
    assert str(error) == "/dev/net/tun is missing; run modprobe tun"


@pytest.mark.parametrize(
    "error",
    [
        errors.VmdqemuError("failed"),
        errors.UsageError("no VM vm9"),
        errors.NotRunning("lab b is not running"),
        errors.LabFileError(["mtu: 1 is too small", "vm: missing"]),
        errors.Missing("/dev/net/tun is missing", "run modprobe tun"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_error_crosses_to_another_process_as_it_was(error: errors.VmdqemuError) -> None:
    there = errors.as_it_was(str(error), error.exit_code)
    assert (type(there), str(there)) == (type(error), str(error))
