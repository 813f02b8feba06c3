"""`vf`: what is said on the command line is what the daemon is asked."""

from typing import Any

import pytest
from typer.testing import CliRunner

from vmdqemu.cli import reading
from vmdqemu.cli.main import app


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    said: list[Any] = []
    monkeypatch.setattr(reading, "change", lambda method, *_, **params: said.append((method, params)))
    monkeypatch.setattr(reading, "read", lambda method, *_: said.append((method, {})))
    return said


@pytest.mark.parametrize(
    ("line", "method", "params"),
    [
        ("list", "vf.list", {}),
        ("add vm1", "vf.add", {"vm": "vm1"}),
        ("del vm1", "vf.remove", {"vm": "vm1", "surprise": False}),
        ("del vm1 --surprise", "vf.remove", {"vm": "vm1", "surprise": True}),
        ("reset vm1", "vf.reset", {"vm": "vm1"}),
        ("set vm1 --trust on --spoofchk off", "vf.set", {"vm": "vm1", "trust": True, "spoofchk": False}),
        ("set vm1 --vlan 0 --rate 0", "vf.set", {"vm": "vm1", "vlan": 0, "rate": 0.0}),
        ("set vm1 --mac 02:00:00:00:00:09", "vf.set", {"vm": "vm1", "mac": "02:00:00:00:00:09"}),
    ],
)
def test_a_line_is_a_request(line: str, method: str, params: dict[str, Any], asked: list[Any]) -> None:
    assert CliRunner().invoke(app, ["vf", *line.split()]).exit_code == 0
    assert asked == [(method, params)]
