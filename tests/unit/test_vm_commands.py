"""`vm`: what each of its commands asks for."""

from pathlib import Path

import pytest

from tests.unit.asking import Asks
from vmdqemu.cli import migrate


def test_vms_are_added_set_and_removed(asks: Asks, tmp_path: Path) -> None:
    file = tmp_path / "more.toml"
    file.write_text('[[vm]]\nname = "vm2"\n')
    assert asks("vm", "add", str(file)) == ("vm.add", {"tables": file.read_text()})
    assert asks("vm", "remove", "vm2") == ("vm.remove", {"vm": "vm2"})
    assert asks("vm", "set", "vm2", "--vmq-weight", "0") == ("vm.set", {"vm": "vm2", "vmq_weight": 0})


def test_a_vm_migrates(asks: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrate, "_home", lambda _: None)
    asked = ("migrate", {"vm": "vm2", "to": "b", "dry_run": False})
    assert asks("migrate", "vm2", "--to", "b") == asked
    assert asks("migrate", "vm2", "--to", "b", "--dry-run") == (asked[0], {**asked[1], "dry_run": True})
