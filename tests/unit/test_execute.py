"""A command runs in the machine that is meant."""

import os
from typing import Any

import pytest

from vmdqemu.cli import client, execute
from vmdqemu.errors import UsageError

STATUS: dict[str, Any] = {
    "lab": "two",
    "vms": [{"name": "vm1", "namespace": "x-vm1"}, {"name": "vm2", "namespace": "x-vm2"}],
    "wire": {"namespace": "x-ext"},
    "outside": [{"name": "web", "namespace": "x-web"}],
}


@pytest.mark.parametrize(("vm", "namespace"), [("vm2", "x-vm2"), ("web", "x-web"), ("ext", "x-ext")])
def test_a_machine_is_found_by_its_name(vm: str, namespace: str) -> None:
    assert execute.namespace_of(vm, STATUS) == namespace


@pytest.mark.parametrize(
    ("vm", "status", "choice"),
    [
        ("vm9", STATUS, "vm1, vm2, web, ext"),
        ("ext", STATUS | {"wire": None, "outside": []}, "vm1, vm2"),
        ("x-vm1", STATUS, "vm1"),
    ],
    ids=["unknown", "no wire", "a namespace is no VM"],
)
def test_an_unknown_machine_is_refused_with_those_that_exist(
    vm: str, status: dict[str, Any], choice: str
) -> None:
    with pytest.raises(UsageError, match=f"lab two has no machine {vm}; choose one of: {choice}"):
        execute.namespace_of(vm, status)


def test_this_process_becomes_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    became: list[tuple[str, list[str]]] = []
    monkeypatch.setattr(client, "ask", lambda *_: STATUS)
    monkeypatch.setattr(os, "execvp", lambda file, argv: became.append((file, argv)))
    execute.execute("vm1", ["ping", "-c", "1", "10.0.0.2"], None)
    assert became == [("ip", ["ip", "netns", "exec", "x-vm1", "ping", "-c", "1", "10.0.0.2"])]
