"""RSS parameters as an operator writes them: a key in hex, hash types by name, entries as numbers and ranges.

Every reader raises ValueError with the fault alone, for the caller to put the field's name before it.
"""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Final

from vmdqemu.nic.rss import KEY_OCTETS, HashType, check_hash_types
from vmdqemu.nic.scaling_entity import DEFAULT_PROCESSOR, PRIMARY_PROCESSOR

KEY_CURE: Final = f"use {KEY_OCTETS} octets in hex"
TYPES_CURE: Final = f"use any of {', '.join(kind.name or '' for kind in HashType)}"
ENTRIES_CURE: Final = 'use numbers and ranges such as "0-31,40", "default", "primary" or "all"'

_RANGE = re.compile(r"(\d{1,3})(?:-(\d{1,3}))?", re.ASCII)
_PROCESSORS = {"default": (DEFAULT_PROCESSOR,), "primary": (PRIMARY_PROCESSOR,)}


def read_key(text: str) -> bytes:
    """Hex digits, with colons between octets or without (ethtool writes them)."""
    try:
        key = bytes.fromhex(text.replace(":", ""))
    except ValueError:
        raise ValueError(f"is not hex; {KEY_CURE}") from None
    if len(key) != KEY_OCTETS:
        raise ValueError(f"has {len(key)} octets; {KEY_CURE}")
    return key


def read_types(names: Iterable[str]) -> HashType:
    """`TCP_IPV4`, or `NDIS_HASH_TCP_IPV4`; no name at all is legal, and hashes nothing."""
    types = HashType(0)
    for name in names:
        member = HashType.__members__.get(name.upper().removeprefix("NDIS_HASH_"))
        if member is None:
            raise ValueError(f"{name!r} is no hash type; {TYPES_CURE}")
        types |= member
    try:
        check_hash_types(types)
    except ValueError as error:
        raise ValueError(str(error).removeprefix("types: ")) from None
    return types


def read_entries(text: str, count: int) -> tuple[int, ...]:
    """Entries of a table with so many, in the order they are named; `all` is the table and the default."""
    if text == "all":
        return (*range(count), DEFAULT_PROCESSOR)
    return tuple(entry for part in text.split(",") for entry in _read_part(part.strip(), count))


def show_entries(entries: Iterable[int]) -> str:
    """Entries as `read_entries` reads them, in order."""
    names = {DEFAULT_PROCESSOR: "default", PRIMARY_PROCESSOR: "primary"}
    ordered = sorted(set(entries))
    parts = []
    for _, run in groupby(enumerate(ordered), key=lambda place: place[1] - place[0]):
        numbers = [entry for _, entry in run]
        if numbers[0] in names:
            parts += [names[entry] for entry in numbers]
        else:
            parts.append(f"{numbers[0]}-{numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}")
    return ",".join(parts)


def _read_part(part: str, count: int) -> tuple[int, ...]:
    if part in _PROCESSORS:
        return _PROCESSORS[part]
    match = _RANGE.fullmatch(part)
    if match is None:
        raise ValueError(f"{part!r} is no entry; {ENTRIES_CURE}")
    first, last = int(match[1]), int(match[2] or match[1])
    if not first <= last < count:
        raise ValueError(f"{part!r} is not in the table; use 0 to {count - 1}")
    return tuple(range(first, last + 1))
