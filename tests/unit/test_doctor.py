"""Each finding has its cure, and the exit code says whether the demo can run."""

import json
from typing import NoReturn

import pytest
import typer

from netns.errors import NetnsError
from vmdqemu.cli import doctor
from vmdqemu.cli.doctor import Check, Finding, State
from vmdqemu.errors import Missing

OK = Check("fine", lambda: "as it should be")


def check(error: Exception, essential: bool) -> Check:
    def fail() -> NoReturn:
        raise error

    return Check("broken", fail, essential)


GONE = Missing("not there", "get one")


@pytest.mark.parametrize(
    ("check", "finding"),
    [
        (OK, Finding("fine", State.OK, "as it should be")),
        (check(GONE, True), Finding("broken", State.MISSING, "not there", "get one")),
        (check(GONE, False), Finding("broken", State.NOTE, "not there", "get one")),
        (
            check(OSError(38, "Function not implemented"), True),
            Finding("broken", State.MISSING, "[Errno 38] Function not implemented", doctor.ANOTHER_KERNEL),
        ),
        (
            check(NetnsError("the kernel says no"), True),
            Finding("broken", State.MISSING, "the kernel says no", doctor.ANOTHER_KERNEL),
        ),
    ],
    ids=["there", "missing", "missing but not needed", "refused by a system call", "refused by netlink"],
)
def test_what_a_probe_says_becomes_a_finding(check: Check, finding: Finding) -> None:
    assert doctor.examine(check) == finding


@pytest.mark.parametrize("as_json", [False, True])
def test_without_an_essential_the_command_ends_with_5(
    as_json: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (OK, check(GONE, True)))
    with pytest.raises(typer.Exit) as raised:
        doctor.doctor(as_json)
    assert raised.value.exit_code == 5
    assert "get one" in capsys.readouterr().out


def test_a_note_does_not_stop_the_demo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (OK, check(GONE, False)))
    doctor.doctor(as_json=False)
    assert capsys.readouterr().out.splitlines() == [
        "ok       fine            as it should be",
        "note     broken          not there; get one",
    ]


def test_json_is_one_document(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(doctor, "CHECKS", (OK, check(GONE, False)))
    doctor.doctor(as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "schema_version": 1,
        "ready": True,
        "checks": [
            {"check": "fine", "state": "ok", "found": "as it should be", "cure": ""},
            {"check": "broken", "state": "note", "found": "not there", "cure": "get one"},
        ],
    }


def test_no_two_checks_have_one_name() -> None:
    names = [check.name for check in doctor.CHECKS]
    assert len(set(names)) == len(names)
