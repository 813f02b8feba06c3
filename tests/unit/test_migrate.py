"""`migrate`: from the lab that has the VM, whose name need not be given."""

from typing import Any

import pytest

from vmdqemu.cli import client, migrate
from vmdqemu.daemon import runtime
from vmdqemu.daemon.runtime import Record
from vmdqemu.errors import UsageError
from vmdqemu.host.migration import plan


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str | None]:
    """Labs a and b run, with vm2 in a and vm3 in both; whom `migrate` is asked of."""
    homes: list[str | None] = []
    vms = {"a": ["vm2", "vm3"], "b": ["vm3"]}
    records = [Record(lab, 1, "", ()) for lab in vms]
    monkeypatch.setattr(runtime, "records", lambda: records)
    monkeypatch.setattr(runtime, "running", lambda _: True)

    def ask(method: str, lab: str | None, **params: Any) -> dict[str, Any]:
        if method == "vm.list":
            assert lab is not None
            return {"vms": [{"name": name} for name in vms[lab]]}
        homes.append(lab)
        steps = [{**step._asdict(), "seconds": 0.001} for step in plan(vf=False)]
        return {
            "vm": params["vm"],
            "from": "a",
            "to": params["to"],
            "dry_run": params["dry_run"],
            "steps": steps,
        }

    monkeypatch.setattr(client, "ask", ask)
    return homes


def test_the_lab_that_has_the_vm_is_found(
    asked: list[str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    migrate.migrate("vm2", "b", dry_run=False, lab=None, as_json=False)
    assert asked == ["a"]
    out = capsys.readouterr().out
    assert out.startswith("vm2 went from lab a to lab b\n")
    assert "admit" in out


def test_a_plan_shows_how_each_step_is_undone(
    asked: list[str | None], capsys: pytest.CaptureFixture[str]
) -> None:
    migrate.migrate("vm2", "b", dry_run=True, lab="a", as_json=False)
    assert asked == ["a"]
    assert "reads it again, and announces the VM" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("vm", "reason"),
    [
        ("vm3", "several labs have a VM vm3 (a, b); name one with --lab"),
        ("vm9", "no running lab has a VM 'vm9'"),
    ],
)
def test_a_vm_of_several_labs_or_of_none_is_not_guessed(
    vm: str, reason: str, asked: list[str | None]
) -> None:
    with pytest.raises(UsageError) as caught:
        migrate.migrate(vm, "b", dry_run=False, lab=None, as_json=False)
    assert reason in str(caught.value)
    assert asked == []
