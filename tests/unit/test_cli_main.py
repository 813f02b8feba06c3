"""The command line: what exists, what it imports, and how it ends."""

import subprocess
import sys
from typing import NoReturn

import pytest

from netns.errors import NetnsError
from tests.unit.asking import ended
from vmdqemu import __version__, errors
from vmdqemu.cli import main, reading

HEAVY = {
    "pyroute2",
    "uvloop",
    "scapy",
    "vmdqemu.bpf.loader",
    "vmdqemu.daemon.main",
    "vmdqemu.daemon.plant",
    "vmdqemu.daemon.supervisor",
}
SCRIPT = """
import sys
from vmdqemu.cli.main import main
sys.argv = ["vmdqemu", *sys.argv[1:]]
try:
    main()
finally:
    print(*sys.modules)
"""


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (errors.VmdqemuError("it failed"), 1),
        (NetnsError("it failed"), 1),
        (errors.UsageError("it failed"), 2),
        (errors.NotRunning("it failed"), 3),
        (errors.LabFileError(["it failed"]), 4),
        (errors.Missing("it", "failed"), 5),
        (errors.AssertionFailed("it failed"), 6),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_trouble_is_one_line_and_an_exit_code(
    error: BaseException,
    exit_code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(*_: object) -> NoReturn:
        raise error

    monkeypatch.setattr(reading, "read", fail)
    assert ended(monkeypatch, "status") == exit_code
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err == (f"{error}\n" if str(error) else "")  # Ctrl-C is quiet


def test_a_bug_is_let_through(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> NoReturn:
        raise ZeroDivisionError

    monkeypatch.setattr(reading, "read", fail)
    monkeypatch.setattr(sys, "argv", ["vmdqemu", "status"])
    with pytest.raises(ZeroDivisionError):
        main.main()


@pytest.mark.parametrize(
    "arguments",
    [("fly",), ("up",), ("up", "a.toml", "--fast"), ("exec", "vm1"), ("vport", "fly"), ("status", "two")],
    ids=" ".join,
)
def test_a_command_that_does_not_exist_is_a_usage_error(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, *arguments) == 2
    assert "Error: " in capsys.readouterr().err


def test_help_names_every_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "--help") == 0
    out = capsys.readouterr().out
    commands = "up down status exec validate migrate vport queue mode processor stats trace doctor demo"
    for command in commands.split():
        assert f"\n  {command} " in out


@pytest.mark.parametrize("method", reading.SHOW)
def test_every_reading_is_a_command(
    method: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(reading, "read", lambda *request: asked.append(request))
    command = method.replace("stats.", "stats.--").split(".")
    assert ended(monkeypatch, *command, "-j", "--lab", "two") == 0
    assert ended(monkeypatch, *command) == 0
    assert asked == [(method, "two", True), (method, None, False)]
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "arguments", [("status",), ("stats", "-j"), ("exec", "vm1", "--", "true")], ids=" ".join
)
def test_clients_import_no_part_of_what_they_ask(arguments: tuple[str, ...]) -> None:
    command = [*arguments[:1], "--lab", "no-such-lab", *arguments[1:]]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *command], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode != 0
    modules = set(done.stdout.split())
    assert "vmdqemu.daemon.runtime" in modules
    assert not modules & HEAVY


def test_a_trace_imports_nothing_that_runs_a_lab() -> None:
    lab = "netns/labs/vmq.toml"
    command = ["trace", "--lab", lab, "--from", "wire", "00" * 60]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *command], capture_output=True, text=True, timeout=30, check=True
    )
    modules = set(done.stdout.splitlines()[-1].split())
    assert not modules & HEAVY
    assert not {
        name for name in modules if name.startswith(("netns.lab", "vmdqemu.datapath", "vmdqemu.daemon"))
    }


def test_help_imports_nothing_but_the_command_line() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--help"], capture_output=True, text=True, timeout=30, check=True
    )
    imported = {name for name in done.stdout.split() if name.startswith("vmdqemu")}
    assert {name for name in imported if not name.endswith("_commands")} == {
        "vmdqemu",
        "vmdqemu.cli",
        "vmdqemu.cli.group",
        "vmdqemu.cli.main",
        "vmdqemu.cli.options",
        "vmdqemu.errors",
    }


def test_the_version_is_shown_and_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(monkeypatch, "--version") == 0
    assert capsys.readouterr().out == f"vmdqemu {__version__}\n"
