"""What is wrong with a lab file, in the operator's words: the path, the fault, the cure.

`config` decides what is wrong; this file only says it. A line reads `vm[2].queues: <fault>; use <cure>`. The
cure is the field's own `description`, so that the message and the JSON Schema cannot drift apart.
"""

import difflib
import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

Location: TypeAlias = tuple[str | int, ...]
# Each table's name, such as "wire.host" or "" for the top of the file, and its model.
Tables: TypeAlias = Mapping[str, type[BaseModel]]

LONGEST_SHOWN = 60  # characters of the operator's own text that a message repeats
BARE_KEY = re.compile(rf"[A-Za-z0-9_-]{{1,{LONGEST_SHOWN}}}")  # TOML writes any other key in quotes


class Problem(NamedTuple):
    """What is wrong with its cure, and the keys and indices that lead there from the top of the file."""

    location: Location
    text: str


# pydantic's error types in the operator's words; a test meets each, and one looks for any that is not here
FAULTS = {
    "bool_type": "{value} is not true or false",
    "finite_number": "{value} is not a finite number",
    "float_type": "{value} is not a number",
    "greater_than": "{value} is too small",
    "greater_than_equal": "{value} is too small",
    "int_type": "{value} is not a whole number",
    "less_than_equal": "{value} is too large",
    "literal_error": "{value} is unknown",
    "missing": "missing",
    "model_type": "{value} is not a table",
    "multiple_of": "{value} is not a multiple of {multiple_of}",
    "string_pattern_mismatch": "{value} is not a name",
    "string_too_long": "{value} has {length} characters",
    "string_type": "{value} is not text",
    "too_long": "there are {length}",
    "too_short": "there is none",
    "tuple_type": "{value} is not a list",
}


def from_validation(error: ValidationError, tables: Tables) -> list[Problem]:
    """Each fault that pydantic found, once."""
    details = error.errors(include_url=False)
    return [Problem(fault["loc"], _text(fault, tables)) for fault in details if not _is_echo(fault)]


def _is_echo(fault: ErrorDetails) -> bool:
    """pydantic counts only sound items, so it calls a list of broken ones too short as well."""
    return fault["type"] == "too_short" and bool(fault["input"])


def _text(fault: ErrorDetails, tables: Tables) -> str:
    kind, value, context = fault["type"], fault["input"], fault.get("ctx", {})
    if kind == "value_error":
        return str(context["error"])  # a validator of ours: it names its own cure
    keys = [step for step in fault["loc"] if isinstance(step, str)]
    known = fields(tables[".".join(keys[:-1])])
    if kind == "extra_forbidden":
        return _unknown(keys[-1], list(known))
    length = len(value) if isinstance(value, str | list) else 0
    what = FAULTS[kind].format(value=shown(value), length=length, **context)
    return f"{what}; use {known[keys[-1]].description}"


def fields(table: type[BaseModel]) -> dict[str, FieldInfo]:
    """A table's keys as the file spells them."""
    return {field.alias or name: field for name, field in table.model_fields.items()}


def _unknown(key: str, known: list[str]) -> str:
    nearest = difflib.get_close_matches(key, known, n=1)
    guess = f'; did you mean "{nearest[0]}"?' if nearest else ";"
    return f"unknown key{guess} known keys: {', '.join(known)}"


def shown(value: object) -> str:
    """A value as the file writes it, short and on one line whatever it holds."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            text = value if len(value) <= LONGEST_SHOWN else value[:LONGEST_SHOWN] + "..."
            return json.dumps(text, ensure_ascii=not text.isprintable())
        case list():
            return "a list"
        case dict():
            return "a table"
        case int() if value.bit_length() > 64:  # beyond TOML's integers, and perhaps too long to print
            return f"a number of {value.bit_length()} bits"
    return str(value)


def in_file_order(problems: Iterable[Problem], document: Mapping[str, Any]) -> list[str]:
    """One line for each problem, in the order in which `document` names their places."""
    placed = [(*_place(problem.location, document), problem.text) for problem in problems]
    return [f"{path}: {text}" for _, path, text in sorted(placed, key=lambda entry: entry[0])]


def _place(location: Location, document: Mapping[str, Any]) -> tuple[list[int], str]:
    """A location's rank in file order, and its path; keys that are not there come last in their table."""
    rank: list[int] = []
    table: Any = document
    for depth, step in enumerate(location):
        if isinstance(table, dict):
            keys = list(table)
            rank.append(keys.index(step) if step in table else len(keys))
            table = table.get(step)
        elif isinstance(table, list) and isinstance(step, int):
            rank.append(step)
            table = table[step]
        else:  # `address = "..."` stands for a list of one: it has no index in the file
            return rank, spelled(location[:depth])
    return rank, spelled(location)


def spelled(location: Location) -> str:
    """A location in the words of the file: `vm[2].mac`."""
    steps = (f"[{step}]" if isinstance(step, int) else f".{_key(step)}" for step in location)
    return "".join(steps).removeprefix(".")


def _key(key: str) -> str:
    return key if BARE_KEY.fullmatch(key) else shown(key)
