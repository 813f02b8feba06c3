"""Keys of a lab file given another value on a command line: `mode=vmmq`, `mtu=9000`, `vm.vm1.queues=4`.

A key without a table is [adapter]'s unless the top of the file has it. The value is TOML's; what is no TOML
is text, so that a word needs no quotes. What a key may hold is checked afterwards, as if the file had it so.
"""

import difflib
import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from vmdqemu.config_problems import Tables, fields, shown
from vmdqemu.errors import UsageError
from vmdqemu.host import keywords

Document = dict[str, Any]


NAMED = ("vm", "wire.host")  # of these tables there may be several, each with a name
NAMELESS = "mirror"  # of this one too, without a name: all of them are set at once


def set_keys(document: Document, changes: Iterable[str], tables: Tables) -> None:
    """Set keys, one after the other. A VM's table is found by its name.

    Raises UsageError for a change that names no key, with the nearest keys.
    """
    known = _paths(tables)
    for change in changes:
        _set_key(document, change, known)


def _paths(tables: Tables) -> dict[str, str]:
    """The path of every key, and how it is written: {"vm.queues": "vm.NAME.queues"}."""
    paths = {f"keywords.{name}": f"keywords.{name}" for name in keywords.DEFAULTS}
    for table in (name for name in tables if name != NAMELESS):
        above = f"{table}.NAME." if table in NAMED else f"{table}." if table else ""
        paths |= {f"{table}.{key}".removeprefix("."): above + key for key in fields(tables[table])}
    return paths


def _set_key(document: Document, change: str, known: Mapping[str, str]) -> None:
    path, equals, text = change.partition("=")
    *tables, key = path.strip().split(".")
    if not equals or not all((*tables, key)):
        raise UsageError(f"--set {change}: write KEY=VALUE, such as adapter.mode=vmq or vm.vm1.queues=4")
    if not tables and key not in known and f"adapter.{key}" in known:
        tables = ["adapter"]
    table: Any = document
    way = []
    for step in tables:
        if isinstance(table, list):
            table = _named(table, step, change)
        else:
            way.append(step)
            table = _inner(table, step, change)
    if not isinstance(table, dict):
        raise UsageError(f"--set {change}: there are several; name one, as in vm.vm1.queues=4")
    if (found := ".".join((*way, key))) not in known:
        raise UsageError(f"--set {change}: no such key; {_nearest(found, known)}")
    table[key] = read_value(text.strip())


def _named(tables: list[Any], name: str, change: str) -> Any:
    """The one of several tables that has a `name`."""
    names = [entry.get("name") for entry in tables if isinstance(entry, dict)]
    if name not in names:
        raise UsageError(f"--set {change}: no {shown(name)}; use one of {', '.join(map(str, names))}")
    return next(entry for entry in tables if isinstance(entry, dict) and entry.get("name") == name)


def _inner(table: Any, step: str, change: str) -> Any:
    inner = table.setdefault(step, {})
    if not isinstance(inner, dict | list):
        raise UsageError(f"--set {change}: {step} is no table")
    return inner


def _nearest(path: str, known: Mapping[str, str]) -> str:
    """The keys that are spelled nearly so, wherever they are, the nearest path first."""
    alike = difflib.get_close_matches(_last(path), dict.fromkeys(map(_last, known)))
    nearest = difflib.get_close_matches(path, [each for each in known if _last(each) in alike], cutoff=0)
    if not nearest:
        return "vmdqemu validate --schema shows them all"
    return f"did you mean {' or '.join(known[each] for each in nearest)}?"


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def read_value(text: str) -> Any:
    """A value as TOML has it; what is no TOML is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text
