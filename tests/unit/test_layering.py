"""The layers: `nic` knows nobody, `host` knows `nic`, both are pure; `netns` knows nothing of ours."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PURE = {
    "__future__",
    "collections",
    "dataclasses",
    "enum",
    "functools",
    "ipaddress",
    "itertools",
    "math",
    "operator",
    "re",
    "struct",
    "typing",
}
IMPURE_BUILTINS = {"__import__", "breakpoint", "compile", "eval", "exec", "input", "open", "print"}
ONLY = {
    "vmdqemu/nic": PURE | {"vmdqemu.nic"},
    "vmdqemu/host": PURE | {"vmdqemu.nic", "vmdqemu.host"},
}
NEVER = {
    "netns": {"vmdqemu"},
    "vmdqemu/datapath": {
        "scapy",
        "matplotlib",
        "textual",
        "vmdqemu.daemon",
        "vmdqemu.observe",
        "vmdqemu.cli",
        "vmdqemu.experiments",
    },
    "vmdqemu/daemon": {
        "scapy",
        "matplotlib",
        "textual",
        "vmdqemu.cli",
        "vmdqemu.observe",
        "vmdqemu.experiments",
    },
    "vmdqemu/observe": {"scapy", "matplotlib", "textual", "vmdqemu.cli", "vmdqemu.experiments"},
    "vmdqemu/experiments": {"vmdqemu.cli", "vmdqemu.daemon.supervisor"},
}


def files(room: str) -> list[str]:
    return sorted(str(path.relative_to(ROOT)) for path in (ROOT / room).rglob("*.py"))


def imports(source: str, package: str) -> Iterator[str]:
    """The full name of everything that a module of `package` imports, inside its functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) + 1 - node.level] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{module}.{alias.name}" for alias in node.names)


def imported_by(path: str) -> set[str]:
    return set(imports((ROOT / path).read_text(), ".".join(Path(path).parent.parts)))


def under(name: str, roots: set[str]) -> bool:
    return any(name == root or name.startswith(f"{root}.") for root in roots)


@pytest.mark.parametrize(("room", "path"), [(room, path) for room in ONLY for path in files(room)])
def test_a_pure_layer_imports_itself_what_lies_below_and_pure_modules(room: str, path: str) -> None:
    assert {name for name in imported_by(path) if not under(name, ONLY[room])} == set()


@pytest.mark.parametrize("path", [path for room in ONLY for path in files(room)])
def test_a_pure_layer_calls_nothing_that_does_io(path: str) -> None:
    names = {node.id for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.Name)}
    assert names & IMPURE_BUILTINS == set()


@pytest.mark.parametrize(("room", "path"), [(room, path) for room in NEVER for path in files(room)])
def test_a_layer_imports_nothing_from_above_and_no_heavy_extra(room: str, path: str) -> None:
    assert {name for name in imported_by(path) if under(name, NEVER[room])} == set()


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import os.path as path", "os.path"),
        ("from time import monotonic", "time.monotonic"),
        ("def work():\n    import socket", "socket"),
        ("from vmdqemu import host", "vmdqemu.host"),
        ("from . import rss", "vmdqemu.nic.rss"),
        ("from .. import host", "vmdqemu.host"),
        ("from ..host.vswitch import route", "vmdqemu.host.vswitch.route"),
    ],
)
def test_no_way_to_write_an_import_is_overlooked(source: str, name: str) -> None:
    assert list(imports(source, "vmdqemu.nic")) == [name]


def test_a_name_that_only_starts_alike_is_another_module() -> None:
    assert under("re", {"re"})
    assert under("vmdqemu.nic.rss", {"vmdqemu.nic"})
    assert not under("requests", {"re"})
    assert not under("vmdqemu.nics", {"vmdqemu.nic"})


@pytest.mark.parametrize("room", [*ONLY, *NEVER])
def test_every_layer_is_there_to_be_looked_at(room: str) -> None:
    assert len(files(room)) > 1
