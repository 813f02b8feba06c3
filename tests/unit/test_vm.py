"""`vm add` reads the file, so that the daemon need not; what is wrong with it is said with its name."""

from pathlib import Path

import pytest

from vmdqemu.cli import reading, vm
from vmdqemu.errors import LabFileError, UsageError


def test_the_daemon_is_sent_the_files_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []
    monkeypatch.setattr(reading, "change", lambda *what, **params: asked.append((what, params)))
    file = tmp_path / "more.toml"
    file.write_text('[[vm]]\nname = "vm2"\n')
    vm.add(file, "lab", as_json=True)
    assert asked == [(("vm.add", "lab", True), {"tables": '[[vm]]\nname = "vm2"\n'})]


def test_a_problem_has_the_files_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise LabFileError(["vm[0].name: missing", "vm[0].mac: wrong"])

    monkeypatch.setattr(reading, "change", refuse)
    file = tmp_path / "more.toml"
    with pytest.raises(LabFileError, match="No such file") as caught:
        vm.add(file, None, as_json=False)
    assert str(caught.value).startswith(f"{file}: ")
    file.touch()
    with pytest.raises(LabFileError) as caught:
        vm.add(file, None, as_json=False)
    assert caught.value.problems == (f"{file}: vm[0].name: missing", f"{file}: vm[0].mac: wrong")


def test_another_refusal_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise UsageError("there are several labs")

    monkeypatch.setattr(reading, "change", refuse)
    file = tmp_path / "more.toml"
    file.touch()
    with pytest.raises(UsageError, match="several labs"):
        vm.add(file, None, as_json=False)
