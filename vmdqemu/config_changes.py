"""Keys of a lab file given another value on a command line: `mode=vmmq`, `mtu=9000`, `vm.vm1.queues=4`.

A key without a table is [adapter]'s unless the top of the file has it.

The value is TOML's; what is no TOML is text, so that a word needs no quotes. What a key may hold is checked
afterwards, as if the file had said so.
"""

import tomllib
from collections.abc import Container
from typing import Any

from vmdqemu.config_problems import shown
from vmdqemu.errors import UsageError

Document = dict[str, Any]


def set_key(document: Document, change: str, top: Container[str]) -> None:
    """Set one key. A VM's table is found by its name. Raises UsageError if the way to the key is none.

    top: the keys that the top of the file has.
    """
    path, equals, text = change.partition("=")
    *tables, key = path.strip().split(".")
    if not equals or not all((*tables, key)):
        raise UsageError(f"--set {change}: write KEY=VALUE, such as adapter.mode=vmq or vm.vm1.queues=4")
    if not tables and key not in top:
        tables = ["adapter"]
    table: Any = document
    for step in tables:
        table = _inner(table, step, change)
    if not isinstance(table, dict):
        raise UsageError(f"--set {change}: there are several; name one, as in vm.vm1.queues=4")
    table[key] = read_value(text.strip())


def _inner(table: Any, step: str, change: str) -> Any:
    """The table of that name, or the one of several that has it as its `name`."""
    if isinstance(table, list):
        names = [entry.get("name") for entry in table if isinstance(entry, dict)]
        if step not in names:
            raise UsageError(f"--set {change}: no {shown(step)}; use one of {', '.join(map(str, names))}")
        return next(entry for entry in table if isinstance(entry, dict) and entry.get("name") == step)
    inner = table.setdefault(step, {})
    if not isinstance(inner, dict | list):
        raise UsageError(f"--set {change}: {step} is no table")
    return inner


def read_value(text: str) -> Any:
    """A value as TOML has it; what is no TOML is text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except ValueError:
        return text
